"""Approvals as people see them: what waits for whom, decided, withdrawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from connector.domain.approvals import (
    Matter,
    Standing,
    Voter,
    in_words,
    joined,
    standing,
    votes,
)
from connector.domain.console import ConsoleRole
from connector.domain.ledger import (
    Fulfilment,
    OperationRecord,
    PlanRecord,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.domain.model import User, fold
from connector.domain.planner import Addresses
from connector.domain.work_items import (
    Act,
    ApprovalTerms,
    Evidence,
    Verdict,
    WorkItemEvent,
)
from connector.errors import (
    ClosedError,
    ConnectorError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PreconditionError,
    TemporaryError,
)
from connector.ports import UnitOfWork
from connector.services.actual import OPEN_STATES
from connector.services.approval_desk import ApprovalDesk
from connector.services.context import Principal, TenantContext
from connector.services.open_grants import is_begun
from connector.services.people import manager_of, subject_of
from connector.services.reasons import reason_of
from connector.services.settlement import SettlementService
from connector.services.work_item_log import WorkItemLog, tidy

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ApprovalView:
    """An approval with everything that a decision needs."""

    item: WorkItem
    plan: PlanRecord
    operations: Sequence[OperationRecord]
    subject: User
    """Whose access changes."""
    entitlement_name: str
    approvers: str
    """Who decides, in words."""
    approved_by: Sequence[str]
    """Logins of those who agreed to this plan and still count."""
    needed: int
    history: Sequence[WorkItemEvent]
    evidence: Sequence[Evidence]
    refusal: str | None
    """Why the person who looks cannot decide; None where they can, and where nobody looks."""

    @property
    def reason(self) -> str:
        """Why it was asked for, in the requester's words; empty where nobody said."""
        return reason_of(self.plan)


