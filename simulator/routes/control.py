"""``/_simulator``: what people do by hand in DocuSign, and what tests need to know and change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.config import connection_details
from simulator.faults import Fault, Latency
from simulator.simulator import Simulator, current
from simulator.state import RuleError, groups, memberships, users
from simulator.state.errors import invalid
from simulator.state.model import Account, Membership, OtherAdmin, User

blueprint = Blueprint("control", __name__)

View = Callable[..., Any]


def controls(view: View) -> View:
    """Answer with what the view returns, or with what it refuses, under the lock."""

    @wraps(view)
    def guarded(**rest: Any) -> Response:
        simulator = current()
        with simulator.state.lock:
            try:
                return wire.answer(view(simulator, **rest))
            except RuleError as error:
                return wire.esign_error(error)
            except (TypeError, ValueError) as error:
                return wire.esign_error(invalid(str(error)))

    return guarded


# -------------------------------------------------------------------- reading


@blueprint.get("/_simulator/state")
@controls
def snapshot(simulator: Simulator) -> dict[str, Any]:
    """Return everything that a test may want to compare, without what differs between runs."""
    state = simulator.state
    return {
        "accounts": {item.account_id: _account(item) for item in state.accounts.values()},
        "users": {item.user_id: _user(item) for item in state.users.values()},
    }


@blueprint.get("/_simulator/users/<user_id>")
@controls
def one_user(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Return one user."""
    return _user(simulator.state.user(user_id))


@blueprint.get("/_simulator/connection")
@controls
def connection(simulator: Simulator) -> dict[str, Any]:
    """Return what a client needs to connect, the private key included."""
    return connection_details(simulator.state, request.host_url)


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "profiles": {item.profile_id: item.name for item in account.profiles.values()},
        "groups": {item.group_id: item.name for item in account.groups.values()},
    }


def _user(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "user_name": user.user_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_organization_admin": user.is_organization_admin,
        "other_admin": sorted(user.other_admin),
        "memberships": {key: _membership(item) for key, item in user.memberships.items()},
    }


def _membership(membership: Membership) -> dict[str, Any]:
    return {
        "membership_id": membership.membership_id,
        "status": str(membership.status),
        "profile_id": membership.profile_id,
        "group_ids": sorted(membership.group_ids),
        "is_admin": membership.is_admin,
        "job_title": membership.job_title,
        "company": membership.company,
    }


# --------------------------------------------------------- faults and settings


@blueprint.get("/_simulator/faults")
@controls
def list_faults(simulator: Simulator) -> dict[str, Any]:
    """Return the schedule."""
    return {"faults": simulator.faults.as_json()}


@blueprint.post("/_simulator/faults")
@controls
def add_fault(simulator: Simulator) -> dict[str, Any]:
    """Append a fault to the schedule."""
    simulator.faults.add(Fault.from_json(wire.json_body()))
    return {"faults": simulator.faults.as_json()}


@blueprint.delete("/_simulator/faults")
@controls
def clear_faults(simulator: Simulator) -> dict[str, Any]:
    """Forget all faults."""
    simulator.faults.clear()
    return {"faults": []}


@blueprint.get("/_simulator/variants")
@controls
def show_variants(simulator: Simulator) -> dict[str, Any]:
    """Return how DocuSign behaves at present."""
    return asdict(simulator.state.variants)


@blueprint.put("/_simulator/variants")
@controls
def set_variants(simulator: Simulator) -> dict[str, Any]:
    """Change how DocuSign behaves."""
    simulator.state.variants = simulator.state.variants.changed(wire.json_body())
    return asdict(simulator.state.variants)


