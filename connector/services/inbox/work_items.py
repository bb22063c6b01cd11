"""Work items with what belongs to them, looked at and talked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.authentication.console import ConsoleRole
from connector.domain.ledger.plans import PlanRecord
from connector.domain.model import User
from connector.domain.work_items.history import Act, Evidence, WorkItemEvent
from connector.domain.work_items.items import OPEN_STATES, WorkItem, WorkItemFilter, WorkItemKind
from connector.domain.writing import require_words
from connector.errors import NotFoundError
from connector.services.context import Principal, Seen, TenantContext
from connector.services.inbox.attesting import attest_refusal, is_to_attest
from connector.services.inbox.search import resolved
from connector.services.people import subject_of
from connector.services.work.log import WorkItemLog
from connector.services.work.matters import Matters
from connector.services.work.reasons import reason_of


@dataclass(frozen=True)
class TaskView:
    """A work item with what belongs to it."""

    item: WorkItem
    plan: PlanRecord
    subject: User
    history: Sequence[WorkItemEvent]
    evidence: Sequence[Evidence]
    attest_refusal: str | None = None
    """Why the person who looks cannot attest it; None where they can, where nobody looks, and
    where there is nothing to attest."""

    @property
    def reason(self) -> str:
        """Why it was asked for, in the requester's words; empty where nobody said."""
        return reason_of(self.plan)

    @property
    def said_by(self) -> str | None:
        """Who said the item's comment: not always who closed it, such as who only looked whether
        DocuSign shows what somebody else has done; None where there is no comment, or no person's,
        such as what DocuSign answered before the task was opened."""
        if not self.item.comment:
            return None
        said = (event.actor for event in self.history if event.comment == self.item.comment)
        return next(said, None)


class WorkItemService:
    """The work items of one tenant, approvals and manual tasks, as people look at them and talk
    about them."""

    def __init__(self, context: TenantContext, log: WorkItemLog) -> None:
        self._context = context
        self._log = log

    def list(
        self,
        *,
        every: bool = False,
        kind: WorkItemKind | None = None,
        wanted: WorkItemFilter | None = None,
    ) -> Sequence[WorkItem]:
        """Return the open items, or all with *every*, oldest first."""
        states = () if every else OPEN_STATES
        with self._context.read() as uow:
            wanted = resolved(uow, self._context, wanted)
            return uow.work_items.search(states=states, kind=kind, wanted=wanted)

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by id or unambiguous beginning of an id.

        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            return uow.work_items.get(work_item_id)

    def view(self, work_item_id: str, person: Principal | None = None) -> TaskView:
        """Return an item with its plan, its person, its history and its evidence.

        :param person: who looks; whether they may attest it is told only with them.
        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            item = uow.work_items.get(work_item_id)
            refusal = None
            if person is not None and is_to_attest(item):
                refusal = attest_refusal(Matters(uow, self._context), item, person)
            return TaskView(
                item,
                uow.plans.get(item.plan_id)[0],
                subject_of(uow, item),
                uow.work_items.events(item.work_item_id),
                uow.work_items.evidence(item.work_item_id),
                refusal,
            )

    def evidence_content(self, work_item_id: str, evidence_id: str) -> tuple[Evidence, bytes]:
        """Return a file attached to an item.

        :raises NotFoundError: the item has no such file.
        """
        with self._context.read() as uow:
            evidence, content = uow.work_items.evidence_content(evidence_id)
        if evidence.work_item_id != work_item_id:
            raise NotFoundError(f"There is no file {evidence_id!r} with this work item.")
        return evidence, content

    def comment(
        self, work_item_id: str, by: Principal, text: str, *, seen: Seen | None = None
    ) -> WorkItem:
        """Say something about an item, open or closed, task or approval.

        :raises InvalidRequestError: it says nothing.
        """
        by.require(ConsoleRole.OPERATOR, ConsoleRole.APPROVER)
        said = require_words(text, "Say something about it.")
        with self._context.write(seen) as uow:
            item = uow.work_items.get(work_item_id)
            self._log.note(uow, item, by, Act.COMMENTED, said)
            uow.commit()
        return item
