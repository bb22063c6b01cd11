"""Reads that lag behind writes: DocuSign promises no read-after-write."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from simulator.routes import views
from simulator.simulator import StaleView, current
from simulator.state.model import Membership

LAG = timedelta(seconds=1)
"""A read lags no longer than this, however few there were: less than clients wait for."""


def before_change(membership: Membership) -> None:
    """Keep what the next reads of a user will still show."""
    simulator = current()
    if reads := simulator.state.variants.stale_reads:
        view = StaleView(views.full_user(membership), reads, simulator.state.now() + LAG)
        simulator.stale_views[membership.membership_id] = view


def shown(membership: Membership) -> dict[str, Any]:
    """Return a user as a read shows it now: as it was, or as it is."""
    simulator = current()
    stale = simulator.stale_views.get(membership.membership_id)
    if stale is None or stale.reads_left <= 0 or simulator.state.now() > stale.until:
        return views.full_user(membership)
    stale.reads_left -= 1
    return stale.view
