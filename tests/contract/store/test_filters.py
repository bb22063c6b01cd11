"""Compiled filters find what :func:`scim.evaluate.matches` finds, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector.domain.ledger import ClientAttributes
from connector.domain.model import ORGANIZATION_ADMIN, Membership, MembershipStatus, User
from connector.ports import BASE_URL_MARK, GROUP, USER, ResourceQuery
from connector.store import SqlStore, open_database
from connector.store.scim_sources import STANDARD_SCHEMAS, SchemaSet
from scim.datetimes import format_datetime
from scim.errors import InvalidFilter
from scim.evaluate import matches
from scim.filters import (
    And,
    AttributePath,
    Comparison,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    ValuePath,
)
from scim.schemas import ENTERPRISE_USER, Attribute
from scim.schemas import USER as USER_SCHEMA
from tests import databases
from tests.contract.store import people

EXTENSIONS = (ENTERPRISE_USER, people.EXTENSION)
SCHEMAS = {
    **STANDARD_SCHEMAS,
    USER: SchemaSet(USER_SCHEMA, EXTENSIONS),
}
SCOPE = "identityiq"
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
ACCOUNT_IDS = (people.ACCOUNT, people.OTHER_ACCOUNT)


# ------------------------------------------------------------------------------------- the data


def _person(chance: random.Random, number: int) -> tuple[User, dict[str, Any]]:
    """Return a user as in the mirror, and as presented."""
    held = {
        account_id: Membership(
            account_id,
            chance.choice([MembershipStatus.ACTIVE, MembershipStatus.ACTIVATION_SENT]),
            profile_id=chance.choice("12"),
            group_ids=frozenset(chance.sample("123", chance.randrange(3))),
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


def _document(chance: random.Random, user: User) -> dict[str, Any]:
    document: dict[str, Any] = {
        "schemas": [USER_SCHEMA.id],
        "id": user.user_id,
        "userName": user.email,
        "active": chance.choice([True, False]),
        "emails": [{"value": user.email, "type": chance.choice(["work", "Home"]), "primary": True}],
        "groups": people.references(
            [f"{a}.g{g}" for a, item in user.memberships.items() for g in item.group_ids]
        ),
        "entitlements": [
            {"value": f"{a}.{item.profile_id}", "type": "permissionProfile"}
            for a, item in user.memberships.items()
        ],
        "roles": [{"value": ORGANIZATION_ADMIN}] if user.is_organization_admin else [],
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


class World:
    """A filled store, and the same resources as the oracle wants them."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        chance = random.Random(7)
        people_ = [_person(chance, number) for number in range(60)]
        external = {user.user_id: chance.choice(TEXTS) for user, _ in people_[::2]}
        self.documents: Mapping[str, Sequence[dict[str, Any]]] = {
            USER: [
                {**document, "externalId": external.get(user.user_id, "")}
                for user, document in people_
            ],
            GROUP: _group_documents([user for user, _ in people_]),
        }
        with store.write("default") as unit:
            for account_id in ACCOUNT_IDS:
                unit.mirror.put_groups(
                    account_id, [people.group(number, account_id) for number in (1, 2, 3)]
                )
            unit.mirror.put_users([user for user, _ in people_], people.NOW)
            unit.resources.put([people.user_row(document) for _, document in people_])
            unit.resources.put(
                [
                    people.group_row(people.group(number, account_id))
                    for account_id in ACCOUNT_IDS
                    for number in (1, 2, 3)
                ]
            )
            for user_id, value in external.items():
                if value:
                    unit.attributes.put(ClientAttributes(USER, user_id, {SCOPE: value}))
            unit.commit()

    def found(self, kind: str, filter_: Filter) -> set[str] | str:
        """Return the ids that the store finds."""
        query = ResourceQuery(kind, filter_, count=1000, external_id_scope=SCOPE)
        try:
            with self.store.read("default") as unit:
                return {item.scim_id for item in unit.resources.search(query).resources}
        except InvalidFilter:
            return "invalid"

    def expected(self, kind: str, filter_: Filter) -> set[str] | str:
        """Return the ids that the oracle finds."""
        schemas = SCHEMAS[kind]
        try:
            return {
                document["id"]
                for document in self.documents[kind]
                if matches(filter_, document, schemas.schema, schemas.extensions)
            }
        except InvalidFilter:
            return "invalid"


def _group_documents(users: Sequence[User]) -> list[dict[str, Any]]:
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
                if str(number)
                in user.memberships.get(
                    account_id, Membership(account_id, MembershipStatus.CLOSED)
                ).group_ids
            ]
            shown = people.group_document(people.group(number, account_id))
            documents.append({**shown, "members": members})
    return documents


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """The data in one database."""
    if request.param == "sqlite":
        path: Path = tmp_path_factory.mktemp("filters") / "filters.db"
        store = open_database(databases.sqlite_settings(path), SCHEMAS)
        store.migrate()
        yield World(store)
        store.close()
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "filters") as settings_:
        store = open_database(settings_, SCHEMAS)
        store.migrate()
        yield World(store)
        store.close()


# ------------------------------------------------------------------------------------- the filters

