"""What people do to manual tasks: claim, hand over, attach, complete, attest, reject."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import structlog

from connector.domain.authentication.console import ConsoleRole
from connector.domain.policy.entitlement_rules import VERIFIED_BY_API, VERIFY_WORD
from connector.domain.work_items.history import Act, Evidence
from connector.domain.work_items.items import WorkItem, WorkItemKind, WorkItemState
from connector.domain.writing import require_words, tidy
from connector.errors import ClosedError, ForbiddenError, InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import Principal, Seen, TenantContext, new_id
from connector.services.expectations import REVIEW
from connector.services.inbox.attesting import attest_refusal
from connector.services.inbox.colleagues import find_colleague
from connector.services.inbox.task_verification import TaskVerification
from connector.services.people import refuse_own
from connector.services.work.log import WorkItemLog
from connector.services.work.matters import Matters

_log = structlog.get_logger(__name__)

MAX_EVIDENCE_BYTES = 5_000_000
"""A screenshot or a PDF; the database is no file store."""


class TaskService:
    """What people do to the manual tasks of one tenant.

    Every act on a task raises :class:`~connector.errors.NotFoundError` where there is none,
    :class:`~connector.errors.InvalidRequestError` where it is closed already or is no manual task,
    and :class:`~connector.errors.ForbiddenError` for a person without the role ``operator``.
    ``seen`` is asked within the act's transaction and raises where the task is not what they saw.
    """

    def __init__(
        self, context: TenantContext, log: WorkItemLog, verification: TaskVerification
    ) -> None:
        self._context = context
        self._log = log
        self._verification = verification

    def claim(self, work_item_id: str, by: Principal, *, seen: Seen | None = None) -> WorkItem:
        """Take a task: others see who works on it.

        :raises ForbiddenError: somebody else has it; they release it or hand it over.
        """
        by.require(ConsoleRole.OPERATOR)
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            if item.assignee == by.name:
                return item
            if item.assignee is not None:
                raise ForbiddenError(
                    f"{item.assignee} works on this task. Ask them to release it, or let an "
                    "administrator hand it over."
                )
            item = self._assign(uow, item, by.name)
            self._log.note(uow, item, by, Act.CLAIMED)
            uow.commit()
        return item

    def release(
        self, work_item_id: str, by: Principal, comment: str = "", *, seen: Seen | None = None
    ) -> WorkItem:
        """Give a task back to everybody.

        :raises ForbiddenError: somebody else has it.
        """
        by.require(ConsoleRole.OPERATOR)
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            _refuse_others(item, by)
            item = self._assign(uow, item, None)
            self._log.note(uow, item, by, Act.RELEASED, tidy(comment))
            uow.commit()
        return item

    def hand_over(
        self,
        work_item_id: str,
        by: Principal,
        to: str,
        comment: str = "",
        *,
        seen: Seen | None = None,
    ) -> WorkItem:
        """Give a task to somebody else.

        :param to: login or e-mail address of somebody who may work tasks.
        :raises ForbiddenError: somebody else has it.
        :raises InvalidRequestError: nobody who may is known so.
        """
        by.require(ConsoleRole.OPERATOR)
        if not tidy(to):
            raise InvalidRequestError("Say to whom the task is handed over: their login.")
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            _refuse_others(item, by)
            item = self._assign(uow, item, f"user:{find_colleague(uow, self._context, tidy(to))}")
            self._log.note(uow, item, by, Act.HANDED_OVER, tidy(comment), to=item.assignee)
            uow.commit()
        return item

    def attach(
        self,
        work_item_id: str,
        by: Principal,
        name: str,
        media_type: str,
        content: bytes,
        *,
        seen: Seen | None = None,
    ) -> Evidence:
        """Attach a file that shows that a task was done.

        :raises InvalidRequestError: it is empty or larger than :data:`MAX_EVIDENCE_BYTES`.
        """
        by.require(ConsoleRole.OPERATOR)
        if not 0 < len(content) <= MAX_EVIDENCE_BYTES:
            raise InvalidRequestError(
                f"A file has at most {MAX_EVIDENCE_BYTES:,} bytes and is not empty; this one has "
                f"{len(content):,}."
            )
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            evidence = Evidence(
                evidence_id=new_id(),
                work_item_id=item.work_item_id,
                name=_file_name(name),
                media_type=tidy(media_type)[:100] or "application/octet-stream",
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest(),
                added_by=by.name,
                added_at=self._context.clock.now(),
            )
            uow.work_items.add_evidence(evidence, content)
            self._log.note(
                uow,
                item,
                by,
                Act.EVIDENCE,
                evidence=evidence.evidence_id,
                file=evidence.name,
                sha256=evidence.sha256,
            )
            uow.commit()
        return evidence

    def complete(
        self, work_item_id: str, by: Principal, comment: str = "", *, seen: Seen | None = None
    ) -> WorkItem:
        """Say that a task is done.

        It closes once DocuSign confirms; where no API shows it, once a second person attests it;
        at once where nobody's access depends on it. Said already, it is only looked at again.

        :raises InvalidRequestError: it was said already, and this would say something else about
            it: a comment, or the word of a second person, who attests it.
        :raises ForbiddenError: somebody else has claimed it, or a second person would have to be
            told from this one, who has no address.
        """
        by.require(ConsoleRole.OPERATOR)
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            _refuse_others(item, by)
            if item.verification not in (*VERIFIED_BY_API, VERIFY_WORD):
                by.require_address(self._context.tenant)
            if item.state is WorkItemState.AWAITING_VERIFICATION:
                _refuse_other_word(item, by, tidy(comment))
            else:
                item = self._completed(uow, item, by, tidy(comment))
                uow.commit()
        return self._verification.verify(item.work_item_id, by)

    def attest(
        self, work_item_id: str, by: Principal, comment: str, *, seen: Seen | None = None
    ) -> WorkItem:
        """Confirm as a second person that a task which no API shows was done; it closes.

        :raises InvalidRequestError: nobody completed it yet, DocuSign itself shows it, or neither a
            comment nor a file says what was seen.
        :raises ForbiddenError: the person who completed it, asked for it or gains by it cannot, nor
            who has no address to be compared with them.
        """
        by.require(ConsoleRole.OPERATOR)
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            if item.verification in VERIFIED_BY_API:
                raise InvalidRequestError(
                    "DocuSign itself shows whether this was done: verify it instead."
                )
            if item.state is not WorkItemState.AWAITING_VERIFICATION:
                raise InvalidRequestError("Nobody has completed this task yet.")
            refusal = attest_refusal(Matters(uow, self._context), item, by)
            if refusal is not None:
                raise ForbiddenError(refusal)
            if not uow.work_items.evidence(item.work_item_id):
                require_words(comment, "Say what you saw, or attach a file that shows it.")
            self._log.note(uow, item, by, Act.ATTESTED, tidy(comment))
            item = self._log.close(uow, item, WorkItemState.DONE, by, tidy(comment))
            uow.commit()
        return item

    def reject(
        self, work_item_id: str, by: Principal, comment: str, *, seen: Seen | None = None
    ) -> WorkItem:
        """Refuse a task, with a reason; the access stays as it is.

        :raises InvalidRequestError: the reason is missing.
        :raises ForbiddenError: somebody else has claimed it; of a review, which is accepted by it,
            the person is the one it is about or has no address, by which to tell.
        """
        by.require(ConsoleRole.OPERATOR)
        reason = require_words(comment, "A rejection needs a reason: give a comment.")
        with self._context.write(seen) as uow:
            item = _open_task(uow, work_item_id)
            _refuse_others(item, by)
            if uow.plans.get(item.plan_id)[0].context.get(REVIEW):
                # Who rejects a review accepts what was found.
                refuse_own(uow, item.subject_id, by)
            item = self._log.close(uow, item, WorkItemState.REJECTED, by, reason)
            uow.commit()
        return item

    def _completed(self, uow: UnitOfWork, item: WorkItem, by: Principal, comment: str) -> WorkItem:
        item = replace(
            item,
            state=WorkItemState.AWAITING_VERIFICATION,
            comment=comment or item.comment,
            completed_by=by.name,
        )
        uow.work_items.save(item)
        self._log.note(uow, item, by, Act.COMPLETED, comment, email=by.email)
        if item.verification == VERIFY_WORD:
            item = self._log.close(uow, item, WorkItemState.DONE, by, comment)
        return item

    def _assign(self, uow: UnitOfWork, item: WorkItem, assignee: str | None) -> WorkItem:
        item = replace(item, assignee=assignee)
        uow.work_items.save(item)
        return item


def _open_task(uow: UnitOfWork, work_item_id: str) -> WorkItem:
    item = uow.work_items.get(work_item_id)
    if item.kind is not WorkItemKind.MANUAL_TASK:
        raise InvalidRequestError(
            f"Work item {item.work_item_id} is an approval: approve or deny it."
        )
    if not item.state.is_open:
        raise ClosedError(
            f"Work item {item.work_item_id} is {item.state} already; nothing is left to do."
        )
    return item


def _refuse_others(item: WorkItem, by: Principal) -> None:
    """Let only who claimed a task, or an administrator, work on it."""
    is_administrator = ConsoleRole.ADMINISTRATOR in by.roles
    if item.assignee not in (None, by.name) and not is_administrator:
        raise ForbiddenError(f"{item.assignee} works on this task; ask them to release it.")


def _refuse_other_word(item: WorkItem, by: Principal, comment: str) -> None:
    """Let a task that is said to be done be said so again only as it was: that is a repetition."""
    if item.completed_by == by.name and comment in ("", item.comment):
        return
    if item.verification in VERIFIED_BY_API:
        what = "verify it to look into DocuSign now, or comment on it"
    else:
        what = "a second person attests it; what is left to say is a comment"
    raise InvalidRequestError(f"{item.completed_by} said already that this task is done: {what}.")


def _file_name(name: str) -> str:
    """Return the last part of a path, without what could end a header or start a new one."""
    last = tidy(name.replace("\\", "/").rpartition("/")[2])
    return "".join(c for c in last if c.isprintable() and c != '"')[:200] or "evidence"
