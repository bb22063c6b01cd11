"""Who calls, whether they may, and whether the budget allows it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, request

from simulator import wire
from simulator.limits import Reading
from simulator.simulator import current
from simulator.state.consent import Token
from simulator.state.errors import RuleError
from simulator.state.model import Account, OtherAdmin, Status, User

View = TypeVar("View", bound=Callable[..., Response])

ESIGN_SCOPE = "signature"


def bearer() -> Token:
    """Return the token that the request presents.

    :raises RuleError: none, an unknown one, or an expired one.
    """
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    token = current().state.applications.find_token(value.strip())
    if kind.lower() != "bearer" or token is None:
        raise RuleError(
            "AUTHORIZATION_INVALID_TOKEN",
            "The access token provided is expired, revoked or malformed.",
            status=401,
        )
    return token


def esign(view: View) -> View:
    """Let account administrators through to a view ``(account, …)`` of the eSignature API."""

    @wraps(view)
    def guarded(account_id: str, **rest: Any) -> Response:
        simulator = current()
        with simulator.state.lock:
            try:
                caller = _esign_caller()
                simulator.state.acting = (caller.user_id, bearer().integration_key)
                account = simulator.state.account(account_id)
                if refusal := _over_limit(account.account_id):
                    return refusal
                _check_administrator(account, caller)
                response = view(account, **rest)
            except RuleError as error:
                response = _refusal(error, wire.esign_error)
            finally:
                simulator.state.acting = ("", "")
        return _with_limits(response)

    return guarded  # type: ignore[return-value]


def administers(user: User) -> bool:
    """Return whether somebody administers the organization or a part of it. What a delegated
    administrator may not see of it is not modelled."""
    return user.is_organization_admin or OtherAdmin.DELEGATED in user.other_admin


def admin(
    scope: str, *, application_may: bool = True, elsewhere_too: bool = False
) -> Callable[[View], View]:
    """Let organization administrators through to a view ``(…)`` of the Admin API.

    :param scope: the scope that the call needs.
    :param application_may: whether a token without a user is accepted.
    :param elsewhere_too: whether those of another organization are.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(**rest: Any) -> Response:
            simulator = current()
            with simulator.state.lock:
                try:
                    _check_organization_admin(
                        scope, application_may=application_may, elsewhere_too=elsewhere_too
                    )
                    token = bearer()
                    simulator.state.acting = (token.user_id or "", token.integration_key)
                    organization_id = simulator.state.organization.organization_id
                    if refusal := _over_limit(organization_id):
                        return refusal
                    _check_organization(rest.pop("organization_id", organization_id))
                    response = view(**rest)
                except RuleError as error:
                    response = _refusal(error, wire.admin_error)
                finally:
                    simulator.state.acting = ("", "")
            return _with_limits(response)

        return guarded  # type: ignore[return-value]

    return decorate


def monitor(view: View) -> View:
    """Let organization administrators through to a view ``(…)`` of Monitor, where it is bought."""

    @wraps(view)
    def guarded(**rest: Any) -> Response:
        simulator = current()
        with simulator.state.lock:
            try:
                _check_monitor()
                return view(**rest)
            except RuleError as error:
                return _refusal(error, wire.admin_error)

    return guarded  # type: ignore[return-value]


def _refusal(error: RuleError, written: Callable[[RuleError], Response]) -> Response:
    """Return a refusal as the API writes it, or as what stands in front of the API would."""
    if current().state.variants.bare_refusals and error.status in (401, 403):
        return Response(status=error.status)
    return written(error)


def caller() -> User | None:
    """Return the impersonated user of this request, None for an application token."""
    user: User | None = g.get("caller")
    return user


def _impersonated(token: Token) -> User:
    """Return the user behind a token, as long as some membership is active."""
    user = current().state.user(token.user_id or "")
    if user.admin_status != "active":
        raise RuleError("USER_AUTHENTICATION_FAILED", "The user is not active.", status=401)
    return user


def _esign_caller() -> User:
    token = bearer()
    if token.user_id is None or ESIGN_SCOPE not in token.scopes:
        raise RuleError(
            "AUTHORIZATION_INVALID_TOKEN",
            "The access token does not stand for a user, or lacks the scope signature.",
            status=401,
        )
    g.caller = _impersonated(token)
    return _impersonated(token)


def _check_administrator(account: Account, user: User) -> None:
    membership = user.memberships.get(account.account_id)
    if membership is None or membership.status is not Status.ACTIVE:
        raise RuleError(
            "USER_LACKS_MEMBERSHIP",
            "The UserID does not have a valid membership in this Account.",
            status=403,
        )
    if not membership.is_admin:
        raise RuleError(
            "USER_LACKS_PERMISSIONS", "This user lacks sufficient permissions.", status=403
        )


def _check_organization_admin(scope: str, *, application_may: bool, elsewhere_too: bool) -> None:
    token = bearer()
    unauthorized = RuleError("UNAUTHORIZED", "Not Authorized", status=403)
    if scope not in token.scopes:
        raise unauthorized
    if token.user_id is None:
        if not application_may:
            raise unauthorized
        return
    g.caller = _impersonated(token)
    is_foreign = OtherAdmin.FOREIGN in g.caller.other_admin
    if not administers(g.caller) and not (elsewhere_too and is_foreign):
        raise unauthorized


def _check_monitor() -> None:
    token, bought = bearer(), current().state.variants.monitor
    if bought == "missing":
        raise RuleError("NOT_FOUND", "There is no such data set.", status=404)
    if token.user_id is None or not {"signature", "impersonation"} <= token.scopes:
        raise RuleError("FORBIDDEN", "The token has not the scopes.", status=403)
    user = _impersonated(token)
    # Whoever administers two organizations gets the events of none.
    administers_one = user.is_organization_admin and OtherAdmin.FOREIGN not in user.other_admin
    if bought == "forbidden" or not administers_one:
        text = "Organization does not have Monitor entitlement"
        raise RuleError("FORBIDDEN", text, status=403)


def _check_organization(organization_id: str) -> None:
    if organization_id.lower() != current().state.organization.organization_id:
        raise RuleError("UNAUTHORIZED", "Not Authorized", status=403)


def _over_limit(key: str) -> Response | None:
    """Count the call; return the refusal where a limit is exceeded."""
    reading = g.reading = current().limits.count(key)
    if reading.exceeded is None:
        return None
    period = "hourly" if reading.exceeded.startswith("HOURLY") else "burst"
    error = RuleError(
        reading.exceeded,
        f"The maximum number of {period} API invocations has been exceeded.",
        status=current().state.variants.limit_status,
    )
    refusal = wire.admin_error(error) if "management" in request.path.lower() else None
    return _with_limits(refusal or wire.esign_error(error))


def _with_limits(response: Response) -> Response:
    reading: Reading | None = g.get("reading")
    told = current().state.variants.limit_headers
    is_admin = "management" in request.path.lower()
    if reading is not None and (told == "all" or (told == "esign" and not is_admin)):
        response.headers.update(reading.headers)
    return response
