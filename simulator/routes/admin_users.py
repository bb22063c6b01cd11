"""Admin API: users of the organization, read and changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes import admin_views as views
from simulator.routes.access import admin, caller
from simulator.simulator import current
from simulator.state import memberships, users
from simulator.state.errors import RuleError, invalid, user_not_found
from simulator.state.model import Account, Membership, User

blueprint = Blueprint("admin_users", __name__, url_prefix="/v2/organizations/<organization_id>")

MAX_PEOPLE = 20
"""Users that ``users/profile`` shows at most."""

Entry = tuple[User, Membership | None]


# ------------------------------------------------------------------- reading


@blueprint.get("/users")
@admin("user_read")
def list_users() -> Response:
    """List users by account, claimed domain or address."""
    found = _selected()
    for test in _tests():
        found = [entry for entry in found if test(entry)]
    page = views.page()
    shown = [views.listed_user(user, membership) for user, membership in _entries(page.of(found))]
    return wire.answer({"users": shown, "paging": views.paging(page, len(shown), len(found))})


def _entries(found: Sequence[Any]) -> list[Entry]:
    """Return pairs; an account's roster is kept as memberships so that a page stays a slice."""
    return [(item.user, item) if isinstance(item, Membership) else item for item in found]


def _selected() -> Sequence[Any]:
    """Return whom the query names at least."""
    state, args = current().state, request.args
    account = state.account(args["account_id"]) if args.get("account_id") else None
    if email := args.get("email"):
        return [
            (user, user.memberships.get(account.account_id) if account else None)
            for user in state.on_address(email)
            if account is None or account.account_id in user.memberships
        ]
    if account is not None:
        return account.roster
    if domain_id := args.get("organization_reserved_domain_id"):
        hosts = {
            d.host_name for d in state.organization.domains.values() if d.domain_id == domain_id
        }
        return [(user, None) for user in state.users.values() if user.domain in hosts]
    raise invalid("One of account_id, organization_reserved_domain_id and email is needed.")


def _tests() -> list[Callable[[Any], bool]]:
    """Return what else the query demands."""
    args = request.args
    tests: list[Callable[[Any], bool]] = []
    if status := args.get("status"):
        tests.append(lambda entry: _user(entry).admin_status == status.lower())
    if wanted := args.get("membership_status"):
        tests.append(lambda entry: _status(entry) == wanted.lower())
    if like := args.get("email_user_name_like", "").lower():
        tests.append(lambda entry: like in f"{_user(entry).email} {_user(entry).user_name}".lower())
    if since := args.get("last_modified_since"):
        tests.append(_modified_since(since))
    return tests


def _modified_since(text: str) -> Callable[[Any], bool]:
    """Return whether an entry was modified since then, as far as DocuSign knows by now."""
    state = current().state
    moment = _moment(text)
    if state.variants.modified_since == "date":
        moment = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    latest = state.now() - timedelta(seconds=state.variants.modified_lag_s)
    return lambda entry: moment <= _user(entry).modified_at <= latest


def _user(entry: Any) -> User:
    user: User = entry.user if isinstance(entry, Membership) else entry[0]
    return user


def _status(entry: Any) -> str | None:
    membership = entry if isinstance(entry, Membership) else entry[1]
    return membership.status.admin_name if membership else None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{text} is not a date.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@blueprint.get("/users/profile")
@admin("user_read")
def people() -> Response:
    """Return everybody on an address with all memberships and the organization-admin flag."""
    email = request.args.get("email")
    if not email:
        raise invalid("email is needed.")
    state = current().state
    found = state.on_address(email)
    if days := state.variants.people_modified_within_days:
        oldest = state.now() - timedelta(days=days)
        found = [user for user in found if user.modified_at >= oldest]
    return wire.answer({"users": [views.profile_of_user(user) for user in found[:MAX_PEOPLE]]})


# ------------------------------------------------------------------ creating


@blueprint.post("/users")
@admin("user_write")
def create_user() -> Response:
    """Create a user in one or several accounts."""
    body = wire.json_body()
    places = wire.items(body, "accounts")
    if not places:
        raise invalid("accounts is needed.")
    state = current().state
    joined = [
        users.join(state, state.account(wire.text(place, "id")), _new_member(body, place))
        for place in places
    ]
    return wire.answer(_created(joined))


@blueprint.post("/accounts/<account_id>/users")
@admin("user_write")
def create_account_user(account_id: str) -> Response:
    """Create a user in one account."""
    body, state = wire.json_body(), current().state
    joined = users.join(state, state.account(account_id), _new_member(body, body))
    return wire.answer(_created([joined]))


def _new_member(person: dict[str, Any], place: dict[str, Any]) -> users.NewMember:
    return users.NewMember(
        email=wire.text(person, "email"),
        user_name=wire.text(person, "user_name"),
        first_name=wire.text(person, "first_name"),
        last_name=wire.text(person, "last_name"),
        job_title=wire.text(place, "job_title"),
        company=wire.text(place, "company_name"),
        profile_id=_profile_id(place),
        group_ids=_group_ids(place) or (),
        language=wire.text(person, "language_culture") or "en",
        default_account_id=wire.text(person, "default_account_id"),
        federated_status=wire.text(person, "federated_status") or "RemoveStatus",
        auto_activate=wire.is_true(person.get("auto_activate_memberships")),
    )


