"""Undoes what was done of a plan that DocuSign refused, in reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord
from connector.domain.plan import Operation, with_subject_id
from connector.errors import ConnectorError, PermanentError, TemporaryError, UnknownOutcomeError
from connector.services.context import Actor, TenantContext
from connector.services.locks import within_lease
from connector.services.naming import names_for
from connector.services.provisioning.attempts import Attempts
from connector.services.provisioning.confirmed_facts import Performed
from connector.services.provisioning.effects import EffectFinder
from connector.services.provisioning.leases import renew

_log = structlog.get_logger(__name__)

UNDO_WITHIN = timedelta(seconds=10)
"""Undoing comes on top of a request's wait and must end before the lease of the operation."""


@dataclass
class Undoing:
    """How far the undoing of a plan came; operations in words."""

    deadline: datetime
    undone: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """DocuSign refuses to undo them."""
    waiting: list[str] = field(default_factory=list)
    """DocuSign does not answer; settlement goes on with them."""

    def message(self, reason: str) -> str:
        """Return why a plan failed and how far it was undone, for whoever asked for it."""
        parts = [reason]
        if self.undone:
            parts.append(f"Undone: {'; '.join(self.undone)}.")
        if self.waiting:
            parts.append("The rest is undone by the connector itself as soon as DocuSign answers.")
        if self.stuck:
            parts.append(f"Could not be undone: {'; '.join(self.stuck)}. Check it in DocuSign.")
        return " ".join(parts)


class Undoer:
    """Undoes plans of one tenant. Callers hold the write lock of the plan's subject."""

    def __init__(self, context: TenantContext, finder: EffectFinder, attempts: Attempts) -> None:
        self._context = context
        self._finder = finder
        self._attempts = attempts

    def undo(
        self, plan_id: str, failed: OperationRecord, error: ConnectorError, actor: Actor
    ) -> Undoing:
        """Undo what a refused operation left and the done ones, in reverse order."""
        plan, records = self._begin_undoing(plan_id, error)
        undoing = Undoing(self._context.clock.now() + UNDO_WITHIN)
        to_undo = [item for item in records if item.state is OperationState.DONE]
        if error.is_partial:
            operation = with_subject_id(failed.operation, plan.subject_id)
            to_undo.append(replace(failed, operation=operation, state=OperationState.IN_FLIGHT))
        with self._context.read() as uow:
            names = names_for(uow, self._context, [item.operation for item in to_undo])
        for record in reversed(to_undo):
            text = record.operation.describe(names)
            renew(self._context, plan, record.operation)
            with within_lease():
                self._try_to_undo(record, text, undoing, actor)
            if undoing.waiting:
                break
        return undoing

    def _try_to_undo(
        self, record: OperationRecord, text: str, undoing: Undoing, actor: Actor
    ) -> None:
        """Undo an operation as far as DocuSign lets us.

        :param text: the operation in words.
        """
        facts = {"plan": record.plan_id, "step": record.operation.kind}
        try:
            if self._undo_one(record, undoing.deadline, actor):
                undoing.undone.append(text)
        except (TemporaryError, UnknownOutcomeError) as trouble:
            _log.warning("undoing waits", error=str(trouble), **facts)
            undoing.waiting.append(text)
        except ConnectorError as refusal:
            _log.warning("undo failed", error=str(refusal), **facts)
            self._read_back(record.operation)
            undoing.stuck.append(text)

    def _begin_undoing(
        self, plan_id: str, error: ConnectorError
    ) -> tuple[PlanRecord, Sequence[OperationRecord]]:
        """Commit that a plan is undone from now on, whoever goes on with it."""
        with self._context.write() as uow:
            plan, records = uow.plans.get(plan_id)
            mark = {"reason": str(error), "is_partial": error.is_partial}
            plan = replace(plan, context={**plan.context, "undoing": mark})
            uow.plans.save_plan(plan)
            uow.commit()
        return plan, records

    def _undo_one(self, record: OperationRecord, deadline: datetime, actor: Actor) -> bool:
        """Undo an operation; False where nothing was left of it."""
        left = Performed(record.operation, lambda uow: None)
        if record.state is not OperationState.DONE:
            found = self._finder.find_left(record.operation)
            if found is None:
                return False
            left = found
            with self._context.write() as uow:
                left.apply(uow)
                uow.commit()
        inverse = left.operation.inverse()
        if inverse is None:
            raise PermanentError("nothing undoes it")
        self._commit_undone(record, self._attempts.make(inverse, deadline), actor)
        return True

    def _read_back(self, step: Operation) -> None:
        """Let the mirror follow DocuSign where it could not be led back."""
        try:
            apply = self._finder.read_back(step)
        except ConnectorError as error:
            _log.warning("not read back", step=step.kind, error=str(error))
            return
        with self._context.write() as uow:
            apply(uow)
            uow.commit()

    def _commit_undone(self, record: OperationRecord, performed: Performed, actor: Actor) -> None:
        was_done = record.state is OperationState.DONE
        with self._context.write() as uow:
            performed.apply(uow)
            if was_done:
                uow.plans.save_operation(replace(record, state=OperationState.UNDONE))
            self._context.audit(
                uow,
                actor,
                "operation.undone",
                performed.subject_id or "",
                plan=record.plan_id,
                operation=record.operation.to_dict(),
            )
            uow.commit()


def is_undoing(plan: PlanRecord) -> bool:
    """Whether a plan was broken off while it was undone."""
    return "undoing" in plan.context


def refuse_if_undoing(plan: PlanRecord) -> None:
    """Refuse to go on with a plan that was broken off while it was undone."""
    if mark := plan.context.get("undoing"):
        error = PermanentError(mark["reason"])
        error.is_partial = mark["is_partial"]
        raise error
