"""Who you are here, and your own tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields

from connector.api.fields import instant, text
from connector.api.here import application, principal, tenant_name
from connector.api.paging import Page, PageArguments, cut, page_of
from connector.api.resource import Resource
from connector.services.plain_data import token_data

resource = Resource("me", __name__, "Who you are here.", "/me")


class MeSchema(Schema):
    """As whom the API knows you."""

    tenant = text("Whose API this is.")
    login = text("By which approvals and audit name you.")
    email = text("Your address; empty where nobody vouches for one.")
    roles = fields.List(
        fields.String(), required=True, metadata={"description": "What you may do."}
    )
    groups = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Your groups at the identity provider."},
    )


class TokenSchema(Schema):
    """A personal token, without its text."""

    id = text("To revoke it by.")
    name = text("What it is for.")
    roles = fields.List(
        fields.String(), required=True, metadata={"description": "What it may do at most."}
    )
    created_at = instant("When it was made.")
    created_by = text("By whom.")
    expires_at = instant("When it ends.")
    last_used_at = instant("When it was last used, to five minutes.", optional=True)
    revoked_at = instant("When it was revoked.", optional=True)


@resource.route("")
@resource.response(200, MeSchema)
def show() -> Mapping[str, Any]:
    """Show as whom your token acts."""
    me = principal()
    return {
        "tenant": tenant_name(),
        "login": me.login,
        "email": me.email,
        "roles": sorted(me.roles),
        "groups": sorted(me.groups),
    }


@resource.route("/tokens")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(TokenSchema, "TokenPage"))
def tokens(query: Mapping[str, Any]) -> Page:
    """List the personal tokens of your account, newest first."""
    known = application().personal_tokens.list(tenant_name(), principal().login)
    page = cut(known, query["limit"], query["cursor"], lambda item: item.token_id)
    return Page([token_data(item) for item in page.items], page.next_cursor)


@resource.act("/tokens/<token_id>/revoke", conditional=False)
@resource.response(200, TokenSchema)
def revoke(token_id: str) -> Mapping[str, Any]:
    """End one of your tokens at once, such as one that leaked."""
    me = principal()
    found = application().personal_tokens.revoke(tenant_name(), token_id, me, login=me.login)
    return token_data(found)
