"""Requests in the ledger that wait for their turn, before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from connector.domain.ledger.plans import OperationRecord, PlanRecord, PlanState
from connector.domain.plan import Plan
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.locks import EVERYBODY
from connector.services.plan_records import asker_of, new_record

QUEUED_REQUEST = "request"
"""Where a plan's context keeps what was asked for, until the plan ends."""
THEN = "then"
"""Where a request keeps the requests that follow it, once its subject has an id."""
TO_BE_PLANNED = "to be planned when its turn comes"
"""How the summary of a request ends that was never planned."""
SUBJECT_MARK = "urn:connector:subject"
"""Stands in a request that follows for the id of the subject of the one before."""


@dataclass(frozen=True)
class Subject:
    """What a plan is about."""

    kind: str
    scim_id: str | None
    """None while it is being created."""
    locks: Sequence[str]
    """The write locks that whoever carries the plan out has to hold."""
    takes_back: tuple[Sequence[str], Sequence[str]] = ((), ())
    """Users and entitlements whose open grants the requester no longer wants."""
    touches_many: bool = False
    """Whether it changes more users than are locked, or users who are not known yet."""

    @property
    def resources(self) -> Sequence[str]:
        """In whose queues the plan stands."""
        return [*self.locks, EVERYBODY] if self.touches_many else self.locks


def is_unplanned(plan: PlanRecord, records: Sequence[OperationRecord]) -> bool:
    """Return whether a plan is a request that waits to be planned."""
    return plan.state is PlanState.QUEUED and not records and QUEUED_REQUEST in plan.context


def without_request(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of a plan that ended: what was asked for is personal data, and nobody
    needs it any more."""
    return {name: value for name, value in context.items() if name != QUEUED_REQUEST}


def queue_request(
    uow: UnitOfWork,
    context: TenantContext,
    subject: Subject,
    actor: Actor,
    *,
    extra: Mapping[str, Any],
    why: str,
) -> PlanRecord:
    """Write a request of an actor into the ledger, behind what waits for the same resources."""
    plan = new_record(
        uow,
        context,
        Plan(),
        (subject.kind, subject.scim_id),
        actor,
        kept={**extra, QUEUED_REQUEST: actor.request},
        locks=subject.locks,
        state=PlanState.QUEUED,
        summary=_summary(actor.request or {}),
    )
    uow.plans.add(plan, ())
    uow.turns.take(plan.plan_id, subject.resources, plan.created_at)
    context.audit(uow, actor, "plan.queued", plan.subject_id or "", plan=plan.plan_id, reason=why)
    return plan


def queue_what_follows(uow: UnitOfWork, context: TenantContext, plan: PlanRecord) -> None:
    """Let the requests that follow a queued one wait for their turn: its subject has its id.

    Nothing else is kept of who asked: only requests of SCIM clients are queued, who have no
    address, and each of them says itself why.
    """
    request = plan.context.get(QUEUED_REQUEST) or {}
    subject_id = (plan.subject_id or "").encode()
    for text in map(orjson.dumps, request.get(THEN, ())):
        follower = orjson.loads(text.replace(SUBJECT_MARK.encode(), subject_id))
        subject = Subject(follower["kind"], follower["id"], follower.pop("locks"))
        actor = replace(asker_of(plan), request=follower)
        queue_request(uow, context, subject, actor, extra={}, why=f"It follows {plan.summary}.")


def path_of(request: Mapping[str, Any]) -> str:
    """Return where a kept request was sent to, below the base URL."""
    return f"/{request.get('kind')}s" + (f"/{request['id']}" if request.get("id") else "")


def _summary(request: Mapping[str, Any]) -> str:
    return f"{request.get('method')} {path_of(request)}, {TO_BE_PLANNED}"
