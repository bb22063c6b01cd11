"""Whose names an erasure cannot take yet: rules still compare them with whoever acts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from connector.domain.authentication.console import ConsoleAccount
from connector.domain.erasure import ErasureState
from connector.domain.model import fold
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import OPEN_STATES, WorkItem, WorkItemKind
from connector.domain.writing import command
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.people import names_of
from connector.services.work.reasons import REQUESTER_EMAIL

_COMPARED = (Act.APPROVED, Act.COMPLETED)
"""After these acts, the next one has to be another person's."""
_SHARED = " This holds even if the name belongs to somebody else by now."


def refuse_names_in_use(
    uow: UnitOfWork, names: AbstractSet[str], now: datetime, tenant: str
) -> None:
    """Let an erasure take names by which nobody is signed in through the identity provider or takes
    part in what is open. Whoever signs in by such a name afterwards would not be known as the one
    who asked or agreed.

    :param names: folded logins and addresses of the person.
    :param tenant: whose data this is, for the commands that are named.
    :raises InvalidRequestError: one is in use; the message says where, and what to do.
    """
    if not names:
        return
    names = uow.erasures.names_used(names)
    accounts = {fold(account.login): account for account in uow.console.accounts()}
    _refuse_sessions(uow, names, now, tenant)
    _refuse_erasures(uow, accounts, names, tenant)
    _refuse_open_items(uow, accounts, names, tenant)
    for plan in uow.plans.open_of_people():
        asked_with = str(plan.context.get(REQUESTER_EMAIL, ""))
        if names_of(plan.requester, asked_with, accounts.get) & names:
            raise InvalidRequestError(
                f"{plan.requester}, a name of the person, asked for a change that is not finished: "
                f"plan {plan.plan_id}. Wait until it is.{_SHARED}"
            )


def _refuse_sessions(uow: UnitOfWork, names: AbstractSet[str], now: datetime, tenant: str) -> None:
    for session in uow.console.provider_sessions():
        if session.ends_at > now and names & {fold(session.login), fold(session.email)}:
            end = command(tenant, "console", "session", "end", session.login)
            raise InvalidRequestError(
                f"{session.login}, a name of the person, is signed in to the console through the "
                f"identity provider. Have them sign out, or end it ({end}, or the page Who is "
                "signed in); the session ends at "
                f"{session.ends_at:%Y-%m-%d %H:%M} UTC at the latest.{_SHARED}"
            )


def _refuse_erasures(
    uow: UnitOfWork,
    accounts: Mapping[str, ConsoleAccount],
    names: AbstractSet[str],
    tenant: str,
) -> None:
    for erasure in uow.erasures.search([ErasureState.REQUESTED]):
        asked = names_of(erasure.requested_by, erasure.requested_email, accounts.get)
        if asked & names:
            raise InvalidRequestError(
                f"{erasure.requested_by}, a name of the person, asked for erasure "
                f"{erasure.erasure_id}, which nobody has confirmed. Have it confirmed, or withdraw "
                f"it: {command(tenant, 'erase', 'withdraw', erasure.erasure_id)}.{_SHARED}"
            )


def _refuse_open_items(
    uow: UnitOfWork,
    accounts: Mapping[str, ConsoleAccount],
    names: AbstractSet[str],
    tenant: str,
) -> None:
    def takes_part(actor: str, email: str = "") -> bool:
        return bool(names_of(actor, email, accounts.get) & names)

    found = uow.work_items.search(states=OPEN_STATES)
    waiting = {item.work_item_id: item for item in found}
    for item in found:
        email = item.terms.requester_email if item.terms else ""
        if takes_part(item.requester, email) or takes_part(item.completed_by or ""):
            raise _takes_part(item, tenant)
    for event in uow.work_items.acts_on_open(_COMPARED):
        hand = event.data.get("by") or {}
        told: list[Any] = [event.data.get("voter"), event.data.get("email")]
        told += [hand.get("login"), hand.get("email")]
        if takes_part(event.actor) or names & {fold(str(name)) for name in told if name}:
            raise _takes_part(waiting[event.work_item_id], tenant)


def _takes_part(item: WorkItem, tenant: str) -> InvalidRequestError:
    is_task = item.kind is WorkItemKind.MANUAL_TASK
    what, see = ("task", "tasks") if is_task else ("approval", "approvals")
    return InvalidRequestError(
        "A name of the person is that of who asked for, agreed to or completed what is open: "
        f"{what} {item.work_item_id}. Have it finished, rejected or withdrawn first: "
        f"{command(tenant, see, 'show', item.work_item_id)}.{_SHARED}"
    )
