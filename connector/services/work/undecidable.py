"""Open approvals to which fewer people can agree than have to, by whatever escalation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.work_items.items import WorkItem, WorkItemKind, WorkItemState
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.work.matters import Matters

_LOOKED_AT = 1_000
"""More would make the inbox slow, in which they are counted."""


def without_deciders(
    uow: UnitOfWork, context: TenantContext, items: Sequence[WorkItem] | None = None
) -> Mapping[str, str]:
    """Return those approvals by id, each with that in words, and what to do.

    :param items: those that are looked at; left out, the oldest thousand that are open.
    """
    if items is None:
        items = uow.work_items.page(
            [WorkItemState.OPEN], kind=WorkItemKind.APPROVAL, limit=_LOOKED_AT
        )
    # A page may be of closed items alone: nothing is read for those.
    waiting = [item for item in items if _is_open_approval(item)]
    if not waiting:
        return {}
    matters = Matters(uow, context)
    matters.prefetch(waiting)
    told = {item.work_item_id: matters.too_few(item, is_final=True) for item in waiting}
    return {item_id: words for item_id, words in told.items() if words}


def _is_open_approval(item: WorkItem) -> bool:
    return item.kind is WorkItemKind.APPROVAL and item.state is WorkItemState.OPEN
