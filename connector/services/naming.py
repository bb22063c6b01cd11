"""Finds the names that make a plan readable for people."""

from __future__ import annotations

from collections.abc import Iterable

from connector.domain.naming.names import Names, shown_users
from connector.domain.plan import Operation
from connector.domain.policy.guards import touched_users
from connector.ports import UnitOfWork
from connector.services.context import TenantContext


def names_for(uow: UnitOfWork, context: TenantContext, steps: Iterable[Operation]) -> Names:
    """Return the names that the descriptions of these operations need, as they are now."""
    steps = list(steps)
    shown = {user_id for step in steps for user_id in shown_users(touched_users(step))}
    # Who takes over is no one whom the operation changes, but is named.
    shown |= {heir for step in steps if (heir := getattr(step, "to_user_id", None))}
    return Names(
        uow.mirror.catalogue(),
        uow.mirror.get_users(shown) if shown else {},
        context.settings.accounts,
        context.attribute_names,
    )
