"""Changes that meet: an earlier one in doubt, what the connector reads itself, what vanished."""

from __future__ import annotations

from connector.services.context import Actor
from simulator.faults import Fault
from simulator.state import groups
from simulator.state.model import Status
from tests.acceptance.agreement import disagreements
from tests.approvals import operator
from tests.connector import ORGANIZATION_ADMIN, ok, refused


def grant(connector, profile):
    element = {"value": connector.entitlement(0, profile)}
    return {"op": "add", "path": "entitlements", "value": [element]}


def test_an_earlier_change_in_doubt_does_not_override_a_later_one(connector):
    user = connector.create("ann@acme.test")
    faults = connector.world.faults
    faults.add(Fault("drop", "PUT", "/users", times=None))
    faults.add(Fault("drop", "GET", "/users/", times=None))
    doubtful = connector.patch(f"/Users/{user['id']}", grant(connector, 0))
    assert doubtful.status_code == 503
    faults.clear()

    ok(connector.patch(f"/Users/{user['id']}", grant(connector, 1)))
    connector.clock.advance(130)
    connector.services.settlement.settle_all(Actor("job:test", "job", "test"))

    wanted = [connector.entitlement(0, 1)]
    assert [item["value"] for item in connector.user(user["id"])["entitlements"]] == wanted
    assert not disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def test_what_the_connector_reads_itself_breaks_no_precondition(connector):
    user = connector.create("ann@acme.test")
    role = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    version = user["meta"]["version"]

    ok(connector.patch(f"/Users/{user['id']}", role, if_match=version))
    refused(connector.patch(f"/Users/{user['id']}", role, if_match=version), 412)


def test_a_group_that_vanished_leaves_no_provenance(connector):
    user = connector.create("ann@acme.test")
    ok(connector.patch(f"/Groups/{connector.group()}", join(user)))
    groups.delete(
        connector.world.state, connector.world.account, connector.group().partition(".g")[2]
    )

    connector.sync()

    assert not disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def test_what_docusign_itself_took_keeps_its_provenance_until_that_is_accepted(connector):
    connector.reconcile()
    held = [{"value": connector.entitlement(account)} for account in (0, 1)]
    user = connector.create("ann@acme.test", entitlements=held)
    ok(connector.patch(f"/Groups/{connector.group()}", join(user)))
    # Until then the mirror believes no read against our own change.
    connector.clock.advance(10)
    state, first = connector.world.state, connector.world.account
    groups.remove_member(state, first, connector.group().partition(".g")[2], user["id"])
    profiles = [item for item in first.profiles.values() if item.profile_id not in str(held)]
    connector.membership(user["id"]).profile_id = profiles[0].profile_id
    connector.membership(user["id"], 1).status = Status.CLOSED

    connector.reconcile()
    assert provenance_of(connector, user) == {connector.group(), *(item["value"] for item in held)}

    desk, olga = connector.services.drift.desk, operator("olga")
    for finding in connector.findings():
        if finding.subject_id == user["id"]:
            desk.accept(finding.finding_id, olga, "It is right so")
    given = f"{first.account_id}.{profiles[0].profile_id}"
    assert provenance_of(connector, user) == {given}


def provenance_of(connector, user):
    with connector.services.context.read() as uow:
        return {item.entitlement for item in uow.attributes.provenance(user["id"])}


def join(user):
    return {"op": "add", "path": "members", "value": [{"value": user["id"]}]}


def test_who_returns_is_reopened_before_joining_another_account(connector):
    """DocuSign would make a second user of a closed one."""
    ids = [account.account_id for account in connector.world.accounts]
    home, other = ids.index(max(ids)), ids.index(min(ids))
    first = [{"value": connector.entitlement(home)}]
    user = connector.create("ann@acme.test", entitlements=first)
    inactive = {"op": "replace", "path": "active", "value": False}
    ok(connector.patch(f"/Users/{user['id']}", inactive))

    both = [*first, {"value": connector.entitlement(other)}]
    body = {"userName": "ann@acme.test", "active": True, "entitlements": both}
    after = ok(connector.put(f"/Users/{user['id']}", body))

    assert {item["value"] for item in after["entitlements"]} == {item["value"] for item in both}
    assert len(connector.world.state.on_address("ann@acme.test")) == 1


def test_who_returns_to_another_account_keeps_the_id(connector):
    user = connector.create("ann@acme.test", entitlements=[{"value": connector.entitlement(0)}])
    ok(connector.patch(f"/Users/{user['id']}", switch(False)))

    elsewhere = [{"value": connector.entitlement(1)}]
    body = {"userName": "ann@acme.test", "active": True, "entitlements": elsewhere}
    after = ok(connector.put(f"/Users/{user['id']}", body))

    assert values(after) == values({"entitlements": elsewhere})
    assert len(connector.world.state.on_address("ann@acme.test")) == 1
    assert not disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )


def test_what_was_revoked_does_not_come_back_with_the_person(connector):
    both = [{"value": connector.entitlement(account)} for account in (0, 1)]
    user = connector.create("ann@acme.test", entitlements=both)
    path = f"/Users/{user['id']}"
    revoked = {"op": "replace", "path": "entitlements", "value": both[1:]}
    ok(connector.patch(path, revoked))

    ok(connector.patch(path, switch(False)))
    after = ok(connector.patch(path, switch(True)))

    assert values(after) == [both[1]["value"]]


def switch(active):
    return {"op": "replace", "path": "active", "value": active}


def values(user):
    return [item["value"] for item in user["entitlements"]]
