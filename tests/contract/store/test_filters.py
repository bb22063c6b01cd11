"""Compiled filters find what :func:`scim.evaluate.matches` finds, on both databases."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from connector.domain.ledger.plans import ROLES_KEY
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import ORGANIZATION_ADMIN
from connector.errors import InvalidFilterError
from connector.ports import GROUP, USER, ResourceQuery
from connector.settings import DatabaseSettings
from connector.store import SqlStore, open_database
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
from tests.contract.store import people
from tests.contract.store.random_filters import filters
from tests.contract.store.random_people import (
    ACCOUNT_IDS,
    ATTESTED_ROLE,
    MANUAL_ROLE,
    SCHEMAS,
    TEXTS,
    attested,
    group_documents,
    person,
)

SCOPE = "identityiq"


class World:
    """A filled store, and the same resources as the oracle wants them."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        chance = random.Random(7)
        people_ = [person(chance, number) for number in range(60)]
        external = {user.user_id: chance.choice(TEXTS) for user, _ in people_[::2]}
        self.documents: Mapping[str, Sequence[dict[str, Any]]] = {
            USER: [
                {**document, "externalId": external.get(user.user_id, "")}
                for user, document in people_
            ],
            GROUP: group_documents([user for user, _ in people_]),
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
            for user, _ in people_:
                value = external.get(user.user_id)
                ids, kept = {SCOPE: value} if value else {}, {ROLES_KEY: attested(user)}
                unit.attributes.put(ClientAttributes(USER, user.user_id, ids, kept))
            unit.commit()

    def found(self, kind: str, filter_: Filter) -> set[str] | str:
        """Return the ids that the store finds."""
        query = ResourceQuery(kind, filter_, count=1000, external_id_scope=SCOPE)
        try:
            with self.store.read("default") as unit:
                return {item.scim_id for item in unit.resources.search(query).resources}
        except InvalidFilterError:
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


@pytest.fixture(scope="module")
def world(module_database: DatabaseSettings) -> Iterator[World]:
    """The data in one database."""
    store = open_database(module_database, SCHEMAS)
    store.migrate()
    yield World(store)
    store.close()


def _eq(attribute: str, value: Any, sub: str | None = None) -> Comparison:
    return Comparison(AttributePath(attribute, sub), Operator.EQ, value)


def _contains(attribute: str, part: str, sub: str | None = None) -> Comparison:
    return Comparison(AttributePath(attribute, sub), Operator.CO, part)


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filter_=filters(USER))
@example(_eq("groups", people.in_group(1)))
@example(_eq("entitlements", f"{people.ACCOUNT}.1", "value"))
@example(_eq("externalId", "ab"))
@example(Not(_eq("externalId", "ab")))
@example(_eq("roles", ORGANIZATION_ADMIN, "value"))
@example(_eq("emails", "A3@X.COM", "value"))
@example(Not(_eq("groups", people.in_group(1), "value")))
@example(And(_eq("entitlements", f"{people.ACCOUNT}.1"), _eq("groups", people.in_group(2))))
@example(ValuePath(AttributePath("entitlements"), _eq("value", f"{people.ACCOUNT}.2")))
@example(ValuePath(AttributePath("groups"), _eq("VALUE", people.in_group(3))))
@example(_eq("groups", people.in_group(4)))
@example(_eq("groups", people.in_group(1).upper()))
@example(_eq("entitlements", people.in_group(1)))
@example(_eq("groups", f"role.{ORGANIZATION_ADMIN}"))
@example(_eq("groups", MANUAL_ROLE))
@example(_eq("roles", ATTESTED_ROLE))
@example(_eq("roles", ATTESTED_ROLE.upper()))
@example(Not(_eq("groups", MANUAL_ROLE, "value")))
@example(Or(_eq("active", True), _eq("entitlements", f"{people.OTHER_ACCOUNT}.1", "value")))
@example(Or(_contains("groups", "G1", "display"), _contains("GROUPS", "g2", "display")))
@example(Not(Or(_contains("emails", "a"), Or(_contains("emails", "e"), _eq("active", True)))))
@example(Or(_contains("emails", "3@"), _contains("emails", "home", "type")))
@example(Present(AttributePath("User", None, "urn:ietf:params:scim:schemas:extension:x:2.0")))
def test_users_found_are_those_that_match(world: World, filter_: Filter) -> None:
    assert world.found(USER, filter_) == world.expected(USER, filter_)


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(filter_=filters(GROUP))
@example(_eq("members", "user-00003"))
@example(_eq("members", "user-00003", "value"))
@example(Present(AttributePath("members")))
@example(_eq("members", None))
@example(Or(_contains("members", "B", "display"), _contains("members", "ä", "display")))
@example(Or(_contains("members", "q", "display"), Not(_contains("members", "a", "display"))))
def test_groups_found_are_those_that_match(world: World, filter_: Filter) -> None:
    assert world.found(GROUP, filter_) == world.expected(GROUP, filter_)


@pytest.mark.parametrize("value", ["a\x00b", "\ud800"])
def test_text_that_no_database_holds_is_an_invalid_filter(world: World, value: str) -> None:
    for name in ("title", "id", "userName", "externalId", "entitlements", "groups"):
        assert world.found(USER, _eq(name, value)) == "invalid"
    assert world.found(USER, Comparison(AttributePath("id"), Operator.SW, value)) == "invalid"