def _profile_id(place: dict[str, Any]) -> str | None:
    profile = place.get("permission_profile")
    return wire.text(profile, "id") if isinstance(profile, dict) else None


def _group_ids(place: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the ids of the groups, None where they are not sent."""
    if place.get("groups") is None:
        return None
    return tuple(wire.text(group, "id") for group in wire.items(place, "groups"))


def _created(joined: Sequence[Membership]) -> dict[str, Any]:
    user = joined[0].user
    return {
        "id": user.user_id,
        "site_id": user.site_id,
        "user_name": user.user_name,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "language_culture": user.language,
        "federated_status": user.federated_status,
        "accounts": [_joined_account(item) for item in joined],
    }


def _joined_account(membership: Membership) -> dict[str, Any]:
    account = membership.account
    shown: dict[str, Any] = {
        "id": account.account_id,
        "site_id": account.site_id,
        "groups": [views.group_view(account.groups[item]) for item in membership.group_ids],
        "company_name": membership.company,
        "job_title": membership.job_title,
    }
    if (profile := membership.profile) is not None:
        shown["permission_profile"] = views.profile_view(profile)
    return shown


# ------------------------------------------------------------------ changing


@blueprint.post("/users/profiles")
@admin("user_write")
def update_users() -> Response:
    """Update users and their memberships; a refused user carries its error."""
    body = wire.json_body()
    auto_activate = wire.is_true(body.get("auto_activate_memberships_on_reactivation"))

    def update(user: User, item: dict[str, Any]) -> None:
        _update_places(user, item, auto_activate=auto_activate)
        names = ("user_name", "first_name", "last_name")
        users.rename(
            current().state, user, {n: wire.text(item, n) for n in names if item.get(n) is not None}
        )
        user.language = wire.text(item, "language_culture") or user.language
        user.federated_status = wire.text(item, "federated_status") or user.federated_status
        user.default_account_id = wire.text(item, "default_account_id") or user.default_account_id
        if (email := wire.text(item, "email")) and email.lower() != user.email.lower():
            users.change_email(current().state, user, email)

    return _each_user(wire.items(body, "users"), update)


def _update_places(user: User, item: dict[str, Any], *, auto_activate: bool) -> None:
    state = current().state
    for place in wire.optional_items(item, "memberships"):
        account = state.account(wire.text(place, "account_id"))
        change = memberships.MemberChange(
            job_title=wire.text(place, "job_title") if "job_title" in place else None,
            company=wire.text(place, "company_name") if "company_name" in place else None,
            profile_id=_profile_id(place),
            group_ids=_group_ids(place),
            send_activation=wire.is_true(place.get("send_activation")),
        )
        membership = state.membership(account, user.user_id)
        memberships.update_by_admin(state, membership, change, auto_activate=auto_activate)


@blueprint.post("/users/email_addresses")
@admin("user_write")
def change_addresses() -> Response:
    """Change addresses between claimed domains, in every account at once."""

    def change(user: User, item: dict[str, Any]) -> None:
        users.change_email(current().state, user, wire.text(item, "email"))

    return _each_user(wire.items(wire.json_body(), "users"), change)


def _each_user(
    wanted: list[dict[str, Any]], act: Callable[[User, dict[str, Any]], None]
) -> Response:
    """Act on every user; the answer says for each whether it worked."""
    done: list[dict[str, Any]] = []
    for item in wanted:
        shown: dict[str, Any] = {"id": item.get("id"), "site_id": item.get("site_id")}
        try:
            user = current().state.user(wire.text(item, "id"))
            if item.get("site_id") != user.site_id:
                raise user_not_found(user.user_id)
            act(user, item)
            shown |= {"id": user.user_id, "email": user.email}
        except RuleError as error:
            shown["error_details"] = wire.admin_error_details(error)
        done.append(shown)
    success = not any("error_details" in item for item in done)
    return wire.answer({"success": success, "users": done})


@blueprint.delete("/users/<user_id>/accounts")
@admin("user_write", application_may=False)
def close_memberships(user_id: str) -> Response:
    """Close a user's memberships in several accounts."""
    state, actor = current().state, caller()
    user = state.user(user_id)
    done: list[dict[str, Any]] = []
    for item in wire.items(wire.json_body(), "accounts"):
        shown: dict[str, Any] = {"id": item.get("id")}
        try:
            account: Account = state.account(wire.text(item, "id"))
            membership = state.membership(account, user.user_id)
            memberships.close(state, membership, actor_id=actor.user_id if actor else None)
        except RuleError as error:
            shown["error_details"] = wire.admin_error_details(error)
        done.append(shown)
    success = not any("error_details" in item for item in done)
    return wire.answer({"success": success, "accounts": done})


@blueprint.post("/users/<user_id>/memberships/<membership_id>")
@admin("user_write")
def activate_membership(user_id: str, membership_id: str) -> Response:
    """Activate a pending membership."""
    state = current().state
    user = state.user(user_id)
    if wire.json_body().get("site_id") != user.site_id:
        raise invalid("site_id is needed.")
    for membership in user.memberships.values():
        if membership.membership_id == membership_id.lower():
            memberships.activate(state, membership)
            return wire.answer({"status": "success"})
    raise user_not_found(user_id)
