"""Reads that lag behind writes: DocuSign promises no read-after-write."""

from __future__ import annotations

from typing import Any

from simulator.routes import views
from simulator.simulator import StaleView, current
from simulator.state.model import Membership


def before_change(membership: Membership) -> None:
    """Keep what the next reads of a user will still show."""
    simulator = current()
    if reads := simulator.state.variants.stale_reads:
        view = StaleView(views.full_user(membership), reads)
        simulator.stale_views[membership.membership_id] = view


def shown(membership: Membership) -> dict[str, Any]:
    """Return a user as a read shows it now: as it was, or as it is."""
    stale = current().stale_views.get(membership.membership_id)
    if stale is None or stale.reads_left <= 0:
        return views.full_user(membership)
    stale.reads_left -= 1
    return stale.view
