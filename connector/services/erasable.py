"""What must be over before a person can be erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from connector.domain.erasure import CLOSED_FOR
from connector.domain.model import User
from connector.domain.writing import command
from connector.errors import ForbiddenError, InvalidRequestError
from connector.ports import USER, UnitOfWork
from connector.services.context import Principal, TenantContext
from connector.services.locks import address_key, user_key
from connector.services.names_in_use import refuse_names_in_use
from connector.services.people import accounts_of, addresses_of, names_at_work, names_of_user


def require_erasable(uow: UnitOfWork, context: TenantContext, user: User) -> None:
    """Let somebody be erased of whom nothing is open any more: no membership, account of the
    console, session, approval, task or change.

    :raises InvalidRequestError: something is; the message says what, and what to do.
    """
    if user.user_id == context.directory.service_user_id:
        raise InvalidRequestError("This is the user whom the connector impersonates.")
    if any(user.open_memberships()):
        raise InvalidRequestError(
            "The person still has an open membership. Delete the user first, over SCIM; "
            "DocuSign erases a membership 24 hours after its closing."
        )
    addresses = addresses_of(uow, user.user_id).own
    for account in accounts_of(uow, addresses):
        if account.disabled_at is None:
            disable = command(context.tenant, "console", "user", "disable", account.login)
            raise InvalidRequestError(
                f"The person still has the account {account.login!r} of the console, by its "
                f"login, its address or one that it had. Disable it first: {disable}."
            )
    now = context.clock.now()
    names = names_at_work(uow, user.user_id, addresses)
    refuse_names_in_use(uow, names, now, context.tenant)
    closed = [item.closed_at for item in user.memberships.values() if item.closed_at]
    if closed and now - max(closed) < CLOSED_FOR:
        earliest = max(closed) + CLOSED_FOR
        raise InvalidRequestError(
            f"DocuSign erases a membership 24 hours after its closing: from "
            f"{earliest:%Y-%m-%d %H:%M} UTC on."
        )
    keys = [address_key(key) for key in sorted(addresses)]
    refuse_unfinished(uow, user.user_id, addresses, now, keys)


def refuse_unfinished(
    uow: UnitOfWork,
    user_id: str,
    emails: Collection[str],
    now: datetime,
    keys: Sequence[str] = (),
) -> None:
    """Let nobody be erased while something about them is not over: emptied, it could not be
    carried out.

    :param keys: further locks in whose queues nothing shall stand.
    :raises InvalidRequestError: something is not over; the message says what, and what to do.
    """
    if items := uow.erasures.open_items(user_id, *emails):
        tasks, approvals = (command(uow.tenant, see, "list") for see in ("tasks", "approvals"))
        raise InvalidRequestError(
            "Work items of the person, or that name them, are open. Have them done or rejected "
            f"first: {', '.join(items)}. See `{tasks}` and `{approvals}`."
        )
    plans = {item.plan_id for item in uow.plans.open_for_subject(USER, user_id)}
    plans |= {item.plan_id for item in uow.turns.ahead([user_key(user_id), *keys], now)}
    if plans:
        raise InvalidRequestError(
            "A change of the person, or of their address, is not finished: plan "
            f"{', '.join(sorted(plans))}. Wait until it is."
        )


def refuse_own(uow: UnitOfWork, user: User, by: Principal) -> None:
    """Let others ask for and confirm the erasure of somebody.

    :raises ForbiddenError: it is the person.
    """
    if names_of_user(uow, user) & by.names:
        raise ForbiddenError(
            "Nobody asks for their own erasure or confirms it: it takes two others."
        )
