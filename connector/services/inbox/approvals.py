"""Approvals as people see them: what waits for whom, decided, withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import structlog
from cachetools import TTLCache

from connector.domain.authentication.console import ConsoleRole
from connector.domain.ledger.plans import OperationRecord, PlanRecord
from connector.domain.model import User
from connector.domain.planning import Addresses
from connector.domain.work_items.approvals import Verdict, Voter, in_words, standing, votes
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.work_items.items import (
    OPEN_STATES,
    WorkItem,
    WorkItemFilter,
    WorkItemKind,
    WorkItemState,
)
from connector.domain.writing import require_words, tidy
from connector.errors import (
    ClosedError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    PermanentError,
    PreconditionError,
    TemporaryError,
    UnknownOutcomeError,
)
from connector.ports import UnitOfWork
from connector.services.context import Principal, Seen, TenantContext
from connector.services.inbox.search import resolved
from connector.services.people import subject_of
from connector.services.provisioning.recording import answered_in_time
from connector.services.provisioning.settlement import SettlementService
from connector.services.work.approval_desk import ApprovalDesk
from connector.services.work.asking_again import last_denial
from connector.services.work.log import WorkItemLog
from connector.services.work.matters import Matters
from connector.services.work.open_grants import is_begun
from connector.services.work.reasons import reason_of
from connector.services.work.undecidable import without_deciders

_log = structlog.get_logger(__name__)

_CHUNK = 200
"""Approvals that are read at once while those for somebody are looked for."""
_COUNTED_S = 60
"""How long it is not counted again which approvals too few can decide."""


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
    too_few: str
    """That fewer can agree than have to, until when, and what to do; empty where enough can now, or
    nobody here can tell."""
    history: Sequence[WorkItemEvent]
    denied_before: WorkItem | None
    """When the same was denied last before it was asked for; None: never."""
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
        self._counting = Lock()
        self._counted: TTLCache[str, int] = TTLCache(
            1, _COUNTED_S, timer=lambda: context.clock.now().timestamp()
        )

    # looking ------------------------------------------------------------------

    def list(
        self, *, every: bool = False, wanted: WorkItemFilter | None = None
    ) -> Sequence[WorkItem]:
        """Return the open approvals, or all with *every*, oldest first."""
        states = () if every else OPEN_STATES
        with self._context.read() as uow:
            wanted = resolved(uow, self._context, wanted)
            return uow.work_items.search(states=states, kind=WorkItemKind.APPROVAL, wanted=wanted)

    def inbox(self, person: Principal, wanted: WorkItemFilter | None = None) -> Sequence[WorkItem]:
        """Return the approvals that wait for this person's decision, oldest first."""
        items: list[WorkItem] = []
        after: str | None = ""
        while after is not None:
            page, after = self.inbox_page(person, after, _CHUNK, wanted=wanted)
            items += page
        return items

    def inbox_page(
        self,
        person: Principal,
        after: str = "",
        limit: int = 50,
        *,
        wanted: WorkItemFilter | None = None,
    ) -> tuple[Sequence[WorkItem], str | None]:
        """Return a page of the same, and what *after* is for the next one; None: it is the last.

        :param after: id of the last approval of the page before.
        """
        found: list[WorkItem] = []
        with self._context.read() as uow:
            matters = self._matters(uow)
            wanted = resolved(uow, self._context, wanted)
            while True:
                waiting = uow.work_items.page(
                    [WorkItemState.OPEN],
                    kind=WorkItemKind.APPROVAL,
                    wanted=wanted,
                    after=after,
                    limit=_CHUNK,
                )
                matters.prefetch(waiting)
                for item in waiting:
                    if self.refusal(matters, item, person) is None:
                        found.append(item)
                        if len(found) > limit:
                            return found[:limit], found[limit - 1].work_item_id
                if len(waiting) < _CHUNK:
                    return found, None
                after = waiting[-1].work_item_id

    def get(self, work_item_id: str, person: Principal | None = None) -> ApprovalView:
        """Return an approval by id or unambiguous beginning of an id.

        :param person: who looks: the view says whether they can decide.
        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            item = _approval(uow, work_item_id)
            plan, operations = uow.plans.get(item.plan_id)
            matters = self._matters(uow)
            matter = matters.of(item)
            events = matters.events(item)
            return ApprovalView(
                item=item,
                plan=plan,
                operations=operations,
                subject=subject_of(uow, item),
                entitlement_name=self._name(uow, item.entitlement),
                approvers=in_words(matter),
                approved_by=[vote.voter.login for vote in votes(events, item.checksum, matter)],
                needed=matters.terms(item).needed,
                too_few=matters.too_few(item),
                history=events,
                denied_before=last_denial(uow, item),
                refusal=self.refusal(matters, item, person) if person else None,
            )

    def without_deciders(self, items: Sequence[WorkItem] | None = None) -> Mapping[str, str]:
        """Return, by id, to which open approvals fewer can agree than have to, those to whom they
        escalate included, each with that in words.

        :param items: those that are looked at; left out, the oldest thousand.
        """
        with self._context.read() as uow:
            return without_deciders(uow, self._context, items)

    def count_without_deciders(self) -> int:
        """Return how many of the oldest thousand those are, as of a minute ago at most: it is asked
        for with every inbox of an administrator."""
        with self._counting:
            found = self._counted.get("")
            if found is None:
                found = self._counted[""] = len(self.without_deciders())
            return found

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
        seen: Seen | None = None,
    ) -> ApprovalView:
        """Approve or deny. With the last approval that is needed, the change is carried out; where
        DocuSign does not answer in time, the connector goes on by itself. Every refusal is written
        down, save that of a missing comment: as ``refused`` where the person may not decide, else
        as ``missed``.

        :param checksum: of the plan that the person saw.
        :raises ForbiddenError: the person may not decide.
        :raises InvalidRequestError: it is decided, expired or withdrawn already, the person has
            decided already, or the comment is missing.
        :raises PreconditionError: the plan changed: it has to be looked at again.
        """
        # A denial needs nothing of DocuSign.
        addresses = self._desk.addresses() if verdict is Verdict.APPROVE else Addresses()
        problem: PermanentError | None = None
        with self._context.write(seen) as uow:
            item = _approval(uow, work_item_id)
            matters = self._matters(uow)
            problem = self._problem(matters, item, by, verdict)
            if problem is None:
                # Who may decide and only forgot to say why has tried nothing that needs a record.
                self._check_comment(matters, item, verdict, comment)
            if problem is None and checksum is not None and checksum != item.checksum:
                problem = _changed(item)
            if problem is not None:
                # Whoever came too late did nothing that they may not do.
                is_barred = isinstance(problem, ForbiddenError)
                act = Act.REFUSED if is_barred else Act.MISSED
                self._log.note(uow, item, by, act, problem.reason, verdict=verdict)
            elif verdict is Verdict.DENY:
                said, vote = tidy(comment), self._vote(uow, item, by)
                self._log.remember(uow, item, by, Act.DENIED, said, **vote)
                item = self._log.close(uow, item, WorkItemState.DENIED, by, said, **vote)
            elif not self._desk.renew(uow, item, by, addresses):
                problem = _changed(uow.work_items.get(item.work_item_id))
            else:
                item = self._approve(uow, item, by, comment)
            uow.commit()
        if problem is not None:
            raise problem
        if item.state is WorkItemState.APPROVED:
            self._carry_out(item, by)
        return self.get(item.work_item_id, by)

    def _approve(self, uow: UnitOfWork, item: WorkItem, by: Principal, comment: str) -> WorkItem:
        vote = self._vote(uow, item, by)
        self._log.note(uow, item, by, Act.APPROVED, tidy(comment), **vote)
        matters = self._matters(uow)
        agreed = votes(matters.events(item), item.checksum, matters.of(item))
        if len(agreed) < matters.terms(item).needed:
            return item
        item = self._desk.release(uow, item, [vote.voter.login for vote in agreed])
        self._log.audit(uow, item, by, "decided", plan=item.plan_id, checksum=item.checksum)
        return item

    def _vote(self, uow: UnitOfWork, item: WorkItem, by: Principal) -> Mapping[str, Any]:
        """Return what is kept of a decision, and of who made it."""
        hand = _voter(by)
        voter = standing(hand, self._matters(uow).of(item)).voter or hand
        through = (
            {"by": {"login": hand.login, "email": hand.email, "is_local": hand.is_local}}
            if voter is not hand
            else {}
        )
        return {
            "checksum": item.checksum,
            "plan": item.plan_id,
            "voter": voter.login,
            "email": voter.email,
            "groups": sorted(voter.groups),
            "is_approver": voter.is_approver,
            "is_local": voter.is_local,
            **through,
        }

    def _problem(
        self,
        matters: Matters,
        item: WorkItem,
        by: Principal,
        verdict: Verdict,
    ) -> PermanentError | None:
        """Return what stands against a decision, None where nothing does."""
        matter = matters.of(item)
        stand = standing(_voter(by), matter)
        if item.state is not WorkItemState.OPEN:
            return ClosedError(f"This approval is {item.state} already; nothing is left to decide.")
        if item.expires_at is not None and item.expires_at <= self._context.clock.now():
            return ClosedError("This approval has expired.", remedy="Ask for the access again.")
        if stand.voter is None:
            return ForbiddenError(stand.refusal, remedy=stand.remedy)
        names = stand.voter.names | _voter(by).names
        if verdict is Verdict.APPROVE and any(
            vote.names & names for vote in votes(matters.events(item), item.checksum, matter)
        ):
            return ClosedError(f"{stand.voter.login} has approved this already.")
        return None

    def _check_comment(
        self, matters: Matters, item: WorkItem, verdict: Verdict, comment: str
    ) -> None:
        is_needed = verdict is Verdict.DENY or matters.terms(item).reason_required
        if is_needed:
            require_words(comment, "This decision needs a reason: give a comment.")

    def _carry_out(self, item: WorkItem, by: Principal) -> None:
        try:
            with answered_in_time(by, self._context.settings.provisioning):
                self._settlement.settle_plan(item.plan_id, by)
        except (TemporaryError, UnknownOutcomeError) as error:
            _log.info("approved plan waits", plan=item.plan_id, reason=str(error))

    # who ----------------------------------------------------------------------

    def refusal(self, matters: Matters, item: WorkItem, person: Principal) -> str | None:
        """Return why a person cannot decide on an approval now; None where they can."""
        problem = self._problem(matters, item, person, Verdict.APPROVE)
        return str(problem) if problem else None

    def _matters(self, uow: UnitOfWork) -> Matters:
        return Matters(uow, self._context)

    # withdrawing --------------------------------------------------------------

    def withdraw(
        self, work_item_id: str, by: Principal, comment: str = "", *, seen: Seen | None = None
    ) -> ApprovalView:
        """Take a request back, as its requester or an administrator.

        :raises ForbiddenError: the person is neither.
        :raises InvalidRequestError: it is closed, or DocuSign is just being told.
        :raises PreconditionError: it is not what was seen.
        """
        with self._context.write(seen) as uow:
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
    return Voter(
        person.login, person.email, person.groups, person.is_approver, is_local=person.is_local
    )


def _changed(item: WorkItem) -> PermanentError:
    if item.state is WorkItemState.OPEN:
        return PreconditionError(
            "What is to be done changed since you looked.",
            remedy="Look again and decide on that.",
        )
    return PreconditionError(
        f"The situation changed since you looked: {item.comment} The approval is {item.state}."
    )
