"""Changes take turns: what cannot be done now waits behind what was asked for before.

A change that waits keeps what was asked for, not a plan (``context["request"]`` of its record).
When its turn comes it is asked for again, and planned against what is then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from connector.domain.ledger.plans import OperationState, PlanRecord, PlanState
from connector.domain.writing import command
from connector.errors import ConflictingWriteError, PermanentError, TemporaryError, UniquenessError
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.locks import EVERYBODY, WriteLocks, plan_key
from connector.services.plan_records import asker_of
from connector.services.provisioning.fulfilment import FulfilmentService
from connector.services.provisioning.subjects import Subjects
from connector.services.queued_requests import (
    QUEUED_REQUEST,
    Subject,
    is_unplanned,
    queue_request,
    without_request,
)
from connector.services.restored import is_from_before, restored_at
from connector.services.work.approval_desk import APPROVAL

_log = structlog.get_logger(__name__)

Repeat = Callable[[PlanRecord], None]
"""Asks for a queued request again, under its plan's id. Raises :class:`ConnectorError`."""
Check = Callable[[UnitOfWork, bool], None]
"""Refuses a request that cannot be, before it is queued; True where nothing stands in front of it,
so that it will be planned against what is there now."""
BearOnIt = Callable[[Sequence[PlanRecord]], AbstractSet[str]]
"""Returns which earlier changes can make a later one come out otherwise, by their ids."""

_OPEN = (PlanState.OPEN, PlanState.QUEUED)


class AheadError(TemporaryError):
    """Earlier changes wait for DocuSign, and what this one has to do depends on them."""

    def __init__(self, plan: PlanRecord, *, go_on: str = "") -> None:
        """:param plan: the earlier change.
        :param go_on: the command that lets it go on, where it is from before the database was
            restored.
        """
        super().__init__(
            f"A change from before this database was restored from a backup waits for a person "
            f"({plan.summary}), and nothing that depends on it passes: this one is temporarily "
            f"unavailable, and nothing of it was recorded. Let an operator say `{go_on}`, then "
            "send it again."
            if go_on
            else "An earlier change still waits for DocuSign "
            f"({plan.summary}). What this one has to do depends on it, so nothing of it was "
            "recorded; it is temporarily unavailable. Send it again."
        )


