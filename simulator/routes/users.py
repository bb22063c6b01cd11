"""eSignature users: list, read, create, update, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes import stale, views
from simulator.routes.access import caller, esign
from simulator.simulator import current
from simulator.state import groups, memberships, users
from simulator.state.errors import RuleError, invalid
from simulator.state.model import Account, Membership, Status

blueprint = Blueprint("users", __name__, url_prefix="/restapi/v2.1/accounts/<account_id>/users")

MAX_CREATED = 500
"""Users in one create request."""
NAME_MEMBERS = {
    "userName": "user_name",
    "firstName": "first_name",
    "middleName": "middle_name",
    "lastName": "last_name",
    "suffixName": "suffix",
}

Test = Callable[[Membership], bool]


@blueprint.get("")
@esign
def list_users(account: Account) -> Response:
    """List an account's users, closed ones included."""
    found = _filtered(account)
    page = wire.esign_page()
    shown = page.of(found)
    full = wire.is_true(request.args.get("additional_info"))
    view = views.listed_user if full else views.brief_user
    paging = wire.esign_paging(page, len(shown), len(found))
    return wire.answer({"users": [view(item) for item in shown], **paging})


def _filtered(account: Account) -> Sequence[Membership]:
    """Return the memberships that the query asks for, in the order of joining."""
    if "email" in request.args and "email_substring" in request.args:
        raise invalid("email and email_substring exclude each other.")
    candidates: Sequence[Membership] = account.roster
    if email := request.args.get("email"):
        on_address = current().state.on_address(email)
        places = (user.memberships.get(account.account_id) for user in on_address)
        candidates = [item for item in places if item is not None]
    tests = _tests(account)
    if not tests:
        return candidates
    return [item for item in candidates if all(test(item) for test in tests)]


def _tests(account: Account) -> list[Test]:
    """Return what the query demands of each membership."""
    args, state = request.args, current().state
    tests: list[Test] = []
    if fragment := args.get("email_substring", "").lower():
        tests.append(lambda item: fragment in item.user.email.lower())
    if name := args.get("user_name_substring", "").lower():
        tests.append(lambda item: name in item.user.user_name.lower())
    if args.get("status"):
        statuses = _statuses(args["status"])
        tests.append(lambda item: item.status in statuses)
    if wire.is_true(args.get("domain_users_only")):
        tests.append(lambda item: state.claimed(item.user.email) is not None)
    if wire.is_true(args.get("alternate_admins_only")):
        tests.append(lambda item: False)  # Nobody is a stand-by administrator here.
    if group_id := args.get("group_id"):
        inside = _member_ids(account, group_id)
        tests.append(lambda item: item.user.user_id in inside)
    if group_id := args.get("not_group_id"):
        outside = _member_ids(account, group_id)
        tests.append(lambda item: item.user.user_id not in outside)
    return tests


def _statuses(text: str) -> frozenset[Status]:
    known = {str(status).lower(): status for status in Status}
    try:
        return frozenset(known[part.strip().lower()] for part in text.split(","))
    except KeyError as error:
        raise invalid(f"{error.args[0]} is not a user status.") from None


def _member_ids(account: Account, group_id: str) -> set[str]:
    members = groups.members(account, groups.get(account, group_id))
    return {item.user.user_id for item in members}


@blueprint.get("/<user_id>")
@esign
def get_user(account: Account, user_id: str) -> Response:
    """Return one user."""
    return wire.answer(stale.shown(current().state.membership(account, user_id)))


@blueprint.post("")
@esign
def create_users(account: Account) -> Response:
    """Create users; 201 even where every item failed."""
    wanted = wire.items(wire.json_body(), "newUsers")
    if len(wanted) > MAX_CREATED:
        raise invalid(f"At most {MAX_CREATED} users can be created at once.")

    def create(item: dict[str, Any]) -> dict[str, Any]:
        return _new_user(users.join(current().state, account, _new_member(item)))

    return wire.answer({"newUsers": wire.each(wanted, create)}, 201)


def _new_member(item: dict[str, Any]) -> users.NewMember:
    settings = item.get("userSettings")
    locale = settings.get("locale") if isinstance(settings, dict) else None
    return users.NewMember(
        email=wire.text(item, "email"),
        user_name=wire.text(item, "userName"),
        first_name=wire.text(item, "firstName"),
        middle_name=wire.text(item, "middleName"),
        last_name=wire.text(item, "lastName"),
        suffix=wire.text(item, "suffixName"),
        job_title=wire.text(item, "jobTitle"),
        company=wire.text(item, "company"),
        profile_id=wire.text(item, "permissionProfileId") or None,
        group_ids=_group_ids(item) or (),
        language=locale or "en",
    )


def _group_ids(item: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the ids in ``groupList``, None where it is not sent; only the ids count."""
    if item.get("groupList") is None:
        return None
    return tuple(wire.text(group, "groupId") for group in wire.items(item, "groupList"))


def _new_user(membership: Membership) -> dict[str, Any]:
    user, profile = membership.user, membership.profile
    return {
        "userId": user.user_id,
        "uri": views.user_uri(membership.account, user.user_id),
        "email": user.email,
        "userName": user.user_name,
        "userStatus": str(membership.status),
        "createdDateTime": wire.moment(user.created_at),
        "membershipId": membership.membership_id,
        "permissionProfileId": membership.profile_id,
        "permissionProfileName": profile.name if profile else "",
    }


@blueprint.put("/<user_id>")
@esign
def update_user(account: Account, user_id: str) -> Response:
    """Update one user."""
    return wire.answer(_updated(account, wire.json_body() | {"userId": user_id}))


@blueprint.put("")
@esign
def update_users(account: Account) -> Response:
    """Update several users; a refused one carries its error."""
    wanted = wire.items(wire.json_body(), "users")
    done = wire.each(wanted, lambda item: _updated(account, item))
    return wire.answer({"users": done})


def _updated(account: Account, item: dict[str, Any]) -> dict[str, Any]:
    state = current().state
    membership = state.membership(account, wire.text(item, "userId"))
    change = memberships.MemberChange(
        names={
            ours: wire.text(item, theirs)
            for theirs, ours in NAME_MEMBERS.items()
            if item.get(theirs) is not None
        },
        job_title=wire.text(item, "jobTitle") if "jobTitle" in item else None,
        company=wire.text(item, "company") if "company" in item else None,
        profile_id=wire.text(item, "permissionProfileId") or None,
        group_ids=_group_ids(item),
        send_activation=wire.text(item, "sendActivationEmail").lower() in ("send", "true"),
        activate=wire.text(item, "userStatus").lower() == "active",
    )
    stale.before_change(membership)
    memberships.update(state, membership, change)
    return views.full_user(membership)


@blueprint.delete("")
@esign
def close_users(account: Account) -> Response:
    """Close users; the query ``delete`` names what is stripped too."""
    strip = {part.strip() for part in request.args.get("delete", "").split(",") if part.strip()}
    if unknown := strip - memberships.STRIPPABLE:
        raise invalid(f"delete cannot be {', '.join(sorted(unknown))}.")
    actor = caller()

    def close(item: dict[str, Any]) -> dict[str, Any]:
        membership = current().state.membership(account, wire.text(item, "userId"))
        actor_id = actor.user_id if actor else None
        stale.before_change(membership)
        memberships.close(current().state, membership, strip=strip, actor_id=actor_id)
        return views.group_member(membership)

    wanted = wire.items(wire.json_body(), "users")
    if not wanted:
        raise RuleError("INVALID_REQUEST_BODY", "The request names no users.")
    return wire.answer({"users": wire.each(wanted, close)})
