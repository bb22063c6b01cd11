"""Changes that have waited for DocuSign for long: an operator is told, once of each. They go on
waiting, and are tried as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from connector.domain.ledger.plans import WaitingChange
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext

_BATCH = 200
"""Changes that are told of in one transaction."""


@dataclass(frozen=True)
class LongWait:
    """Changes that have waited for DocuSign for long."""

    number: int
    oldest: WaitingChange


class LongWaits:
    """Looks at the queues of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    @property
    def patience(self) -> timedelta:
        """How long a change may wait before somebody is told."""
        return timedelta(seconds=self._context.settings.provisioning.tell_waiting_after_s)

    def look(self) -> LongWait | None:
        """Return what has waited for longer, None where nothing has."""
        before = self._context.clock.now() - self.patience
        with self._context.read() as uow:
            oldest = uow.turns.waiting(before, limit=1)
            return LongWait(uow.turns.count_waiting(before), oldest[0]) if oldest else None

    def tell(self, actor: Actor) -> int:
        """Tell of those of which nobody was told yet, and return how many they are.

        Each becomes an event ``plan.delayed`` of the audit; ``changes.delayed`` counts them, from
        which people are told.
        """
        now = self._context.clock.now()
        # Read apart: with SQLite, whoever writes keeps everybody else from writing.
        with self._context.read() as uow:
            found = uow.turns.waiting(now - self.patience, untold=True)
            reasons = [_reason(uow, item) for item in found]
        for start in range(0, len(found), _BATCH):
            some = slice(start, start + _BATCH)
            with self._context.write() as uow:
                self._note(uow, actor, found[some], reasons[some])
                uow.turns.mark_told([item.plan.plan_id for item in found[some]], now)
                if start == 0:
                    # With the first: marked as told is nothing of which nobody was told.
                    self._sum_up(uow, actor, found, reasons)
                uow.commit()
        return len(found)

    def _note(
        self,
        uow: UnitOfWork,
        actor: Actor,
        found: Sequence[WaitingChange],
        reasons: Sequence[str],
    ) -> None:
        for item, reason in zip(found, reasons, strict=True):
            self._context.audit(
                uow,
                actor,
                "plan.delayed",
                item.plan.subject_id or "",
                plan=item.plan.plan_id,
                since=item.since.isoformat(),
                **({"reason": reason} if reason else {}),
            )

    def _sum_up(
        self,
        uow: UnitOfWork,
        actor: Actor,
        found: Sequence[WaitingChange],
        reasons: Sequence[str],
    ) -> None:
        kinds = Counter(f"{item.plan.subject_kind.lower()}s" for item in found)
        self._context.audit(
            uow,
            actor,
            "changes.delayed",
            "",
            total=len(found),
            counts=dict(kinds),
            since=found[0].since.isoformat(),
            reason=next(filter(None, reasons), ""),
        )


def _reason(uow: UnitOfWork, item: WaitingChange) -> str:
    """Return what DocuSign last said to a change; nothing where it was not planned yet."""
    _, records = uow.plans.get(item.plan.plan_id)
    return next((record.error for record in records if record.error), "")
