"""People in DocuSign: what they hold, why, and what happened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, validate

from connector.api.audit import AuditEventSchema, event_document
from connector.api.fields import instant, text
from connector.api.here import tenant
from connector.api.paging import Page, PageArguments, number_of, page_of, to_cursor
from connector.api.resource import Resource
from connector.api.work_item_schemas import WorkItemSchema
from connector.domain.audit.events import AuditFilter
from connector.domain.drift.expected import Origin
from connector.domain.ledger.plans import PlanState
from connector.domain.model import IdKind, MembershipStatus, parse_scim_id
from connector.services.browsing.views import UserQuery
from connector.services.plain_users import user_data

resource = Resource("users", __name__, "People in DocuSign, what they hold and why.", "/users")
_STATES = {"active": True, "inactive": False}


class PlaceSchema(Schema):
    """A membership in a list."""

    account = text("Name of the account.")
    profile = text("Name of the permission profile; may be empty.")
    status = text("DocuSign's status of the membership.")


class UserSchema(Schema):
    """A user in a list."""

    id = text("SCIM id, which is the DocuSign user id.")
    name = text("Display name.")
    email = text("Address.")
    active = fields.Boolean(required=True, metadata={"description": "As SCIM shows it."})
    memberships = fields.List(
        fields.Nested(PlaceSchema), required=True, metadata={"description": "One an account."}
    )
    roles = fields.List(
        fields.String(), required=True, metadata={"description": "Roles that people gave."}
    )
    pending = fields.Integer(
        required=True, metadata={"description": "Work items and changes that wait."}
    )


class ProvenanceSchema(Schema):
    """Why somebody holds something."""

    granted_by = text("Who asked for it.")
    source = text("`scim`, `console`, `api`, `cli`, `job` or `accepted`.")
    granted_at = instant("When it was given.")
    plan_id = text("The plan that gave it; null if there was none.", allow_none=True)


class HeldSchema(Schema):
    """Something that somebody holds."""

    id = text("SCIM id of the profile, group or role.")
    name = text("Its name.")
    kind = text("`profile`, `group` or `role`.")
    risk = text("As the policy says.")
    owner = text("Who answers for it; may be empty.")
    provenance = fields.Nested(
        ProvenanceSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Null: found in DocuSign, not given through the connector."},
    )
    verified_at = instant("Of a role: when DocuSign last showed it.", optional=True)


class SuccessionSchema(Schema):
    """What becomes of what somebody owns in an account when they leave, by `tenants.*.leavers`."""

    to = text("Address of who takes over; null: nobody is named who could.", allow_none=True)
    to_id = text("Their user id.", allow_none=True)
    transfer_rule = fields.Boolean(
        required=True,
        metadata={"description": "Whether DocuSign hands each envelope over once completed."},
    )
    custody_task = fields.Boolean(
        required=True, metadata={"description": "Whether a person moves what lies there."}
    )
    rule = text("What the rule fits; once they have left: DocuSign's id of the transfer rule.")
    has_left = fields.Boolean(required=True, metadata={"description": "Whether they have left."})
    in_words = text("All of it in a sentence.")


class MembershipSchema(Schema):
    """What somebody has in one account."""

    account_id = text("DocuSign account id.")
    account = text("Its name.")
    status = fields.Enum(
        MembershipStatus,
        by_value=True,
        required=True,
        metadata={"description": "DocuSign's status of the membership."},
    )
    is_admin = fields.Boolean(
        required=True, metadata={"description": "Whether it administers the account."}
    )
    profile = fields.Nested(
        HeldSchema, required=True, allow_none=True, metadata={"description": "What it holds."}
    )
    groups = fields.List(
        fields.Nested(HeldSchema), required=True, metadata={"description": "Its custom groups."}
    )
    created_at = instant("When it began.", optional=True)
    closed_at = instant("When it was closed.", optional=True)
    leaving = fields.Nested(
        SuccessionSchema,
        required=True,
        allow_none=True,
        metadata={"description": "What becomes of their envelopes; null: no rule covers it."},
    )


class ExpectationSchema(Schema):
    """How the connector came to answer for somebody."""

    origin = fields.Enum(
        Origin,
        by_value=True,
        required=True,
        metadata={
            "description": "`provisioned` by a request, `adopted` by a person, `baseline`: was "
            "there first, `touched`: created in DocuSign, and requests have named them since."
        },
    )
    since = instant("Since when.", optional=True)
    in_words = text("In words.")


class WaitingSchema(Schema):
    """A change that waits for its turn, or for DocuSign."""

    plan_id = text("The plan.")
    summary = text("What it does, in a line.")
    state = fields.Enum(
        PlanState, by_value=True, required=True, metadata={"description": "Where it stands."}
    )


class UserDetailSchema(Schema):
    """Everything known of one user."""

    id = text("SCIM id, which is the DocuSign user id.")
    name = text("Full name.")
    email = text("Address.")
    deleted = fields.Boolean(
        required=True, metadata={"description": "Whether SCIM deleted the user."}
    )
    memberships = fields.List(fields.Nested(MembershipSchema), required=True)
    roles = fields.List(fields.Nested(HeldSchema), required=True)
    pending = fields.List(
        fields.Nested(WorkItemSchema), required=True, metadata={"description": "What waits."}
    )
    waiting = fields.List(
        fields.Nested(WaitingSchema),
        required=True,
        metadata={"description": "Changes that DocuSign has yet to hear of, and no person."},
    )
    others_on_address = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Ids of other users who have or had this address."},
    )
    read_at = instant("When DocuSign was last read for this user.", optional=True)
    expected = fields.Nested(
        ExpectationSchema,
        required=True,
        allow_none=True,
        metadata={"description": "How the connector answers for them; null: not compared yet."},
    )


class UserQuerySchema(PageArguments):
    """Which users; everything given has to hold."""

    q = fields.String(
        load_default="",
        validate=validate.Length(max=100),
        metadata={"description": "Beginnings of address or names, or a user id."},
    )
    state = fields.String(
        load_default=None,
        validate=validate.OneOf(tuple(_STATES)),
        metadata={"description": "As SCIM shows them."},
    )
    entitlement = fields.String(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "SCIM id of a profile or group that they hold."},
    )


@resource.route("")
@resource.arguments(UserQuerySchema, location="query")
@resource.response(200, page_of(UserSchema, "UserPage"))
def listed(query: Mapping[str, Any]) -> Page:
    """List users, or find some."""
    held = query["entitlement"]
    is_group = parse_scim_id(held).kind is IdKind.GROUP
    page = tenant().browser.users(
        UserQuery(
            query["q"],
            _STATES.get(query["state"] or ""),
            profile="" if is_group else held,
            group=held if is_group else "",
            after=number_of(query["cursor"]),
            limit=query["limit"],
        )
    )
    lines = [
        {
            "id": line.user_id,
            "name": line.name,
            "email": line.email,
            "active": line.active,
            "memberships": line.places,
            "roles": line.roles,
            "pending": line.pending,
        }
        for line in page.lines
    ]
    return Page(lines, to_cursor(page.next_after))


@resource.route("/<user_id>")
@resource.response(200, UserDetailSchema)
def show(user_id: str) -> Mapping[str, Any]:
    """Show a user with the provenance of everything held."""
    services = tenant()
    detail = services.browser.user(user_id.lower())
    successions = services.leavers.successions(detail.user.user_id)
    return user_data(detail, services.browser.labels(), successions)


@resource.route("/<user_id>/timeline")
@resource.arguments(PageArguments, location="query")
@resource.response(200, page_of(AuditEventSchema, "Timeline"))
def timeline(query: Mapping[str, Any], user_id: str) -> Page:
    """List what happened to a user, newest first, without each call to DocuSign. Changes of the
    members of groups are among it: of all the users of such a change, `user_ids` name this one, and
    `user_count` says how many there are. `GET /audit/events/{sequence}` has all, as `hash` binds
    them."""
    browser = tenant().browser
    known = browser.user(user_id.lower()).user.user_id
    page = browser.events(
        AuditFilter(people=(known,)),
        before=number_of(query["cursor"]),
        calls=False,
        limit=query["limit"],
    )
    return Page(
        [event_document(event, (known,)) for event in page.events], to_cursor(page.next_before)
    )
