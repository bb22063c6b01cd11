"""The schemas and resource types that are served: what the connector keeps, and nothing more.

``docs/scim-attributes.md`` says where each value comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.ports import ENTITLEMENT, GROUP, ROLE, TOMBSTONE, USER
from connector.services.mirror.changes import TOMBSTONE_SCHEMA
from connector.services.mirror.presentation import (
    DOCUSIGN_ENTITLEMENT,
    DOCUSIGN_GROUP,
    DOCUSIGN_ROLE,
    DOCUSIGN_USER,
    MANUAL_ROLE,
    PERMISSION_PROFILE,
)
from scim import schemas as core
from scim.resources import ResourceType, with_writable_groups
from scim.schemas import Attribute, Schema


def _read_only(
    name: str, description: str, kind: str = "string", *, exact: bool = False, **more: object
) -> Attribute:
    return replace(
        Attribute(name, kind, description=description, mutability="readOnly", case_exact=exact),
        **more,  # type: ignore[arg-type]
    )


def _object(name: str, description: str, *parts: Attribute, many: bool = False) -> Attribute:
    return _read_only(name, description, "complex", sub_attributes=parts, multi_valued=many)


_PRIMARY = Attribute("primary", "boolean")
REASON = "reason"
"""Why a request asks for what it does: of that request alone, so it is never returned."""
_REASON = Attribute(
    REASON,
    description="Why it is asked for. People who decide on it or carry it out are shown this.",
    mutability="writeOnly",
    returned="never",
    max_length=20_000,  # shown to people, and cut for them; in no index
)

USER_SCHEMA = (
    core.USER.only(
        "userName",
        "name.formatted",
        "name.givenName",
        "name.middleName",
        "name.familyName",
        "name.honorificSuffix",
        "displayName",
        "title",
        "active",
        "emails.value",
        "emails.type",
        "emails.primary",
        "groups",
        "entitlements.value",
        "entitlements.display",
        "entitlements.type",
        "roles.value",
        "roles.display",
        "roles.type",
    )
    .with_attribute("active", clearable=False)
    .with_attribute("emails.type", canonical_values=("work",))
    .with_attribute("groups.value", case_exact=True)
    .with_attribute("groups.$ref", reference_types=("Group",))
    .with_attribute("groups.type", canonical_values=("direct",))
    .with_attribute("entitlements.value", case_exact=True)
    .with_attribute("entitlements.display", mutability="readOnly")
    .with_attribute("entitlements.type", canonical_values=(PERMISSION_PROFILE,))
    .with_attribute("roles.value", case_exact=True)
    .with_attribute("roles.display", mutability="readOnly")
    .with_attribute("roles.type", canonical_values=(MANUAL_ROLE,))
)
ENTERPRISE_SCHEMA = core.ENTERPRISE_USER.with_attribute(
    "manager.displayName", mutability="readWrite"
)
DOCUSIGN_USER_SCHEMA = Schema(
    DOCUSIGN_USER,
    "DocuSign User",
    "What DocuSign knows of a person, and what waits for people.",
    (
        _object(
            "memberships",
            "The places that the person has in accounts.",
            _read_only("account", "The id of the account.", exact=True),
            _read_only("accountName", "The name of the account."),
            _read_only(
                "status",
                "The state of the membership in DocuSign.",
                canonical_values=(
                    "active",
                    "activation_required",
                    "activation_sent",
                    "closed",
                    "disabled",
                ),
            ),
            _read_only("profile", "The id of the Entitlement that is held.", exact=True),
            _read_only("profileName", "The name of the permission profile."),
            _read_only("isAdmin", "Whether the person administers the account.", "boolean"),
            _read_only("createdAt", "When DocuSign created the membership.", "dateTime"),
            _read_only("closedAt", "When the membership was closed.", "dateTime"),
            many=True,
        ),
        _object(
            "organizationAdmin",
            "Whether DocuSign shows the person as organization administrator.",
            _read_only("value", "Whether it does.", "boolean"),
            _read_only("verifiedAt", "When that was read from DocuSign.", "dateTime"),
        ),
        _object(
            "pending",
            "What was asked for and waits for people or for DocuSign.",
            _read_only(
                "type",
                "What it waits as.",
                canonical_values=("manual_task", "approval", "queued_change"),
            ),
            _read_only("workItem", "The id of the approval or task.", exact=True),
            _read_only("entitlement", "The id of the Entitlement or Role.", exact=True),
            _read_only(
                "direction",
                "Whether access is given or taken.",
                canonical_values=("grant", "revoke"),
            ),
            _read_only("since", "When it was asked for.", "dateTime"),
            _read_only("due", "When a task is overdue or an approval expires.", "dateTime"),
            many=True,
        ),
        _object(
            "denied",
            "What approvers denied a short while ago.",
            _read_only("workItem", "The id of the approval.", exact=True),
            _read_only("entitlement", "The id of the Entitlement or Role.", exact=True),
            _read_only("reason", "Why, in the approver's words."),
            _read_only("at", "When it was denied.", "dateTime"),
            _read_only(
                "until",
                "Until when asking for it again without a new reason changes nothing.",
                "dateTime",
            ),
            many=True,
        ),
        _object(
            "consent",
            "Whether programs can act in DocuSign in the name of the person.",
            _read_only(
                "value",
                "What DocuSign said when it was asked.",
                canonical_values=("granted", "partial", "missing", "refused"),
            ),
            _read_only("cause", "Why it refused."),
            _read_only("since", "Since when it says so.", "dateTime"),
            _read_only(
                "claimedDomain", "Whether an administrator's consent covers the address.", "boolean"
            ),
        ),
        _read_only(
            "managedByDocuSignScim",
            "Whether DocuSign's own SCIM manages the person: then writes are refused here.",
            "boolean",
        ),
        _REASON,
    ),
)

GROUP_SCHEMA = (
    core.GROUP.with_attribute("members.value", case_exact=True)
    .with_attribute("members.$ref", reference_types=("User",))
    .with_attribute("members.type", canonical_values=("User",))
)
MEMBERS = next(item for item in GROUP_SCHEMA.attributes if item.name == "members")
DOCUSIGN_GROUP_SCHEMA = Schema(
    DOCUSIGN_GROUP,
    "DocuSign Group",
    "Where a group belongs in DocuSign.",
    (
        Attribute(
            "account",
            "complex",
            description="The account that the group belongs to.",
            mutability="immutable",
            sub_attributes=(
                Attribute(
                    "value",
                    description="The id of the account; when a group is created, also its name.",
                    case_exact=True,
                    mutability="immutable",
                ),
                _read_only("display", "The name of the account."),
            ),
        ),
        _read_only(
            "type",
            "What the group is in DocuSign.",
            canonical_values=("custom", "admin", "everyone", PERMISSION_PROFILE, MANUAL_ROLE),
        ),
        _REASON,
    ),
)

_MEANING = (
    _read_only(
        "risk",
        "How much harm holding it can do.",
        canonical_values=("low", "medium", "high", "critical"),
    ),
    _read_only("owner", "Who answers for it."),
    _read_only(
        "fulfilment",
        "Who gives it: the connector, after an approval, or a person.",
        canonical_values=("automatic", "approval", "manual"),
    ),
)
_CATALOGUE_ENTRY = ("value", "display", "type", "supported")
_DISPLAY_NAME = _read_only("displayName", "The name as shown to people.")

ENTITLEMENT_SCHEMA = (
    core.ENTITLEMENT.only(*_CATALOGUE_ENTRY)
    .with_attribute("value", case_exact=True)
    .plus(_DISPLAY_NAME)
)
DOCUSIGN_ENTITLEMENT_SCHEMA = Schema(
    DOCUSIGN_ENTITLEMENT,
    "DocuSign Entitlement",
    "What a permission profile means.",
    (
        _object(
            "account",
            "The account in which it is held.",
            _read_only("value", "The id of the account.", exact=True),
            _read_only("display", "The name of the account."),
        ),
        _read_only("isAdmin", "Whether holders administer the account.", "boolean"),
        *_MEANING,
    ),
)
ROLE_SCHEMA = (
    core.ROLE.only(*_CATALOGUE_ENTRY)
    .with_attribute("value", case_exact=True)
    .plus(_DISPLAY_NAME, _read_only("description", "What holders can do."))
)
DOCUSIGN_ROLE_SCHEMA = Schema(
    DOCUSIGN_ROLE,
    "DocuSign Role",
    "What a role means and how its holders are verified.",
    (
        *_MEANING,
        _read_only(
            "verification",
            "How it is checked that it was given.",
            canonical_values=("organization_admin", "attestation"),
        ),
    ),
)

USERS = ResourceType(
    USER, "/Users", USER_SCHEMA, (ENTERPRISE_SCHEMA, DOCUSIGN_USER_SCHEMA), "People in DocuSign"
)
GROUPS = ResourceType(
    GROUP, "/Groups", GROUP_SCHEMA, (DOCUSIGN_GROUP_SCHEMA,), "Groups of DocuSign accounts"
)
ENTITLEMENTS = ResourceType(
    ENTITLEMENT,
    "/Entitlements",
    ENTITLEMENT_SCHEMA,
    (DOCUSIGN_ENTITLEMENT_SCHEMA,),
    "Permission profiles that a user can be given",
)
ROLES = ResourceType(
    ROLE, "/Roles", ROLE_SCHEMA, (DOCUSIGN_ROLE_SCHEMA,), "Roles that people grant on request"
)
TOMBSTONES = ResourceType(
    TOMBSTONE,
    "/Tombstones",
    Schema(
        TOMBSTONE_SCHEMA,
        "Tombstone",
        "Tells that a resource is gone since meta.lastModified.",
        (
            _read_only("resourceId", "The id that the resource had.", exact=True),
            _read_only("resourceType", "The name of its type.", exact=True),
        ),
    ),
    (),
    "Resources that are gone, for clients that read what changed",
)
ATTRIBUTE_SCHEMAS: Mapping[str, ResourceType] = {
    item.name: item for item in (USERS, GROUPS, ENTITLEMENTS, ROLES, TOMBSTONES)
}
"""By kind, what filters may name."""

PATCHED_USER_SCHEMA = replace(
    USER_SCHEMA,
    attributes=tuple(
        replace(
            item,
            sub_attributes=(*item.sub_attributes, _PRIMARY),
            sole_is_primary=item.name == "roles",
        )
        if item.name in ("entitlements", "roles")
        else item
        for item in USER_SCHEMA.attributes
    ),
)
"""Understood in a PATCH: Entra ID gives a person one app role, and takes it or puts another in its
place by ``roles[primary eq "True"]``. It is not kept, so it is not advertised; but passed over, a
revocation would be lost without a word. Added, a role stands beside what somebody else gave."""

USER_SCHEMA_FOR_PATCH = {
    False: PATCHED_USER_SCHEMA,
    True: with_writable_groups(PATCHED_USER_SCHEMA),
}
"""By ``allow_group_writes_via_user``."""
