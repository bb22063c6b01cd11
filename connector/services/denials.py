"""What was denied a short while ago: shown to whoever asked, who is not to ask in vain again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from connector.domain.ledger import WorkItem, WorkItemKind, WorkItemState
from connector.ports import UnitOfWork
from connector.services.context import TenantContext


def quiet_until(context: TenantContext, item: WorkItem) -> datetime | None:
    """Return until when a denial is shown and holds; None where it no longer does, or is none."""
    if item.kind is not WorkItemKind.APPROVAL or item.state is not WorkItemState.REJECTED:
        return None
    if item.closed_at is None:
        return None
    until = item.closed_at + timedelta(days=context.settings.approvals.quiet_days_after_denial)
    return until if until > context.clock.now() else None


def denied_to(
    uow: UnitOfWork,
    context: TenantContext,
    user_ids: Iterable[str],
    entitlement: str,
    requester: str,
) -> Sequence[WorkItem]:
    """Return the denials that still hold for what a requester asks again, one a user at most."""
    if not (ids := list(user_ids)) or not context.settings.approvals.quiet_days_after_denial:
        return ()
    found = uow.work_items.search(
        states=[WorkItemState.REJECTED],
        subject_ids=ids,
        entitlement=entitlement,
        kind=WorkItemKind.APPROVAL,
    )
    holding = [item for item in found if item.requester == requester and quiet_until(context, item)]
    return list({item.subject_id: item for item in holding}.values())