_LITERALS: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from(TEXTS) | st.sampled_from(["work", "closed", "ACTIVE", "b"]),
    "reference": st.sampled_from(TEXTS),
    "binary": st.sampled_from(TEXTS),
    "boolean": st.booleans() | st.sampled_from(["True", "false"]),
    "integer": st.integers(-3, 3) | st.just(2**70),
    "decimal": st.sampled_from([Decimal("1.25"), Decimal("-0.5"), 0, 1]),
    "dateTime": st.sampled_from(TIMES)
    | st.sampled_from(
        [
            "2026-11-23T09:15:30.123+01:00",
            "2026-11-23T08:15:30.1234Z",
            "2026-11-23T24:15:30Z",
            "2026-11-23T08:15",
            "nonsense",
        ]
    ),
}
_KNOWN_VALUES = st.sampled_from(
    [
        people.in_group(1),
        people.in_group(2, people.OTHER_ACCOUNT),
        f"{people.ACCOUNT}.1",
        f"{people.OTHER_ACCOUNT}.2",
        ORGANIZATION_ADMIN,
        people.ACCOUNT,
        "user-00003",
        "3@x.com",
        "A7@X.com",
        'W/"user-00005"',
    ]
)
_MOSTLY_RIGHT: Mapping[str, Sequence[Operator]] = {
    "string": list(Operator),
    "reference": list(Operator),
    "binary": list(Operator),
    "boolean": [Operator.EQ, Operator.NE],
    "integer": [o for o in Operator if o not in (Operator.CO, Operator.SW, Operator.EW)],
    "decimal": [o for o in Operator if o not in (Operator.CO, Operator.SW, Operator.EW)],
    "dateTime": list(Operator),
    "complex": list(Operator),
}


def _comparisons(paths: Sequence[tuple[AttributePath, Attribute]]) -> st.SearchStrategy[Filter]:
    @st.composite
    def comparison(draw: st.DrawFn) -> Filter:
        path, attribute = paths[draw(st.integers(0, len(paths) - 1))]
        kind = draw(st.integers(0, 9))
        if kind == 0:
            return Present(path)
        if kind == 1:
            return Comparison(path, draw(st.sampled_from([Operator.EQ, Operator.NE])), None)
        literals = _LITERALS.get(attribute.type, st.sampled_from(TEXTS))
        if attribute.type in ("string", "complex", "reference"):
            literals |= _KNOWN_VALUES
        operator = draw(st.sampled_from(_MOSTLY_RIGHT[attribute.type]))
        return Comparison(path, operator, draw(literals))

    return comparison()


def _paths(kind: str) -> list[tuple[AttributePath, Attribute]]:
    schemas = SCHEMAS[kind]
    found = [
        (AttributePath("id"), Attribute("id")),
        (AttributePath("externalId"), Attribute("externalId")),
        (AttributePath("meta", "created"), Attribute("created", "dateTime")),
        (AttributePath("META", "lastmodified"), Attribute("lastModified", "dateTime")),
        (AttributePath("meta", "resourceType"), Attribute("resourceType")),
        (AttributePath("noSuchThing"), Attribute("noSuchThing")),
    ]
    for schema in (schemas.schema, *schemas.extensions):
        urn = None if schema is schemas.schema else schema.id
        for attribute in schema.attributes:
            if attribute.name in ("photos", "ims", "addresses", "x509Certificates", "phoneNumbers"):
                continue
            found.append((AttributePath(attribute.name, None, urn), attribute))
            found += [
                (AttributePath(attribute.name, sub.name.upper(), urn), sub)
                for sub in attribute.sub_attributes
            ]
    return found


def _value_paths(kind: str) -> st.SearchStrategy[Filter]:
    schemas = SCHEMAS[kind]
    choices: list[st.SearchStrategy[Filter]] = []
    for schema in (schemas.schema, *schemas.extensions):
        urn = None if schema is schemas.schema else schema.id
        for attribute in schema.attributes:
            if not attribute.multi_valued or not attribute.is_complex:
                continue
            subs = [(AttributePath(sub.name), sub) for sub in attribute.sub_attributes]
            inner = _combined(_comparisons(subs), 3)
            path = AttributePath(attribute.name, None, urn)
            choices.append(st.builds(ValuePath, st.just(path), inner))
    return st.one_of(choices)


def _combined(leaves: st.SearchStrategy[Filter], size: int) -> st.SearchStrategy[Filter]:
    return st.recursive(
        leaves,
        lambda inner: st.builds(And, inner, inner) | st.builds(Or, inner, inner) | inner.map(Not),
        max_leaves=size,
    )


def _filters(kind: str) -> st.SearchStrategy[Filter]:
    return _combined(_comparisons(_paths(kind)) | _value_paths(kind), 4)


def _eq(attribute: str, value: Any, sub: str | None = None) -> Comparison:
    return Comparison(AttributePath(attribute, sub), Operator.EQ, value)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(filter_=_filters(USER))
@example(_eq("groups", people.in_group(1)))
@example(_eq("entitlements", f"{people.ACCOUNT}.1", "value"))
@example(_eq("externalId", "ab"))
@example(Not(_eq("externalId", "ab")))
@example(_eq("roles", ORGANIZATION_ADMIN, "value"))
@example(_eq("emails", "A3@X.COM", "value"))
@example(Not(_eq("groups", people.in_group(1), "value")))
@example(Present(AttributePath("User", None, "urn:ietf:params:scim:schemas:extension:x:2.0")))
def test_users_found_are_those_that_match(world: World, filter_: Filter) -> None:
    assert world.found(USER, filter_) == world.expected(USER, filter_)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(filter_=_filters(GROUP))
@example(_eq("members", "user-00003"))
@example(_eq("members", "user-00003", "value"))
@example(Present(AttributePath("members")))
@example(_eq("members", None))
def test_groups_found_are_those_that_match(world: World, filter_: Filter) -> None:
    assert world.found(GROUP, filter_) == world.expected(GROUP, filter_)


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_text_that_no_database_holds_is_an_invalid_filter(world: World, value: str) -> None:
    for name in ("title", "id", "userName", "externalId"):
        assert world.found(USER, _eq(name, value)) == "invalid"
    assert world.found(USER, Comparison(AttributePath("id"), Operator.SW, value)) == "invalid"
