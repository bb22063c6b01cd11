"""Finishes what a crash, a lost answer or an unavailable DocuSign left open."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from zlib import crc32

import structlog

from connector.domain.ledger.plans import PlanRecord, PlanState
from connector.errors import TemporaryError
from connector.progress import go_on, report_progress
from connector.services.context import Actor, TenantContext
from connector.services.provisioning.failures import UNFINISHED
from connector.services.provisioning.turns import Turns
from connector.services.restored import is_from_before, restored_at

_log = structlog.get_logger(__name__)

SETTLING_PARTS = 16
"""Among so many workers queued changes are divided; one that has no part takes another job."""
_MUCH = 25
"""Plans: fewer are settled before others have begun."""
_COUNTED_AS = {PlanState.QUEUED: "waiting", PlanState.FAILED: "failed"}


class SettlementService:
    """Settles abandoned and queued plans of one tenant."""

    def __init__(self, context: TenantContext, turns: Turns) -> None:
        self._context = context
        self._turns = turns

    def is_much(self) -> bool:
        """Whether so many plans wait that several workers shall share them."""
        with self._context.read() as uow:
            return len(uow.plans.abandoned(self._context.clock.now())) >= _MUCH

    def settle_all(
        self, actor: Actor, *, within_s: float | None = None, part: int | None = None
    ) -> Mapping[str, int]:
        """Settle every plan that nobody works on, oldest first; return counts by outcome.

        Settled is what DocuSign has confirmed, or what waits for people alone. Of what was queued
        or begun in a database that was restored since, DocuSign is asked what it shows and told
        nothing; what is then left is ``held``, until a person lets it go on.

        :param part: only those plans that fall to this part, from 0, of :data:`SETTLING_PARTS`.
        :param within_s: for somebody who waits for the end: after so many seconds, or once a plan
            has to wait for DocuSign, the rest is left to the next look.
        :raises StoppedError: the process is being stopped; the rest is left to the next look.
        """
        counts = {"settled": 0, "waiting": 0, "failed": 0}
        started_at = self._context.clock.now()
        with self._context.read() as uow:
            plan_ids = uow.plans.abandoned(started_at)
        if part is not None:
            plan_ids = [item for item in plan_ids if crc32(item.encode()) % SETTLING_PARTS == part]
        restored = restored_at(self._context, actor) if plan_ids else None
        held = 0
        for done, plan_id in enumerate(plan_ids):
            go_on()
            report_progress(done, len(plan_ids))
            is_late = within_s is not None and self._elapsed_s(started_at) >= within_s
            if is_late or (within_s is not None and counts["waiting"]):
                _log.info("plans are left to the jobs process", **counts)
                break
            try:
                plan = self._settle(plan_id, actor, restored)
            except TemporaryError as error:
                _log.info("plan waits", plan=plan_id, reason=str(error))
                counts["waiting"] += 1
            except Exception:  # noqa: BLE001
                # A defect in one plan must keep neither the others nor the start waiting.
                _log.exception("plan cannot be settled", plan=plan_id)
                counts["failed"] += 1
            else:
                if plan is None:
                    held += 1
                else:
                    counts[_COUNTED_AS.get(plan.state, "settled")] += 1
        if not held:
            return counts
        _log.warning(
            "changes from before a backup was restored wait for `db restored --go-on`", plans=held
        )
        return {**counts, "held": held}

    def _settle(self, plan_id: str, actor: Actor, restored: datetime | None) -> PlanRecord | None:
        """Return a plan as it then stands; None where it is held."""
        with self._context.read() as uow:
            plan, _ = uow.plans.get(plan_id)
        if not is_from_before(restored, plan):
            return self.settle_plan(plan_id, actor)
        self._turns.confirm(plan_id, actor)
        with self._context.read() as uow:
            plan, records = uow.plans.get(plan_id)
        is_left = any(item.state in UNFINISHED for item in records)
        return None if is_left or plan.state is PlanState.QUEUED else plan

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
