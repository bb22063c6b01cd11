"""Finishes what a crash, a lost answer or an unavailable DocuSign left open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from zlib import crc32

import structlog

from connector.domain.ledger.plans import PlanRecord, PlanState
from connector.errors import TemporaryError
from connector.progress import go_on, report_progress
from connector.services.context import Actor, TenantContext
from connector.services.provisioning.held import HeldChanges
from connector.services.provisioning.turns import Turns
from connector.services.restored import noted_restoring, restored_at

_log = structlog.get_logger(__name__)

SETTLING_PARTS = 64
"""Into so many parts queued changes are divided. They differ in size, by the hash, and whoever ends
a small one takes the next: with as many parts as threads the largest would decide how long it takes
(of 400 changes among 16 threads 34 on average, where 25 are a thread's share)."""
_MUCH = 25
"""Plans: fewer are settled before others have begun."""
_COUNTED_AS = {PlanState.QUEUED: "waiting", PlanState.FAILED: "failed"}


class SettlementService:
    """Settles abandoned and queued plans of one tenant."""

    def __init__(self, context: TenantContext, turns: Turns) -> None:
        self._context = context
        self._turns = turns
        self._held = HeldChanges(context, turns)

    def is_much(self) -> bool:
        """Whether so many plans wait that several workers shall share them; what is held until a
        person lets it go on is none of them."""
        with self._context.read() as uow:
            due = uow.plans.abandoned(self._context.clock.now(), after=noted_restoring(uow))
            return len(due) >= _MUCH

    def settle_all(
        self, actor: Actor, *, within_s: float | None = None, part: int | None = None
    ) -> Mapping[str, int]:
        """Settle every plan that nobody works on, oldest first; return counts by outcome.

        Settled is what DocuSign has confirmed, or what waits for people alone. Of what was queued
        or begun in a database that was restored since, DocuSign is asked once what it shows and
        told nothing; what is then left is ``held``, until a person lets it go on.

        :param part: only those plans that fall to this part, from 0, of :data:`SETTLING_PARTS`.
        :param within_s: for somebody who waits for the end: after so many seconds, or once a plan
            has to wait for DocuSign, the rest is left to the next look.
        :raises StoppedError: the process is being stopped; the rest is left to the next look.
        """
        counts = {"settled": 0, "waiting": 0, "failed": 0}
        started_at = self._context.clock.now()
        restored, tasks = self._due(actor, started_at, part)
        for done, (plan_id, settle) in enumerate(tasks):
            go_on()
            report_progress(done, len(tasks))
            is_late = within_s is not None and self._elapsed_s(started_at) >= within_s
            if is_late or (within_s is not None and counts["waiting"]):
                _log.info("plans are left to the jobs process", **counts)
                break
            try:
                state = settle(plan_id, actor)
            except TemporaryError as error:
                _log.info("plan waits", plan=plan_id, reason=str(error))
                counts["waiting"] += 1
            except Exception:  # noqa: BLE001
                # A defect in one plan must keep neither the others nor the start waiting.
                _log.exception("plan cannot be settled", plan=plan_id)
                counts["failed"] += 1
            else:
                if state is not None:
                    counts[_COUNTED_AS.get(state, "settled")] += 1
        if restored is None or part:
            return counts
        held = self._held.count(restored)
        return {**counts, "held": held} if held else counts

    def _due(
        self, actor: Actor, now: datetime, part: int | None
    ) -> tuple[datetime | None, Sequence[tuple[str, Callable[[str, Actor], PlanState | None]]]]:
        """Return since when changes are held, if any are, and what is to be done with which plan;
        what is held is looked up by the first part alone."""
        with self._context.read() as uow:
            plan_ids = uow.plans.abandoned(now)
        restored = restored_at(self._context, actor) if plan_ids else None
        looks: Sequence[str] = ()
        if restored is not None:
            with self._context.read() as uow:
                plan_ids = uow.plans.abandoned(now, after=restored)
            looks = () if part else self._held.due(restored)
        if part is not None:
            plan_ids = [item for item in plan_ids if crc32(item.encode()) % SETTLING_PARTS == part]
        return restored, [
            *((plan_id, self._held.look_up) for plan_id in looks),
            *((plan_id, self._settled) for plan_id in plan_ids),
        ]

    def _settled(self, plan_id: str, actor: Actor) -> PlanState:
        return self.settle_plan(plan_id, actor).state

    def _elapsed_s(self, since: datetime) -> float:
        return (self._context.clock.now() - since).total_seconds()

    def settle_plan(self, plan_id: str, actor: Actor) -> PlanRecord:
        """Settle one plan and return it as it then stands: failed, or queued again, too.

        :raises TemporaryError: DocuSign is out of reach, somebody else works on it, or an earlier
            change still waits.
        """
        return self._turns.settle(plan_id, actor)

    def lease_owners(self, owner_prefix: str) -> Collection[str]:
        """Return who holds leases, of the owners that start so."""
        with self._context.read() as uow:
            return {*uow.plans.lease_owners(owner_prefix), *uow.locks.owners(owner_prefix)}

    def release_dead(self, owner_prefix: str) -> None:
        """End the leases of processes that are known to be gone, so that nothing waits for them."""
        with self._context.write() as uow:
            uow.plans.release_leases(owner_prefix)
            uow.locks.release_owner(owner_prefix)
            uow.commit()