@blueprint.put("/_simulator/limits")
@controls
def set_limits(simulator: Simulator) -> dict[str, Any]:
    """Set the limits, or use up what is left: ``{"hourly": n, "burst": n, "remaining": n}``."""
    body, limits = wire.json_body(), simulator.limits
    limits.hourly = int(body.get("hourly", limits.hourly))
    limits.burst = int(body.get("burst", limits.burst))
    if "remaining" in body:
        state = simulator.state
        for key in (*state.accounts, state.organization.organization_id):
            limits.use_up(key, int(body["remaining"]))
    return {"hourly": limits.hourly, "burst": limits.burst}


@blueprint.post("/_simulator/hour")
@controls
def next_hour(simulator: Simulator) -> dict[str, Any]:
    """Begin a new hour for the limits."""
    simulator.limits.next_hour()
    return {"hourly": simulator.limits.hourly}


@blueprint.put("/_simulator/latency")
@controls
def set_latency(simulator: Simulator) -> dict[str, Any]:
    """Set how long calls take, in seconds, by group of calls."""
    known = {item.name for item in fields(Latency)}
    for name, value in wire.json_body().items():
        if name not in known:
            raise invalid(f"{name} is none of {', '.join(sorted(known))}.")
        setattr(simulator.latency, name, float(value))
    return asdict(simulator.latency)


# ------------------------------------------------- what people do in DocuSign


