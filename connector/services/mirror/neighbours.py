"""Who else is known on an address: joining somebody there may bring one of them back instead."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.model import fold
from connector.domain.plan import CreateMembership, Operation, Plan
from connector.ports import UnitOfWork


def users_on(uow: UnitOfWork, email_key: str) -> frozenset[str]:
    """Return everybody who is known to be or to have been on an address."""
    users = uow.mirror.users_by_email([email_key]).get(email_key, ())
    deleted = uow.attributes.tombstones(email_key)
    return frozenset({user.user_id for user in users} | {item.scim_id for item in deleted})


def with_predecessors(uow: UnitOfWork, plan: Plan) -> Plan:
    """Return a plan in which each step that joins a known person says who else is on the address,
    or was, as the mirror has it now."""
    return Plan(tuple(naming_predecessors(uow, step) for step in plan))


def naming_predecessors(uow: UnitOfWork, step: Operation) -> Operation:
    """Return a step that joins a known person with who else is known on the address; another one,
    or one that says so already, as it is."""
    if not isinstance(step, CreateMembership) or not step.user_id:
        return step
    others = tuple(sorted(users_on(uow, fold(step.person.email)) - {step.user_id}))
    return step if step.predecessors == others else replace(step, predecessors=others)
