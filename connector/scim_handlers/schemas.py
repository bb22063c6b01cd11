"""The schemas and resource types that are served: what the connector keeps, and nothing more.

``docs/scim-attributes.md`` says where each value comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from connector.ports import ENTITLEMENT, GROUP, ROLE, TOMBSTONE, USER
from connector.services.changes import TOMBSTONE_SCHEMA
from connector.services.presentation import (
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
    name: str, kind: str = "string", *, exact: bool = False, **more: object
) -> Attribute:
    return replace(
        Attribute(name, kind, mutability="readOnly", case_exact=exact),
        **more,  # type: ignore[arg-type]
    )


def _object(name: str, *parts: Attribute, many: bool = False) -> Attribute:
    return _read_only(name, "complex", sub_attributes=parts, multi_valued=many)


def _reference_to(name: str) -> Attribute:
    return _object(name, _read_only("value", exact=True), _read_only("display"))


_PRIMARY = Attribute("primary", "boolean")
REASON = "reason"
"""Why a request asks for what it does: of that request alone, so it is never returned."""
_REASON = Attribute(
    REASON,
    description="Why it is asked for. People who decide on it or carry it out are shown this.",
    mutability="writeOnly",
    returned="never",
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
            _read_only("account", exact=True),
            _read_only("accountName"),
            _read_only(
                "status",
                canonical_values=(
                    "active",
                    "activation_required",
                    "activation_sent",
                    "closed",
                    "disabled",
                ),
            ),
            _read_only("profile", exact=True),
            _read_only("profileName"),
            _read_only("isAdmin", "boolean"),
            _read_only("createdAt", "dateTime"),
            _read_only("closedAt", "dateTime"),
            many=True,
        ),
        _object(
            "organizationAdmin",
            _read_only("value", "boolean"),
            _read_only("verifiedAt", "dateTime"),
        ),
        _object(
            "pending",
            _read_only("type", canonical_values=("manual_task", "approval", "queued_change")),
            _read_only("workItem", exact=True),
            _read_only("entitlement", exact=True),
            _read_only("direction", canonical_values=("grant", "revoke")),
            _read_only("since", "dateTime"),
            _read_only("due", "dateTime"),
            many=True,
        ),
        _object(
            "consent",
            _read_only("value", canonical_values=("granted", "partial", "missing", "refused")),
            _read_only("cause"),
            _read_only("since", "dateTime"),
            _read_only("claimedDomain", "boolean"),
        ),
        _read_only("managedByDocuSignScim", "boolean"),
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
            mutability="immutable",
            sub_attributes=(
                Attribute("value", case_exact=True, mutability="immutable"),
                _read_only("display"),
            ),
        ),
        _read_only(
            "type",
            canonical_values=("custom", "admin", "everyone", PERMISSION_PROFILE, MANUAL_ROLE),
        ),
        _REASON,
    ),
)

_MEANING = (
    _read_only("risk", canonical_values=("low", "medium", "high", "critical")),
    _read_only("owner"),
    _read_only("fulfilment", canonical_values=("automatic", "approval", "manual")),
)
_CATALOGUE_ENTRY = ("value", "display", "type", "supported")
_DISPLAY_NAME = _read_only("displayName")

ENTITLEMENT_SCHEMA = (
    core.ENTITLEMENT.only(*_CATALOGUE_ENTRY)
    .with_attribute("value", case_exact=True)
    .plus(_DISPLAY_NAME)
)
DOCUSIGN_ENTITLEMENT_SCHEMA = Schema(
    DOCUSIGN_ENTITLEMENT,
    "DocuSign Entitlement",
    "What a permission profile means.",
    (_reference_to("account"), _read_only("isAdmin", "boolean"), *_MEANING),
)
ROLE_SCHEMA = (
    core.ROLE.only(*_CATALOGUE_ENTRY)
    .with_attribute("value", case_exact=True)
    .plus(_DISPLAY_NAME, _read_only("description"))
)
DOCUSIGN_ROLE_SCHEMA = Schema(
    DOCUSIGN_ROLE,
    "DocuSign Role",
    "What a role means and how its holders are verified.",
    (
        *_MEANING,
        _read_only("verification", canonical_values=("organization_admin", "attestation")),
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
        (_read_only("resourceId", exact=True), _read_only("resourceType", exact=True)),
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
        replace(item, sub_attributes=(*item.sub_attributes, _PRIMARY))
        if item.name in ("entitlements", "roles")
        else item
        for item in USER_SCHEMA.attributes
    ),
)
"""Understood in a PATCH: Entra ID selects ``roles[primary eq "True"]``. It is not kept, so it is
not advertised."""

USER_SCHEMA_FOR_PATCH = {
    False: PATCHED_USER_SCHEMA,
    True: with_writable_groups(PATCHED_USER_SCHEMA),
}
"""By ``allow_group_writes_via_user``."""