class Turns:
    """The queues in front of the users and groups of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        locks: WriteLocks,
        fulfilment: FulfilmentService,
        subjects: Subjects,
        repeat: Repeat,
    ) -> None:
        self._context = context
        self._locks = locks
        self._fulfilment = fulfilment
        self._subjects = subjects
        self._repeat = repeat

    # the way of a change --------------------------------------------------------

    def clear_way(
        self, subject: Subject, behind: Collection[str] | None, actor: Actor, deadline: datetime
    ) -> None:
        """Settle what stands in front of a change, oldest first, as far as DocuSign and the time
        let us; the caller holds none of the locks yet. Who does not wait for DocuSign waits for
        nobody. What is from before a restoring stays until a person lets it go on.

        :param behind: the resources in whose queues to look; None for all.
        """
        if not actor.waits:
            return
        ahead = self._ahead(subject, behind, actor)
        restored = restored_at(self._context, actor) if ahead else None
        for plan in ahead:
            if is_from_before(restored, plan):
                continue
            left_s = (deadline - self._context.clock.now()).total_seconds()
            if left_s <= 0:
                return
            try:
                self.settle(plan.plan_id, actor, left_s)
            except TemporaryError as error:
                _log.info("earlier change still waits", plan=plan.plan_id, reason=str(error))
                return

    def require(
        self,
        subject: Subject,
        behind: Collection[str] | None,
        actor: Actor,
        bear_on_it: BearOnIt | None = None,
    ) -> None:
        """Let a change pass in front of which nothing stands. The caller holds its locks.

        :param bear_on_it: of what a person has to let go on after a restoring, what this change
            depends on; None: all that stands in front.
        :raises AheadError: something does.
        """
        # The desk knows what was approved: asked for again, it is not planned twice.
        ahead = [
            plan for plan in self._ahead(subject, behind, actor) if APPROVAL not in plan.context
        ]
        restored = restored_at(self._context, actor) if ahead else None
        held = [plan for plan in ahead if is_from_before(restored, plan)]
        passed = {plan.plan_id for plan in held}
        passed -= bear_on_it(held) if held and bear_on_it is not None else passed
        for plan in ahead:
            if plan.plan_id not in passed:
                go_on = command(self._context.tenant, "db", "restored", "--go-on")
                raise AheadError(plan, go_on=go_on if is_from_before(restored, plan) else "")

    def _ahead(
        self, subject: Subject, behind: Collection[str] | None, actor: Actor
    ) -> Collection[PlanRecord]:
        # Whoever works on a plan holds its locks: who waits for them, or has them, need not ask for
        # its lease, which outlives the work where the database went away in the middle of it.
        named = subject.locks if behind is None else behind
        locked = [name for name in named if name != EVERYBODY]
        now = self._context.clock.now()
        with self._context.read() as uow:
            return uow.turns.ahead(behind, now, locked=locked, before=actor.turn)

    def may_wait(self, actor: Actor) -> bool:
        """Return whether a change of this actor may be queued: the client offered to come back for
        it, or the tenant accepts what DocuSign cannot take now."""
        if actor.request is None or actor.turn is not None:
            return False
        chosen = self._context.settings.provisioning.on_unavailable == "queue"
        return chosen or not actor.waits

    def queue(
        self,
        subject: Subject,
        actor: Actor,
        why: TemporaryError,
        check: Check,
        extra: Mapping[str, Any],
    ) -> PlanRecord:
        """Keep a request until its turn comes. Those of a tenant are kept one after the other, so
        that the caller may hold the locks of its subject or wait for whoever does.

        :raises ConnectorError: what is wrong with it whatever becomes of the earlier ones.
        """
        with self._context.write() as uow:
            check(uow, not isinstance(why, AheadError | ConflictingWriteError))
            plan = self._same_creation(uow, subject, actor, extra)
            if plan is None:
                self._refuse_double(uow, subject, why)
                plan = queue_request(uow, self._context, subject, actor, extra=extra, why=str(why))
                self._subjects.show_queue(uow, plan)
            uow.commit()
        return plan

    def _same_creation(
        self, uow: UnitOfWork, subject: Subject, actor: Actor, extra: Mapping[str, Any]
    ) -> PlanRecord | None:
        """Return the queued creation that a request repeats, with what it wants now; None where it
        is another one.

        :raises UniquenessError: somebody else is queued for the address or the name.
        :raises AheadError: a creation is in doubt of which nobody was told that it is accepted:
            whether the address or the name is taken is known once DocuSign answers.
        """
        if subject.scim_id is not None:
            return None
        now = self._context.clock.now()
        for plan in uow.turns.ahead(subject.locks[:1], now):
            if plan.subject_id is not None or plan.subject_kind != subject.kind:
                continue
            is_ours = plan.requester == actor.name
            if is_ours and plan.context.get(QUEUED_REQUEST) == actor.request:
                return plan
            external_id = extra.get("external_id")
            is_same = external_id is not None and plan.context.get("external_id") == external_id
            if not (is_ours and is_same):
                if plan.state is not PlanState.QUEUED:
                    raise AheadError(plan)
                raise UniquenessError(
                    f"A creation under this name is queued already ({plan.summary}), and waits "
                    "for DocuSign. Look for the resource later, and link it."
                )
            _, records = uow.plans.get(plan.plan_id)
            if all(item.state is OperationState.PLANNED for item in records):
                context = {**plan.context, **extra, QUEUED_REQUEST: actor.request}
                renewed = replace(plan, context=context)
                uow.plans.refill(renewed, ())
                return renewed
        return None

    def _refuse_double(self, uow: UnitOfWork, subject: Subject, why: TemporaryError) -> None:
        """Let a creation be repeated whose name is held by somebody of whom the ledger knows
        nothing yet: it may be the same one, sent twice.

        :raises ConflictingWriteError: as it is said in *why*.
        """
        is_kept_out = subject.scim_id is None and isinstance(why, ConflictingWriteError)
        if is_kept_out and not uow.turns.ahead(subject.locks, self._context.clock.now()):
            raise why

    # the turn -------------------------------------------------------------------

    def settle(self, plan_id: str, actor: Actor, wait_s: float = 1.0) -> PlanRecord:
        """Settle one plan and return it as it then stands: failed, or queued again, too.

        :raises TemporaryError: DocuSign is out of reach, somebody else works on it, or something
            stands in front of it.
        """
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        if plan.state not in _OPEN:
            return plan
        if not is_unplanned(plan, records):
            keys = [*plan.context.get("locks", ()), plan_key(plan_id)]
            with self._locks.hold(keys, wait_s):
                with self._context.read() as uow:
                    plan, _ = uow.plans.get(plan_id)
                if plan.state not in _OPEN:
                    return plan  # Whoever held the locks has carried it out.
                if not self._forget_plan(plan_id):
                    return self._fulfilment.settle(plan_id, actor)
        return self._ask_again(plan)

    def confirm(self, plan_id: str, actor: Actor, wait_s: float = 1.0) -> None:
        """Note what DocuSign shows of a plan's operations in flight, without telling it anything.

        :raises TemporaryError: DocuSign is out of reach, or somebody else works on the plan.
        """
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        if any(item.state is OperationState.IN_FLIGHT for item in records):
            with self._locks.hold([*plan.context.get("locks", ()), plan_key(plan_id)], wait_s):
                self._fulfilment.confirm(plan_id, actor)

    def _forget_plan(self, plan_id: str) -> bool:
        """Drop the plan of a request of which DocuSign has not heard: what was planned when it came
        may fit no more. False where there is more to it than a request."""
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan_id)
            is_waiting = plan.state is PlanState.QUEUED and QUEUED_REQUEST in plan.context
            if not is_waiting or any(item.state is not OperationState.PLANNED for item in records):
                return False
            uow.plans.refill(plan, ())
            uow.commit()
        return True

    def _ask_again(self, plan: PlanRecord) -> PlanRecord:
        try:
            self._repeat(plan)
        except PermanentError as error:
            return self._after_refusal(plan.plan_id, error)
        with self._context.read() as uow:
            after, records = uow.plans.get(plan.plan_id)
        if not is_unplanned(after, records):
            return after
        # It is so already, or every member whom it named is gone.
        return self._end(after, PlanState.DONE, "")

    def _after_refusal(self, plan_id: str, error: PermanentError) -> PlanRecord:
        """Return a request that was refused when its turn came.

        :raises TemporaryError: DocuSign does not answer; the undoing waits.
        """
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        if is_unplanned(plan, records):
            _log.warning("queued request refused", plan=plan_id, error=str(error))
            return self._end(plan, PlanState.FAILED, str(error))
        if plan.state in _OPEN:
            raise TemporaryError(str(error)) from error
        return plan

    def _end(self, plan: PlanRecord, state: PlanState, error: str) -> PlanRecord:
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan.plan_id)
            if not is_unplanned(plan, records):
                raise ConflictingWriteError("Another process carries this change out.")
            waited = plan
            context = {**without_request(plan.context), **({"error": error} if error else {})}
            now = self._context.clock.now()
            plan = replace(plan, state=state, finished_at=now, context=context)
            uow.plans.save_plan(plan)
            self._subjects.show_queue(uow, plan)
            if error:
                self._context.audit(
                    uow,
                    asker_of(plan),
                    "plan.failed",
                    plan.subject_id or "",
                    plan=plan.plan_id,
                    reason=error,
                )
                self._fulfilment.hand_to_people(uow, waited, error, asker_of(plan))
            uow.commit()
        return plan
