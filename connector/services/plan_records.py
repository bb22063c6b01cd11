"""New plans of the ledger: where one is made of what was asked for, and by whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connector.domain.ledger.plans import PlanRecord, PlanState
from connector.domain.plan import Plan
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext, new_id
from connector.services.naming import names_for


def asker_of(plan: PlanRecord) -> Actor:
    """Return who asked for a plan; of a person the address is with the plan alone."""
    return Actor(plan.requester, plan.source, plan.correlation_id)


def new_record(
    uow: UnitOfWork,
    context: TenantContext,
    plan: Plan,
    subject: tuple[str, str | None],
    actor: Actor,
    *,
    kept: Mapping[str, Any],
    locks: Iterable[str],
    state: PlanState = PlanState.OPEN,
    summary: str | None = None,
) -> PlanRecord:
    """Return the record of a plan that was made just now; nothing is written.

    :param subject: kind and SCIM id of what it is about; no id while that is being created.
    :param actor: who asks for it.
    :param kept: what fulfilment needs besides the operations.
    :param locks: what whoever carries it out has to hold.
    :param summary: a line for people; None: the operations in words.
    """
    if summary is None:
        summary = "; ".join(plan.describe(names_for(uow, context, plan)))
    kind, scim_id = subject
    return PlanRecord(
        plan_id=new_id(),
        subject_kind=kind,
        subject_id=scim_id,
        requester=actor.name,
        source=actor.source,
        correlation_id=actor.correlation_id,
        state=state,
        checksum=plan.checksum,
        created_at=context.clock.now(),
        summary=summary,
        context={**kept, "locks": list(locks)},
    )
