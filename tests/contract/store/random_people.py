"""People and groups as filters may meet them: as the mirror has them, and as they are presented."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connector.domain.model import ORGANIZATION_ADMIN, Membership, MembershipStatus, User
from connector.ports import BASE_URL_MARK, USER
from connector.store.scim_sources import STANDARD_SCHEMAS, SchemaSet
from scim.datetimes import format_datetime
from scim.schemas import ENTERPRISE_USER
from scim.schemas import USER as USER_SCHEMA
from tests.contract.store import people

EXTENSIONS = (ENTERPRISE_USER, people.EXTENSION)
SCHEMAS = {
    **STANDARD_SCHEMAS,
    # As they are served: ids are compared as they are.
    USER: SchemaSet(
        USER_SCHEMA.with_attribute("groups.value", case_exact=True).with_attribute(
            "entitlements.value", case_exact=True
        ),
        EXTENSIONS,
    ),
}
TEXTS = (
    "",
    "a",
    "A",
    "ab",
    "Äb",
    "äB",
    "%",
    "_",
    "a%b",
    "a_b",
    "İx",
    'q"q',
    "b\\s",
    "\U0001d4b3",
    "Zz",
    "é",
)
TIMES = tuple(
    format_datetime(people.NOW + shift)
    for shift in (
        timedelta(),
        timedelta(milliseconds=1),
        timedelta(hours=-1),
        timedelta(days=400),
    )
)
ATTESTED_ROLE = "governance-admin"
"""Given by people alone; its name begins as the part of an id that says a DocuSign group."""
MANUAL_ROLE = f"role.{ATTESTED_ROLE}"
ACCOUNT_IDS = (people.ACCOUNT, people.OTHER_ACCOUNT)


def person(chance: random.Random, number: int) -> tuple[User, dict[str, Any]]:
    """Return a user as in the mirror, and as presented."""
    held = {
        account_id: Membership(
            account_id,
            chance.choice(
                [
                    MembershipStatus.ACTIVE,
                    MembershipStatus.ACTIVATION_SENT,
                    MembershipStatus.CLOSED,
                ]
            ),
            profile_id=chance.choice("12"),
            # Of group 4 nobody has heard yet.
            group_ids=frozenset(chance.sample("1234", chance.randrange(4))),
        )
        for account_id in chance.sample(ACCOUNT_IDS, chance.randrange(3))
    }
    user = people.user(
        number,
        email=f"{chance.choice(TEXTS)}{number}@x.com",
        user_name=chance.choice(TEXTS) or "n",
        memberships=held,
        is_organization_admin=chance.choice([True, False, None]),
    )
    return user, _document(chance, user)


def attested(user: User) -> list[str]:
    """Return the roles that people attested of a user."""
    return [ATTESTED_ROLE] if user.is_organization_admin is None else []


def _document(chance: random.Random, user: User) -> dict[str, Any]:
    held = {item.account_id: item for item in user.open_memberships()}
    document: dict[str, Any] = {
        "schemas": [USER_SCHEMA.id],
        "id": user.user_id,
        "userName": user.email,
        "active": chance.choice([True, False]),
        "emails": [{"value": user.email, "type": chance.choice(["work", "Home"]), "primary": True}],
        "groups": people.references(
            [
                *(f"{a}.g{g}" for a, item in held.items() for g in item.group_ids if g in "123"),
                *(f"role.{role}" for role in attested(user)),
            ]
        ),
        "entitlements": [
            {"value": f"{a}.{item.profile_id}", "type": "permissionProfile"}
            for a, item in held.items()
        ],
        "roles": [
            {"value": role}
            for role in ([ORGANIZATION_ADMIN] if user.is_organization_admin else attested(user))
        ],
        "meta": {
            "resourceType": "User",
            "created": chance.choice(TIMES),
            "lastModified": chance.choice(TIMES),
            "version": f'W/"{user.user_id}"',
        },
        people.EXTENSION.id: _extension(chance),
    }
    for name in ("displayName", "title", "nickName"):
        if chance.random() < 0.6:
            document[name] = chance.choice(TEXTS)
    if chance.random() < 0.7:
        document["name"] = {
            "givenName": chance.choice(TEXTS),
            "familyName": chance.choice(TEXTS),
        }
    if chance.random() < 0.6:
        document[ENTERPRISE_USER.id] = {
            "department": chance.choice(TEXTS),
            "manager": {"value": chance.choice(TEXTS)},
        }
    return document


def _extension(chance: random.Random) -> dict[str, Any]:
    data = {
        "tags": chance.sample(TEXTS, chance.randrange(3)),
        "codes": chance.sample(TEXTS, chance.randrange(3)),
        "joined": chance.choice(TIMES),
        "count": chance.randrange(-2, 3),
        "weight": chance.choice([-0.5, 0, 1.25]),
        "verified": chance.choice([True, False]),
        "memberships": [
            {
                "accountId": account_id,
                "status": chance.choice(["active", "Closed"]),
                "isAdmin": chance.choice([True, False]),
                "since": chance.choice(TIMES),
                "size": chance.randrange(3),
            }
            for account_id in chance.sample(ACCOUNT_IDS, chance.randrange(3))
        ],
    }
    return {key: value for key, value in data.items() if chance.random() < 0.7}


def group_documents(users: Sequence[User]) -> list[dict[str, Any]]:
    """Return the groups with those of *users* who are in them, as presented."""
    documents = []
    for account_id in ACCOUNT_IDS:
        for number in (1, 2, 3):
            members = [
                {
                    "value": user.user_id,
                    "display": user.user_name,
                    "type": "User",
                    "$ref": f"{BASE_URL_MARK}/Users/{user.user_id}",
                }
                for user in users
                for item in user.open_memberships()
                if item.account_id == account_id and str(number) in item.group_ids
            ]
            shown = people.group_document(people.group(number, account_id))
            documents.append({**shown, "members": members})
    return documents
