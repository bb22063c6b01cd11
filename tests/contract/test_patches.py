"""PATCH requests of a grammar, sent to a whole connector on both databases, do what a slow oracle
says; what is refused changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import databases
from tests.connector import ENTERPRISE, ManualClock, connected, ok, refused
from tests.simulated import simulated
from tests.unit.scim import patch_oracle as oracle

CASES = 100
"""Requests drawn for each test and each database."""
KEPT = ("title", "externalId", "name", ENTERPRISE)
"""What a PATCH of the grammar can change."""
PEOPLE = [f"person{number}@northwind-freight.example" for number in range(4)]
UNHURRIED = settings(
    max_examples=CASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def connector(request, tmp_path_factory):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    if request.param == "sqlite":
        path = tmp_path_factory.mktemp("patches") / "connector.db"
        started = connected(path, world=world, clock=clock)
        yield started
        started.close()
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "patches") as found:
        started = connected(found, world=world, clock=clock)
        yield started
        started.close()


@pytest.fixture(scope="module")
def people(connector):
    return [connector.create(address)["id"] for address in PEOPLE]


@pytest.fixture(scope="module")
def group(connector):
    return f"/Groups/{ok(connector.post('/Groups', {'displayName': 'Patched'}), 201)['id']}"


def sent(connector, path, operations):
    """Send a PATCH in an hour of its own, so that no limit is met."""
    connector.world.limits.next_hour()
    connector.clock.advance(3700)
    return connector.patch(path, *[one.sent for one in operations])


def shown(document):
    parts = {name: document[name] for name in KEPT if name in document}
    name = {k: v for k, v in parts.pop("name", {}).items() if k in ("givenName", "familyName")}
    return {**parts, **({"name": name} if name else {})}


@UNHURRIED
@given(operations=oracle.operations_on_a_person())
def test_a_person_becomes_what_the_oracle_says(connector, people, operations):
    path = f"/Users/{people[0]}"
    before = connector.user(people[0])
    try:
        expected = oracle.expected(shown(before), operations)
    except oracle.RefusedError as refusal:
        refused(sent(connector, path, operations), 400, refusal.args[0])
        assert connector.user(people[0]) == before
        return
    answer = ok(sent(connector, path, operations))
    if "name" not in expected and "name" in shown(before):
        # Nobody is without a name in DocuSign: whoever takes all of it away leaves what there was.
        expected = {**expected, "name": shown(answer).get("name")}
        assert expected["name"] in (shown(before)["name"], None)
        expected = {key: value for key, value in expected.items() if value is not None}
    assert shown(answer) == expected
    assert connector.user(people[0]) == answer


@UNHURRIED
@given(data=st.data())
def test_members_become_what_the_oracle_says(connector, people, group, data):
    operations = data.draw(oracle.operations_on_members(people))
    before = ok(connector.get(group))
    members = {one["value"] for one in before.get("members", ())}
    try:
        expected = oracle.expected_members(members, operations, people)
    except oracle.RefusedError as refusal:
        refused(sent(connector, group, operations), 400, refusal.args[0])
        assert ok(connector.get(group)) == before
        return
    answer = ok(sent(connector, group, operations))
    assert {one["value"] for one in answer.get("members", ())} == expected
    assert connector.group_members(group.removeprefix("/Groups/")) == expected
    if expected == members:
        assert answer["meta"] == before["meta"]
