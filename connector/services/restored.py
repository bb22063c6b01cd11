"""A database that was restored from a backup is behind DocuSign: it knows nothing of what was asked
for since, so that everything legitimate of that time looks like drift.

Until a person has looked, the policy reverts nothing by itself, and what was queued or begun when
the backup was made is not carried out: it was, after that, or nobody wants it any more. What
DocuSign was at then is looked up, and not repeated. A copy that ``db backup`` made
bears the mark already; a dump that was restored into another PostgreSQL database is known by that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.domain.ledger.plans import PlanRecord
from connector.domain.ledger.restoring import HELD, IDENTITY, RESTORED
from connector.domain.writing import command
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext


def why_not_to_revert(context: TenantContext, actor: Actor) -> str | None:
    """Return why the policy must revert nothing by itself now; None where it may."""
    if _mark_of(context, actor) is None:
        return None
    tenant = context.tenant
    listed = command(tenant, "drift", "list")
    accept = command(tenant, "drift", "accept", "ID", "--as", "LOGIN", "--reason", "TEXT")
    return (
        "This database was restored from a backup. What was asked for since the backup is unknown "
        "to it and looks like drift, so that the policy reverts nothing by itself. Look at the "
        f"open findings (`{listed}`), accept what is right (`{accept}`), then say "
        f"`{command(tenant, 'db', 'restored', '--go-on')}`."
    )


def restored_at(context: TenantContext, actor: Actor) -> datetime | None:
    """Return when the database was restored, or its backup made, that nobody has released yet;
    None where there is no such thing."""
    mark = _mark_of(context, actor)
    return None if mark is None else datetime.fromisoformat(mark["at"])


def noted_restoring(uow: UnitOfWork) -> datetime | None:
    """Return what :func:`restored_at` found when it was last asked."""
    mark = uow.facts().get(RESTORED)
    return None if mark is None else datetime.fromisoformat(mark["at"])


def is_from_before(restored: datetime | None, plan: PlanRecord) -> bool:
    """Whether a plan was accepted before the database was restored, so that nobody knows whether
    what is left of it is still wanted.

    :param restored: as :func:`restored_at` says.
    """
    return restored is not None and plan.created_at <= restored


def declare_restored(context: TenantContext, actor: Actor) -> None:
    """Hold back what the policy reverts, and what is queued or begun, until
    :func:`go_on_after_restoring`."""
    with context.write() as uow:
        _mark(uow, context, actor)
        uow.commit()


def go_on_after_restoring(context: TenantContext, actor: Actor) -> bool:
    """Let the policy revert again, and what was queued or begun be carried out; return whether that
    was held back."""
    with context.write() as uow:
        if uow.facts().get(RESTORED) is None:
            return False
        uow.put_fact(RESTORED, None)
        uow.put_fact(IDENTITY, uow.identity())
        uow.put_fact(HELD, None)
        context.audit(uow, actor, "database.released", "")
        uow.commit()
    return True


def _mark_of(context: TenantContext, actor: Actor) -> Mapping[str, Any] | None:
    with context.read() as uow:
        facts, identity = uow.facts(), uow.identity()
    mark: Mapping[str, Any] | None = facts.get(RESTORED)
    if mark is None and identity not in (None, facts.get(IDENTITY)):
        mark = _meet(context, actor, identity, is_other=IDENTITY in facts)
    return mark


def _meet(
    context: TenantContext, actor: Actor, identity: str | None, *, is_other: bool
) -> Mapping[str, Any] | None:
    """Remember the database, or note that the ledger is in another one than it was."""
    with context.write() as uow:
        marked = _mark(uow, context, actor) if is_other else None
        uow.put_fact(IDENTITY, identity)
        uow.commit()
    return marked


def _mark(uow: UnitOfWork, context: TenantContext, actor: Actor) -> Mapping[str, Any]:
    marked = {"by": actor.name, "at": context.clock.now().isoformat()}
    uow.put_fact(RESTORED, marked)
    context.audit(uow, actor, "database.restored", "")
    return marked
