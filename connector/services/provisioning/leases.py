"""What a plan holds while it is carried out, renewed before it runs out."""

from __future__ import annotations

from datetime import datetime

from connector.domain.ledger.plans import PlanRecord
from connector.domain.plan import Operation
from connector.patience import left_s
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.locks import LEASE, admins_key, plan_key


def is_long_for_a_lease() -> bool:
    """Whether the work may outlast what was taken at its beginning: whoever answers somebody ends
    long before."""
    return left_s() is None


def prolong(uow: UnitOfWork, context: TenantContext, plan: PlanRecord, step: Operation) -> datetime:
    """Renew what the caller holds of a plan's locks, and return until when."""
    lease_until = context.clock.now() + LEASE
    held = [*plan.context.get("locks", ()), plan_key(plan.plan_id)]
    if account_id := getattr(step, "account_id", None):
        held.append(admins_key(account_id))
    uow.locks.prolong(held, f"{context.owner}:", lease_until)
    return lease_until


def renew(context: TenantContext, plan: PlanRecord, step: Operation) -> None:
    """Renew what the caller holds before a step for which nothing else is written, where that may
    be needed."""
    if not is_long_for_a_lease():
        return
    with context.write() as uow:
        prolong(uow, context, plan, step)
        uow.commit()
