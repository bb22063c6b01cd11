"""Changes from before a database was restored: held until a person lets them go on.

What DocuSign was at when the backup was made is looked up once for each restoring. Where DocuSign
does not answer, or a look fails otherwise, it is asked again after a pause that grows: what is held
may stay so for days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from connector.domain.ledger.plans import PlanState
from connector.domain.ledger.restoring import HELD
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.provisioning.failures import UNFINISHED
from connector.services.provisioning.turns import Turns
from connector.services.restored import noted_restoring

_log = structlog.get_logger(__name__)

_FIRST_PAUSE_S = 15.0
_LONGEST_PAUSE_S = 3600.0
"""A look costs calls of the hour: one that finds no answer is repeated this often at last."""


class HeldChanges:
    """The held changes of one tenant."""

    def __init__(self, context: TenantContext, turns: Turns) -> None:
        self._context = context
        self._turns = turns

    def due(self, restored: datetime) -> Sequence[str]:
        """Return the plans of which DocuSign is to be asked now, oldest first.

        :param restored: when the database was restored.
        """
        now = self._context.clock.now()
        with self._context.read() as uow:
            begun = uow.plans.abandoned(now, until=restored, in_flight=True)
            looks = _note(uow, restored)["looks"]
        return [item for item in begun if _is_due(looks.get(item), now)]

    def look_up(self, plan_id: str, actor: Actor) -> PlanState | None:
        """Note what DocuSign shows of a plan; return how it then stands, None where it is held.

        :raises TemporaryError: DocuSign cannot be asked now.
        """
        try:
            self._turns.confirm(plan_id, actor)
        except Exception:
            # A defect, too: a look that fails each time costs calls of the hour at each settlement.
            self._keep_look(plan_id, is_answered=False)
            raise
        self._keep_look(plan_id, is_answered=True)
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        is_left = any(item.state in UNFINISHED for item in records)
        return None if is_left or plan.state is PlanState.QUEUED else plan.state

    def count(self, restored: datetime) -> int:
        """Return how many changes are held; a number that is new is told in the log."""
        with self._context.read() as uow:
            held = len(uow.plans.abandoned(self._context.clock.now(), until=restored))
            is_told = _note(uow, restored)["told"] == held
        if is_told:
            return held
        with self._context.write() as uow:
            uow.put_fact(HELD, {**_note(uow, restored), "told": held})
            uow.commit()
        if held:
            _log.warning(
                "changes from before a backup was restored wait for `db restored --go-on`",
                plans=held,
            )
        return held

    def _keep_look(self, plan_id: str, *, is_answered: bool) -> None:
        now = self._context.clock.now()
        with self._context.write() as uow:
            restored = noted_restoring(uow)
            if restored is None:
                return  # A person let it go on meanwhile.
            note = _note(uow, restored)
            pause_s = note["looks"].get(plan_id, {}).get("pause_s", _FIRST_PAUSE_S / 2)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            look = (
                {}
                if is_answered
                else {
                    "pause_s": pause_s,
                    "again_at": (now + timedelta(seconds=pause_s)).isoformat(),
                }
            )
            uow.put_fact(HELD, {**note, "looks": {**note["looks"], plan_id: look}})
            uow.commit()


def _note(uow: UnitOfWork, restored: datetime) -> Mapping[str, Any]:
    """Return what was looked up and told since this restoring."""
    kept = uow.facts().get(HELD)
    if kept and kept["restored_at"] == restored.isoformat():
        return dict(kept)
    return {"restored_at": restored.isoformat(), "looks": {}, "told": 0}


def _is_due(look: Mapping[str, Any] | None, now: datetime) -> bool:
    if look is None:
        return True
    return "again_at" in look and datetime.fromisoformat(look["again_at"]) <= now
