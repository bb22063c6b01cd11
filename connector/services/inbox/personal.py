"""What waits for one person: what they have claimed, can decide, or could take up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.items import OPEN_STATES, WorkItem, WorkItemFilter, WorkItemKind
from connector.ports import UnitOfWork
from connector.services.context import Principal, TenantContext
from connector.services.inbox.approvals import ApprovalService
from connector.services.inbox.attesting import attest_refusal, is_to_attest
from connector.services.inbox.search import resolved
from connector.services.work.matters import Matters

_CHUNK = 200
_CLAIMED, _REST = "claimed", "rest"
"""The parts of the list, and how a place in it begins: ``claimed:<id of the last item>``."""


class Inbox:
    """Pages of what waits for a person, of one tenant."""

    def __init__(self, context: TenantContext, approvals: ApprovalService) -> None:
        self._context = context
        self._approvals = approvals

    def page(
        self,
        person: Principal,
        after: str = "",
        limit: int = 50,
        *,
        wanted: WorkItemFilter | None = None,
    ) -> tuple[Sequence[WorkItem], str | None]:
        """Return a page and what *after* is for the next one; None: it is the last.

        First come the tasks that they have claimed, then approvals that they can decide and tasks
        that they could take up or attest; each part oldest first.

        :param after: the place where the page before ended; anything else begins anew.
        """
        part, _, last = after.partition(":")
        found: list[WorkItem] = []
        with self._context.read() as uow:
            wanted = resolved(uow, self._context, wanted)
            if part != _REST:
                found += uow.work_items.page(
                    OPEN_STATES, assignee=person.name, wanted=wanted, after=last, limit=limit + 1
                )
                if len(found) > limit:
                    return found[:limit], f"{_CLAIMED}:{found[limit - 1].work_item_id}"
                last = ""
            for item in self._rest(uow, person, last, wanted):
                if len(found) == limit:
                    return found, f"{_REST}:{last}"
                found.append(item)
                last = item.work_item_id
        return found, None

    def _rest(
        self, uow: UnitOfWork, person: Principal, last: str, wanted: WorkItemFilter | None
    ) -> Iterator[WorkItem]:
        works = {ConsoleRole.OPERATOR, ConsoleRole.ADMINISTRATOR} & person.roles
        kind = None if works else WorkItemKind.APPROVAL
        matters = Matters(uow, self._context)
        while True:
            waiting = uow.work_items.page(
                OPEN_STATES, kind=kind, wanted=wanted, after=last, limit=_CHUNK
            )
            matters.prefetch([item for item in waiting if _depends_on_subject(item)])
            for item in waiting:
                if item.kind is WorkItemKind.MANUAL_TASK:
                    is_theirs = _is_left_to(person, item, matters)
                else:
                    is_theirs = self._approvals.refusal(matters, item, person) is None
                if is_theirs:
                    yield item
            if len(waiting) < _CHUNK:
                return
            last = waiting[-1].work_item_id


def _is_left_to(person: Principal, item: WorkItem, matters: Matters) -> bool:
    """Whether a task that a person has not claimed may be worked on by them."""
    if item.assignee == person.name:
        return False
    if is_to_attest(item):
        # Whoever completed it keeps it, and somebody else attests it.
        return attest_refusal(matters, item, person) is None
    return item.assignee is None


def _depends_on_subject(item: WorkItem) -> bool:
    """Whether it matters to who may act on it whom it is about."""
    return item.kind is WorkItemKind.APPROVAL or is_to_attest(item)