@blueprint.put("/_simulator/users/<user_id>/organization-admin")
@controls
def grant_organization_admin(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Make somebody an organization administrator, as only people can."""
    return _set_organization_admin(simulator, user_id, value=True)


@blueprint.put("/_simulator/users/<user_id>/organization-admin/<kind>")
@controls
def make_other_admin(simulator: Simulator, user_id: str, kind: str) -> dict[str, Any]:
    """Make somebody an invited, a delegated or a foreign organization administrator."""
    if kind not in set(OtherAdmin):
        raise invalid(f"{kind} is none of {', '.join(OtherAdmin)}.")
    user = simulator.state.user(user_id)
    users.make_other_admin(simulator.state, user, OtherAdmin(kind))
    return _user(user)


@blueprint.delete("/_simulator/users/<user_id>/organization-admin")
@controls
def revoke_organization_admin(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Take the organization-administrator role from somebody."""
    return _set_organization_admin(simulator, user_id, value=False)


def _set_organization_admin(simulator: Simulator, user_id: str, *, value: bool) -> dict[str, Any]:
    user = simulator.state.user(user_id)
    users.set_organization_admin(simulator.state, user, value=value)
    return _user(user)


@blueprint.post("/_simulator/users/<user_id>/activate")
@controls
def activate(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Accept the invitations of a pending user, as the person would."""
    user = simulator.state.user(user_id)
    for membership in user.memberships.values():
        if membership.status.is_pending:
            memberships.activate(simulator.state, membership)
    return _user(user)


@blueprint.post("/_simulator/accounts/<account_id>/users")
@controls
def add_natively(simulator: Simulator, account_id: str) -> dict[str, Any]:
    """Join somebody by hand: ``{"email", "user_name", "profile_id", "group_ids"}``."""
    body, state = wire.json_body(), simulator.state
    new = users.NewMember(
        email=wire.text(body, "email"),
        user_name=wire.text(body, "user_name"),
        profile_id=wire.text(body, "profile_id") or None,
        group_ids=tuple(map(str, body.get("group_ids", ()))),
    )
    membership = users.join(state, state.account(account_id), new)
    return {"user_id": membership.user.user_id, **_user(membership.user)}


@blueprint.patch("/_simulator/accounts/<account_id>/users/<user_id>")
@controls
def change_natively(simulator: Simulator, account_id: str, user_id: str) -> dict[str, Any]:
    """Change a membership by hand: any of ``status``, ``profile_id``, ``group_ids``,
    ``user_name``, ``email`` and ``managed_by_scim``, without the rules that bind the APIs."""
    state, body = simulator.state, wire.json_body()
    membership = state.membership(state.account(account_id), user_id)
    for name, value in body.items():
        if name not in _NATIVE:
            raise invalid(f"{name} is none of {', '.join(_NATIVE)}.")
        _NATIVE[name](simulator, membership, value)
    state.touch(membership.user, membership.account)
    return _user(membership.user)


def _set_status(simulator: Simulator, membership: Membership, value: Any) -> None:
    membership.status = type(membership.status)(value)
    closed = value == "Closed"
    membership.closed_at = simulator.state.now() if closed else None
    membership.user.closed_at = None if membership.user.is_open else membership.closed_at


def _set_profile(_: Simulator, membership: Membership, value: Any) -> None:
    membership.profile_id = users.checked_profile(membership.account, str(value))


def _set_groups(_: Simulator, membership: Membership, value: Any) -> None:
    group_ids = users.checked_groups(membership.account, tuple(map(str, value)))
    users.set_groups(membership, group_ids)


def _set_name(_: Simulator, membership: Membership, value: Any) -> None:
    user = membership.user
    user.user_name = str(value)
    parts = users.split_name(user.user_name)
    user.first_name, user.last_name = parts["first_name"], parts["last_name"]


def _set_email(simulator: Simulator, membership: Membership, value: Any) -> None:
    users.check_email(str(value))
    simulator.state.readdress(membership.user, str(value))


def _set_managed(_: Simulator, membership: Membership, value: Any) -> None:
    membership.managed_by_scim = membership.user.managed_by_scim = bool(value)


_NATIVE: dict[str, Callable[[Simulator, Membership, Any], None]] = {
    "status": _set_status,
    "profile_id": _set_profile,
    "group_ids": _set_groups,
    "user_name": _set_name,
    "email": _set_email,
    "managed_by_scim": _set_managed,
}


@blueprint.post("/_simulator/accounts/<account_id>/groups")
@controls
def add_group_natively(simulator: Simulator, account_id: str) -> dict[str, Any]:
    """Make a group by hand: ``{"name"}``."""
    state = simulator.state
    group = groups.create(state, state.account(account_id), wire.text(wire.json_body(), "name"))
    return {"group_id": group.group_id, "name": group.name}


# -------------------------------------------------------------------- consent


@blueprint.put("/_simulator/consent/<user_id>")
@controls
def grant_consent(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Store a user's consent: ``{"scopes": "signature impersonation …"}``."""
    user, scopes = simulator.state.user(user_id), wire.text(wire.json_body(), "scopes").split()
    application = next(iter(simulator.state.applications.by_key.values()))
    application.consents[user.user_id] = set(scopes)
    return {"scopes": sorted(scopes)}


@blueprint.put("/_simulator/redirect-uris")
@controls
def register_redirect_uri(simulator: Simulator) -> dict[str, Any]:
    """Register an address to which the consent page may send the browser back."""
    application = next(iter(simulator.state.applications.by_key.values()))
    application.redirect_uris.add(wire.text(wire.json_body(), "redirect_uri"))
    return {"redirect_uris": sorted(application.redirect_uris)}


@blueprint.delete("/_simulator/consent/<user_id>")
@controls
def withdraw_consent(simulator: Simulator, user_id: str) -> dict[str, Any]:
    """Withdraw one user's consent; ``everybody``: an administrator's."""
    whose = None if user_id == "everybody" else simulator.state.user(user_id).user_id
    for application in simulator.state.applications.by_key.values():
        simulator.state.applications.withdraw(application, whose)
    return {}


@blueprint.put("/_simulator/application")
@controls
def change_application(simulator: Simulator) -> dict[str, Any]:
    """Say whether the app may do without its secret, with PKCE alone: ``{"is_public": true}``."""
    application = next(iter(simulator.state.applications.by_key.values()))
    application.is_public = bool(wire.json_body().get("is_public"))
    return {"is_public": application.is_public}


@blueprint.delete("/_simulator/consent")
@controls
def revoke_consent(simulator: Simulator) -> dict[str, Any]:
    """Withdraw all consent and every token."""
    simulator.revoke_consent()
    return {}
