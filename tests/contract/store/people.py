"""Users, groups and their documents for the tests of the store."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.model import (
    DirectoryGroup,
    Membership,
    MembershipStatus,
    User,
    fold,
    group_scim_id,
)
from connector.ports import GROUP, USER, ResourceRow
from scim.datetimes import format_datetime
from scim.schemas import Attribute, Schema

NOW = datetime(2026, 11, 23, 8, 15, 30, 123000, tzinfo=UTC)
ACCOUNT = "11111111-0000-4000-8000-000000000001"
OTHER_ACCOUNT = "11111111-0000-4000-8000-000000000002"

EXTENSION = Schema(
    id="urn:example:params:scim:schemas:extension:test:2.0:User",
    name="Test",
    description="Attributes of every type.",
    attributes=(
        Attribute("tags", multi_valued=True),
        Attribute("codes", multi_valued=True, case_exact=True),
        Attribute("joined", type="dateTime"),
        Attribute("count", type="integer"),
        Attribute("weight", type="decimal"),
        Attribute("verified", type="boolean"),
        Attribute(
            "memberships",
            type="complex",
            multi_valued=True,
            sub_attributes=(
                Attribute("accountId", case_exact=True),
                Attribute("status"),
                Attribute("isAdmin", type="boolean"),
                Attribute("since", type="dateTime"),
                Attribute("size", type="integer"),
            ),
        ),
    ),
)


def user(number: int, **changes: Any) -> User:
    """Return an active user of ``ACCOUNT`` with profile 1 and no groups."""
    made = User(
        user_id=f"user-{number:05d}",
        email=f"Person{number}@Example.com",
        user_name=f"Person {number}",
        memberships={ACCOUNT: Membership(ACCOUNT, MembershipStatus.ACTIVE, profile_id="1")},
        created_at=NOW,
    )
    return replace(made, **changes)


def member(account_id: str = ACCOUNT, *group_ids: str, **changes: Any) -> Mapping[str, Membership]:
    """Return memberships with one account and these groups."""
    made = Membership(
        account_id, MembershipStatus.ACTIVE, profile_id="1", group_ids=frozenset(group_ids)
    )
    return {account_id: replace(made, **changes)}


def group(number: int, account_id: str = ACCOUNT) -> DirectoryGroup:
    """Return a DocuSign group."""
    return DirectoryGroup(account_id, str(number), f"Group {number}")


def user_row(document: Mapping[str, Any], **changes: Any) -> ResourceRow:
    """Return the row of a rendered user."""
    name = document.get("name", {})
    meta = document.get("meta", {})
    row = ResourceRow(
        kind=USER,
        scim_id=document["id"],
        document=json.dumps(document, ensure_ascii=False),
        version=meta.get("version", 'W/"1"'),
        created_at=_moment(meta.get("created")),
        last_modified_at=_moment(meta.get("lastModified")),
        name_key=fold(document["userName"]),
        display_key=fold(document.get("displayName", "")),
        given_key=fold(name.get("givenName", "")),
        family_key=fold(name.get("familyName", "")),
        active=document.get("active", True),
    )
    return replace(row, **changes)


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else NOW


def plain_row(number: int, **changes: Any) -> ResourceRow:
    """Return the row of :func:`user`."""
    return user_row(
        {
            "id": f"user-{number:05d}",
            "userName": f"Person{number}@Example.com",
            "active": True,
            "meta": {
                "resourceType": "User",
                "created": format_datetime(NOW + timedelta(seconds=number)),
                "lastModified": format_datetime(NOW + timedelta(seconds=number)),
            },
        },
        **changes,
    )


def group_row(directory_group: DirectoryGroup) -> ResourceRow:
    """Return the row of a rendered group, without members."""
    document = group_document(directory_group)
    return ResourceRow(
        kind=GROUP,
        scim_id=directory_group.scim_id,
        document=json.dumps(document),
        version='W/"1"',
        created_at=NOW,
        last_modified_at=NOW,
        name_key=fold(directory_group.name),
    )


def group_document(directory_group: DirectoryGroup) -> dict[str, Any]:
    """Return a rendered group, without members."""
    at = format_datetime(NOW)
    return {
        "id": directory_group.scim_id,
        "displayName": directory_group.name,
        "meta": {"resourceType": "Group", "created": at, "lastModified": at},
    }


def references(scim_ids: Sequence[str]) -> list[dict[str, str]]:
    """Return the elements of ``groups`` for these SCIM ids."""
    return [{"value": scim_id, "display": scim_id.upper()} for scim_id in scim_ids]


def in_group(number: int, account_id: str = ACCOUNT) -> str:
    """Return the SCIM id of :func:`group`."""
    return group_scim_id(account_id, str(number))
