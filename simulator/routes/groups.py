"""eSignature groups and their members."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes import stale, views
from simulator.routes.access import esign
from simulator.simulator import current
from simulator.state import groups
from simulator.state.errors import invalid
from simulator.state.model import Account, GroupType

blueprint = Blueprint("groups", __name__, url_prefix="/restapi/v2.1/accounts/<account_id>/groups")

DEFAULT_MEMBERS = 50


@blueprint.get("")
@esign
def list_groups(account: Account) -> Response:
    """List an account's groups, built-in ones first."""
    found = list(account.groups.values())
    if kind := request.args.get("group_type", "").lower():
        if kind not in {str(item).lower() for item in GroupType}:
            raise invalid(f"{kind} is not a group type.")
        found = [group for group in found if str(group.kind).lower() == kind]
    if fragment := request.args.get("search_text", "").lower():
        found = [group for group in found if fragment in group.name.lower()]
    page = wire.esign_page()
    shown = [views.group_in_list(account, group) for group in page.of(found)]
    return wire.answer({"groups": shown, **wire.esign_paging(page, len(shown), len(found))})


@blueprint.post("")
@esign
def create_groups(account: Account) -> Response:
    """Create groups."""

    def create(item: dict[str, Any]) -> dict[str, Any]:
        group = groups.create(current().state, account, wire.text(item, "groupName"))
        for user in wire.optional_items(item, "users"):
            groups.add_member(current().state, account, group.group_id, wire.text(user, "userId"))
        return views.group_in_list(account, group)

    wanted = wire.items(wire.json_body(), "groups")
    return wire.answer({"groups": _each(wanted, create)}, 201)


@blueprint.put("")
@esign
def rename_groups(account: Account) -> Response:
    """Rename groups."""

    def rename(item: dict[str, Any]) -> dict[str, Any]:
        group_id, name = wire.text(item, "groupId"), wire.text(item, "groupName")
        return views.group_in_list(account, groups.rename(current().state, account, group_id, name))

    return wire.answer({"groups": _each(wire.items(wire.json_body(), "groups"), rename)})


@blueprint.delete("")
@esign
def delete_groups(account: Account) -> Response:
    """Delete groups."""

    def delete(item: dict[str, Any]) -> dict[str, Any]:
        return views.group_of_user(
            groups.delete(current().state, account, wire.text(item, "groupId"))
        )

    return wire.answer({"groups": _each(wire.items(wire.json_body(), "groups"), delete)})


def _each(wanted: list[dict[str, Any]], act: Any) -> list[dict[str, Any]]:
    """Act on every group; a refused one is named beside its error."""
    done = wire.each(wanted, act)
    for item, result in zip(wanted, done, strict=True):
        if "errorDetails" in result:
            result |= {name: item[name] for name in ("groupId", "groupName") if name in item}
    return done


@blueprint.get("/<group_id>/users")
@esign
def list_members(account: Account, group_id: str) -> Response:
    """List the members of a group."""
    members = groups.members(account, groups.get(account, group_id))
    page = wire.esign_page(DEFAULT_MEMBERS)
    shown = [views.group_member(item) for item in page.of(members)]
    return wire.answer({"users": shown, **wire.esign_paging(page, len(shown), len(members))})


@blueprint.put("/<group_id>/users")
@esign
def add_members(account: Account, group_id: str) -> Response:
    """Add members; those who are in the group stay."""
    groups.get(account, group_id)

    def add(item: dict[str, Any]) -> dict[str, Any]:
        user_id = wire.text(item, "userId")
        stale.before_change(current().state.membership(account, user_id))
        return views.group_member(groups.add_member(current().state, account, group_id, user_id))

    return wire.answer({"users": wire.each(_few(wire.json_body()), add)})


@blueprint.delete("/<group_id>/users")
@esign
def remove_members(account: Account, group_id: str) -> Response:
    """Remove members."""
    groups.get(account, group_id)

    def remove(item: dict[str, Any]) -> dict[str, Any]:
        user_id = wire.text(item, "userId")
        stale.before_change(current().state.membership(account, user_id))
        membership = groups.remove_member(current().state, account, group_id, user_id)
        return views.group_member(membership)

    return wire.answer({"users": wire.each(_few(wire.json_body()), remove)})


def _few(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the users of a change, of whom there may be a largest number."""
    users = wire.items(body, "users")
    most = current().state.variants.group_change_maximum
    if most and len(users) > most:
        raise invalid(f"A request changes at most {most} users of a group.")
    return users