class ApprovalService:
    """The use cases around approvals of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        log: WorkItemLog,
        desk: ApprovalDesk,
        settlement: SettlementService,
    ) -> None:
        self._context = context
        self._log = log
        self._desk = desk
        self._settlement = settlement

    # looking ------------------------------------------------------------------

    def list(self, *, every: bool = False) -> Sequence[WorkItem]:
        """Return the open approvals, or all with *every*, oldest first."""
        states = () if every else OPEN_STATES
        with self._context.read() as uow:
            return uow.work_items.search(states=states, kind=WorkItemKind.APPROVAL)

    def inbox(self, person: Principal) -> Sequence[WorkItem]:
        """Return the approvals that wait for this person's decision, oldest first."""
        with self._context.read() as uow:
            waiting = uow.work_items.search(states=[WorkItemState.OPEN], kind=WorkItemKind.APPROVAL)
            return [item for item in waiting if self._refusal(uow, item, person) is None]

    def get(self, work_item_id: str, person: Principal | None = None) -> ApprovalView:
        """Return an approval by id or unambiguous beginning of an id.

        :param person: who looks: the view says whether they can decide.
        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            item = _approval(uow, work_item_id)
            plan, operations = uow.plans.get(item.plan_id)
            matter = self._matter(uow, item)
            events = uow.work_items.events(item.work_item_id)
            return ApprovalView(
                item=item,
                plan=plan,
                operations=operations,
                subject=subject_of(uow, item),
                entitlement_name=self._name(uow, item.entitlement),
                approvers=in_words(matter),
                approved_by=[voter.login for voter in votes(events, item.checksum, matter)],
                needed=self._terms(uow, item).needed,
                history=events,
                evidence=uow.work_items.evidence(item.work_item_id),
                refusal=self._refusal(uow, item, person) if person else None,
            )

    def _name(self, uow: UnitOfWork, entitlement: str) -> str:
        try:
            return self._context.policy.target(entitlement, uow.mirror.catalogue()).title
        except InvalidRequestError:
            return entitlement

    # deciding -----------------------------------------------------------------

    def decide(
        self,
        work_item_id: str,
        verdict: Verdict,
        by: Principal,
        *,
        comment: str = "",
        checksum: str | None = None,
    ) -> ApprovalView:
        """Approve or deny. With the last approval that is needed, the change is carried out; where
        DocuSign does not answer, the connector goes on by itself.

        :param checksum: of the plan that the person saw.
        :raises ForbiddenError: the person may not decide; it is written down.
        :raises InvalidRequestError: it is decided, expired or withdrawn already, the person has
            decided already, or the comment is missing.
        :raises PreconditionError: the plan changed: it has to be looked at again.
        """
        # A denial needs nothing of DocuSign.
        addresses = self._desk.addresses() if verdict is Verdict.APPROVE else Addresses()
        problem: ConnectorError | None = None
        with self._context.write() as uow:
            item = _approval(uow, work_item_id)
            stand = self._standing(uow, item, by)
            problem = self._problem(uow, item, stand, verdict, comment)
            if problem is None and checksum is not None and checksum != item.checksum:
                problem = _changed(item)
            if problem is not None:
                self._log.note(uow, item, by, Act.REFUSED, str(problem), verdict=verdict)
            elif verdict is Verdict.DENY:
                self._vote(uow, item, by, stand, Act.DENIED, comment=comment)
                item = self._log.close(uow, item, WorkItemState.REJECTED, by, tidy(comment))
            elif not self._desk.renew(uow, item, by, addresses):
                problem = _changed(uow.work_items.get(item.work_item_id))
            else:
                item = self._approve(uow, item, by, stand, comment)
            uow.commit()
        if problem is not None:
            raise problem
        if item.state is WorkItemState.APPROVED:
            self._carry_out(item, by)
        return self.get(item.work_item_id, by)

    def _approve(
        self, uow: UnitOfWork, item: WorkItem, by: Principal, stand: Standing, comment: str
    ) -> WorkItem:
        self._vote(uow, item, by, stand, Act.APPROVED, comment=comment)
        agreed = votes(
            uow.work_items.events(item.work_item_id), item.checksum, self._matter(uow, item)
        )
        if len(agreed) < self._terms(uow, item).needed:
            return item
        item = self._desk.release(uow, item, [voter.login for voter in agreed])
        self._log.audit(uow, item, by, "released", plan=item.plan_id, checksum=item.checksum)
        return item

    def _vote(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        by: Principal,
        stand: Standing,
        act: Act,
        *,
        comment: str,
    ) -> None:
        voter = stand.voter or _voter(by)
        self._log.note(
            uow,
            item,
            by,
            act,
            tidy(comment),
            checksum=item.checksum,
            plan=item.plan_id,
            voter=voter.login,
            email=voter.email,
            groups=sorted(voter.groups),
            is_approver=voter.is_approver,
        )

    def _problem(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        stand: Standing,
        verdict: Verdict,
        comment: str,
    ) -> ConnectorError | None:
        """Return what stands against a decision, None where nothing does."""
        if item.state is not WorkItemState.OPEN:
            return ClosedError(f"This approval is {item.state} already; nothing is left to decide.")
        if item.expires_at is not None and item.expires_at <= self._context.clock.now():
            return ClosedError("This approval has expired. Ask for the access again.")
        if stand.voter is None:
            return ForbiddenError(stand.refusal)
        is_needed = verdict is Verdict.DENY or self._terms(uow, item).reason_required
        if is_needed and not tidy(comment):
            return InvalidRequestError("This decision needs a reason: give a comment.")
        decided = {
            fold(event.data.get("voter", ""))
            for event in uow.work_items.events(item.work_item_id)
            if event.act is Act.APPROVED and event.data.get("checksum") == item.checksum
        }
        if verdict is Verdict.APPROVE and fold(stand.voter.login) in decided:
            return ClosedError(f"{stand.voter.login} has approved this already.")
        return None

    def _carry_out(self, item: WorkItem, by: Principal) -> None:
        try:
            self._settlement.settle_plan(item.plan_id, by)
        except TemporaryError as error:
            _log.info("approved plan waits", plan=item.plan_id, reason=str(error))

    # who ----------------------------------------------------------------------

    def _refusal(self, uow: UnitOfWork, item: WorkItem, person: Principal) -> str | None:
        stand = self._standing(uow, item, person)
        problem = self._problem(uow, item, stand, Verdict.APPROVE, "looks")
        return str(problem) if problem else None

    def _standing(self, uow: UnitOfWork, item: WorkItem, person: Principal) -> Standing:
        return standing(_voter(person), self._matter(uow, item))

    def _matter(self, uow: UnitOfWork, item: WorkItem) -> Matter:
        terms = self._terms(uow, item)
        approvers = terms.approvers
        if item.escalated_at is not None:
            approvers = joined(approvers, terms.escalate_to)
        requester = item.requester.partition(":")[2]
        subject = subject_of(uow, item)
        return Matter(
            approvers=approvers,
            manager=manager_of(uow, item.subject_id),
            parties=frozenset({fold(requester), subject.email_key, fold(subject.user_id)}),
            delegations=uow.work_items.delegations(),
            now=self._context.clock.now(),
        )

    def _terms(self, uow: UnitOfWork, item: WorkItem) -> ApprovalTerms:
        """Return the terms as the policy has them now: who was removed decides no longer. Where it
        no longer asks for an approval, those of the opening stay."""
        opened_with = item.terms or ApprovalTerms()
        try:
            ruling = self._context.policy.rule_on(item.entitlement, uow.mirror.catalogue())
        except InvalidRequestError:
            return opened_with
        if ruling.fulfilment is not Fulfilment.APPROVAL:
            return opened_with
        meaning = ruling.meaning
        return ApprovalTerms(
            meaning.approvers,
            meaning.approvals_needed,
            meaning.on_expiry,
            meaning.escalate_to,
            meaning.approver_says_why,
        )

    # withdrawing --------------------------------------------------------------

    def withdraw(self, work_item_id: str, by: Principal, comment: str = "") -> ApprovalView:
        """Take a request back, as its requester or an administrator.

        :raises ForbiddenError: the person is neither.
        :raises InvalidRequestError: it is closed, or DocuSign is just being told.
        """
        with self._context.write() as uow:
            item = _approval(uow, work_item_id)
            if item.state not in (WorkItemState.OPEN, WorkItemState.APPROVED):
                raise ClosedError(f"This approval is {item.state} already.")
            if by.name != item.requester and ConsoleRole.ADMINISTRATOR not in by.roles:
                raise ForbiddenError(
                    f"Only {item.requester}, who asked for it, or an administrator withdraws this."
                )
            if is_begun(uow, item):
                raise ClosedError(
                    "DocuSign is being told already. Once it is done, ask for the opposite."
                )
            self._log.close(uow, item, WorkItemState.WITHDRAWN, by, tidy(comment))
            uow.commit()
        return self.get(item.work_item_id, by)


def _approval(uow: UnitOfWork, work_item_id: str) -> WorkItem:
    item = uow.work_items.get(work_item_id)
    if item.kind is not WorkItemKind.APPROVAL:
        raise NotFoundError(f"Work item {item.work_item_id} is a manual task, no approval.")
    return item


def _voter(person: Principal) -> Voter:
    return Voter(person.login, person.email, person.groups, person.is_approver)


def _changed(item: WorkItem) -> ConnectorError:
    if item.state is WorkItemState.OPEN:
        return PreconditionError(
            "What is to be done changed since you looked. Look again and decide on that."
        )
    return PreconditionError(
        f"The situation changed since you looked: {item.comment} The approval is {item.state}."
    )
