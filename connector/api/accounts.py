"""DocuSign accounts, what can be held in them and how many hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import text
from connector.api.here import tenant
from connector.api.paging import Page, PageArguments, cut, page_of
from connector.api.resource import Resource
from connector.services.browsing.views import AccountLine

resource = Resource(
    "accounts", __name__, "DocuSign accounts with their profiles and groups.", "/accounts"
)


class AccountSchema(Schema):
    """An account in a list."""

    id = text("DocuSign account id.")
    name = text("Its name.")
    alias = text("The configuration's name for it; may be empty.")
    members = fields.Integer(required=True, metadata={"description": "Open memberships."})
    by_status = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "Memberships by DocuSign's status."},
    )
    admins = fields.Integer(required=True, metadata={"description": "Account administrators."})


class ProfileSchema(Schema):
    """A permission profile with the number of its holders."""

    id = text("SCIM id: `{account id}.{profile id}`.")
    name = text("Its name.")
    holders = fields.Integer(required=True, metadata={"description": "How many hold it."})
    is_admin = fields.Boolean(
        required=True, metadata={"description": "Whether it makes an account administrator."}
    )
    is_baseline = fields.Boolean(
        required=True, metadata={"description": "Whether it is what plain members hold."}
    )
    risk = text("As the policy says.")
    fulfilment = text("`automatic`, `approval` or `manual`.")
    owner = text("Who answers for it; may be empty.")


class GroupSchema(Schema):
    """A DocuSign group with the number of its members."""

    id = text("SCIM id: `{account id}.g{group id}`.")
    name = text("Its name.")
    kind = text("`custom`, `admin` or `everyone`.")
    members = fields.Integer(
        required=True, metadata={"description": "How many are in it, the inactive included."}
    )
    risk = text("As the policy says.")
    fulfilment = text("`automatic`, `approval` or `manual`.")
    owner = text("Who answers for it; may be empty.")


class AccountDetailSchema(AccountSchema):
    """An account with what can be held in it."""

    profiles = fields.List(fields.Nested(ProfileSchema), required=True)
    groups = fields.List(fields.Nested(GroupSchema), required=True)


class HolderSchema(Schema):
    """Somebody who holds a role."""

    id = text("User id.")
    name = text("Display name; may be empty.")


class RoleSchema(Schema):
    """A role that only people give."""

    id = text("SCIM id, such as `organization-admin`.")
    name = text("Its name.")
    risk = text("As the policy says.")
    fulfilment = text("`manual`, or `approval` before it.")
    owner = text("Who answers for it; may be empty.")
    holders = fields.List(
        fields.Nested(HolderSchema),
        required=True,
        metadata={"description": "At most 50 of those who hold it."},
    )


@resource.route("")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(AccountSchema, "AccountPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List the governed accounts.

    Who holds a profile or group of one: `/users?entitlement=<its id>`.
    """
    lines = [_line(line) for line in tenant().browser.accounts()]
    return cut(lines, query["limit"], query["cursor"], lambda line: str(line["id"]))


@resource.route("/<account_id>")
@resource.response(200, AccountDetailSchema)
def show(account_id: str) -> Mapping[str, Any]:
    """Show an account with its profiles and groups."""
    detail = tenant().browser.account(account_id.lower())
    return {
        **_line(detail.line),
        "profiles": [
            {
                "id": item.profile.scim_id,
                "name": item.profile.name,
                "holders": item.holders,
                "is_admin": item.profile.is_admin,
                "is_baseline": item.is_baseline,
                "risk": item.meaning.risk,
                "fulfilment": item.meaning.fulfilment,
                "owner": item.meaning.owner,
            }
            for item in detail.profiles
        ],
        "groups": [
            {
                "id": item.group.scim_id,
                "name": item.group.name,
                "kind": str(item.group.group_type),
                "members": item.members,
                "risk": item.meaning.risk,
                "fulfilment": item.meaning.fulfilment,
                "owner": item.meaning.owner,
            }
            for item in detail.groups
        ],
    }


roles = Resource("roles", __name__, "Roles that only people give.", "/roles")


@roles.route("")
@roles.arguments(PageArguments, location="query")
@roles.response(200, page_of(RoleSchema, "RolePage"))
def listed_roles(query: Mapping[str, Any]) -> Page:
    """List the roles that only people give, with who holds them."""
    lines = [
        {
            "id": item.role_id,
            "name": item.name,
            "risk": item.meaning.risk,
            "fulfilment": item.meaning.fulfilment,
            "owner": item.meaning.owner,
            "holders": [{"id": holder.user_id, "name": holder.display} for holder in item.holders],
        }
        for item in tenant().browser.roles()
    ]
    return cut(lines, query["limit"], query["cursor"], lambda line: str(line["id"]))


def _line(line: AccountLine) -> dict[str, Any]:
    return {
        "id": line.account.account_id,
        "name": line.account.name,
        "alias": line.alias,
        "members": line.open_members,
        "by_status": {str(status): count for status, count in line.members.items()},
        "admins": line.admins,
    }
