"""What a change or a read costs does not grow with the number of users: SQLite looks rows up."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from sqlalchemy import event, text

from connector.services.browsing.views import UserQuery
from tests.connector import ORGANIZATION_ADMIN, Connector, connected, ok
from tests.simulated import simulated

TOLD = text("SELECT tbl, idx FROM sqlite_stat1 WHERE idx IS NOT NULL")
ADDRESS = "plan@northwind-freight.example"
GROWING = {
    *("users", "memberships", "group_members", "resources", "external_ids", "client_attributes"),
    *("plans", "operations", "work_items", "work_item_events", "provenance", "notifications"),
    *("audit_events", "audit_details", "audit_actors", "audit_people"),
    *("expectations", "findings"),
}
"""Tables with a row for each user, or for whatever ever happened."""
SMALL = "ix_users_organization_admin"
"""An index that has the administrators of the organization alone."""


@pytest.fixture
def connector(tmp_path) -> Iterator[Connector]:
    made = connected(tmp_path / "connector.db", world=simulated(20))
    yield made
    made.close()


@pytest.fixture
def plans(connector: Connector) -> dict[str, list[str]]:
    """How SQLite carries out each statement that is sent from now on."""
    found: dict[str, list[str]] = {}

    def explain(connection, cursor, statement, parameters, _context, many):
        if statement in found or not statement.startswith(("SELECT", "UPDATE", "DELETE")):
            return
        values = parameters[0] if many else parameters
        driver = connection.connection.driver_connection
        rows = driver.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        found[statement] = [row[3] for row in rows]

    event.listen(connector.application.store.database.engine, "before_cursor_execute", explain)
    return found


def walked(plans: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return the steps that go through all rows of a growing table, with their statements."""
    return [
        (step, statement)
        for statement, steps in plans.items()
        for step in steps
        if step.split()[1] in GROWING
        and (step.startswith("SCAN") or step.endswith("(tenant=?)"))
        and SMALL not in step
    ]


def test_no_write_and_no_read_of_one_walks_a_whole_table(connector, plans):
    group, profile = connector.group(), connector.entitlement()
    roles = [{"value": ORGANIZATION_ADMIN}]
    user = connector.create(ADDRESS, externalId="x-1", entitlements=[{"value": profile}])
    path = f"/Users/{user['id']}"
    ok(connector.patch(path, {"op": "add", "path": "roles", "value": roles}))
    member = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    assert connector.patch(f"/Groups/{group}", member).status_code in (200, 204)
    for active in (False, True):
        ok(connector.patch(path, {"op": "replace", "path": "active", "value": active}))
    body = {**ok(connector.get(path)), "userName": f"new-{ADDRESS}"}
    ok(connector.put(path, body))
    for question in ("userName eq", "externalId eq"):
        ok(connector.get(f'/Users?filter={question} "x-1"'))
    assert connector.delete(path).status_code == 204
    assert len(plans) > 50
    assert walked(plans) == []


@pytest.mark.parametrize(
    "question",
    [
        'entitlements.value eq "{entitlement}"',
        'entitlements eq "{entitlement}"',
        'entitlements[value eq "{entitlement}"]',
        'groups.value eq "{group}"',
        'active eq true and groups[value eq "{group}"] and entitlements.value eq "{entitlement}"',
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_holders_are_found_without_a_look_into_documents(
    connector, plans, question, many, monkeypatch
):
    if many:
        monkeypatch.setattr("connector.store.search.FEW", 1)
    entitlement, group = connector.baseline(), connector.group()
    user = connector.create(ADDRESS, entitlements=[{"value": entitlement}])
    ok(
        connector.patch(
            f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
        )
    )
    plans.clear()

    asked = question.format(entitlement=entitlement, group=group)
    found = ok(connector.get(f"/Users?count=1&filter={quote(asked)}"))

    assert found["totalResults"] >= 1
    read = [statement for statement in plans if "resources" in statement]
    assert len(read) >= 2  # the page, and the number of all
    assert not any("json" in statement for statement in read)
    walks = walked(plans)
    assert all("resources" in step for step, _ in walks) if many else walks == []


@pytest.mark.parametrize(
    "query",
    [
        UserQuery(text="plan", deleted=None),
        UserQuery(text=ADDRESS, deleted=None),
        UserQuery(text="plan north", deleted=True),
        UserQuery(deleted=True),
    ],
)
def test_who_was_deleted_is_looked_up(connector, plans, query):
    user = connector.create(ADDRESS, displayName="Plan Northwind")
    assert connector.delete(f"/Users/{user['id']}").status_code == 204
    plans.clear()

    page = connector.services.browser.users(query)

    assert [line.user_id for line in page.lines if line.deleted] == [user["id"]]
    assert any("resources" in statement for statement in plans)
    assert walked(plans) == []


@pytest.mark.parametrize(
    ("kind", "question"),
    [
        ("Users", 'roles.value eq "organization-admin"'),
        ("Users", 'groups.value eq "role.organization-admin"'),
        ("Users", 'roles.value eq "notary"'),
        ("Users", 'groups.value eq "role.notary"'),
        ("Groups", 'members.value eq "{user}"'),
        ("Groups", 'members[value eq "{user}"]'),
    ],
)
def test_candidates_are_looked_up_before_their_documents(connector, plans, kind, question):
    user = connector.create(ADDRESS)
    plans.clear()

    asked = question.format(user=user["id"])
    ok(connector.get(f"/{kind}?count=1&filter={quote(asked)}"))

    assert any("resources" in statement for statement in plans)
    assert walked(plans) == []


def test_terms_about_members_have_no_correlated_subquery(connector, plans):
    """SQLite takes ever longer for each of them, the more of them a filter has."""
    asked = " or ".join(f'members.display co "zq{number}"' for number in range(5))
    ok(connector.get(f"/Groups?filter={quote(asked)}"))

    [(statement, steps)] = [item for item in plans.items() if "instr" in item[0]]
    assert "fold(" not in statement, "Python would be called once for each membership"
    assert any("group_members" in step for step in steps)
    assert statement.count(" AS person ") == statement.count("UNION ALL") + 1 == 4, "one walk"
    assert not [step for step in steps if "CORRELATED" in step]


def test_the_planner_knows_of_every_index(connector):
    with connector.application.store.database.writing() as connection:
        # ANALYZE itself says how the planner calls each index, where a table holds a row.
        known = set(connection.execute(TOLD).all())
        connection.exec_driver_sql("ANALYZE")
        named = set(connection.execute(TOLD).all())
        connection.rollback()
    assert named and named <= known
    assert len(known) > 80
