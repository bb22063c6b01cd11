"""Changes that have waited for DocuSign for long: an operator is told, once of each. They go on
waiting, and are tried as before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from connector.domain.ledger import WaitingChange
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext


class LongWaits:
    """Looks at the queues of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    @property
    def patience(self) -> timedelta:
        """How long a change may wait before somebody is told."""
        return timedelta(seconds=self._context.settings.provisioning.tell_waiting_after_s)

    def look(self) -> Sequence[WaitingChange]:
        """Return every change that has waited for longer, the oldest first."""
        with self._context.read() as uow:
            return uow.turns.waiting(self._context.clock.now() - self.patience)

    def tell(self, actor: Actor) -> int:
        """Tell of those of which nobody was told yet, and return how many they are.

        Each becomes an event ``plan.delayed`` of the audit; ``changes.delayed`` counts them, from
        which people are told.
        """
        now = self._context.clock.now()
        with self._context.write() as uow:
            found = uow.turns.waiting(now - self.patience, untold=True)
            if not found:
                return 0
            reasons = [_reason(uow, item) for item in found]
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
            uow.turns.mark_told([item.plan.plan_id for item in found], now)
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
            uow.commit()
        return len(found)


def _reason(uow: UnitOfWork, item: WaitingChange) -> str:
    """Return what DocuSign last said to a change; nothing where it was not planned yet."""
    _, records = uow.plans.get(item.plan.plan_id)
    return next((record.error for record in records if record.error), "")
