"""A connector in which things have happened, for stories of the REST API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.erasure import Erasure, ErasureState
from connector.services.context import new_id
from connector.settings import ChannelSettings, ConsoleSettings, NotificationSettings, Secret
from simulator.state import groups, users
from simulator.state.model import Status
from tests.acceptance.api.operations import GLOBEX, ROLES, attach
from tests.connector import ManualClock, connected
from tests.programs import program, stranger
from tests.simulated import simulated
from tests.visitors import ROOT, add_account, ask_for_approval, guarded, lively


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A connector in which things have happened, somebody of each role, and ids worth a request."""
    hook = ChannelSettings(name="hook", kind="webhook", url=Secret("https://hooks.example/x"))
    told = NotificationSettings(channels=(hook,))
    role = {
        "display": "Notary",
        "fulfilment": "manual",
        "verification": "attestation",
        "instructions": {"grant": ["Do it."], "revoke": ["Undo it."]},
    }
    clock = ManualClock()  # Its hour passes for DocuSign too: tokens end, and are asked for anew.
    connector = connected(
        tmp_path_factory.mktemp("api") / "c.db",
        world=simulated(50, now=clock.now),
        clock=clock,
        notifications=told,
        manual_roles={"notary": role},
        **guarded(),
    )
    application = connector.application
    operated = ConsoleSettings(operator_tenant="default")
    application.settings = replace(application.settings, console=operated)
    connector.reconcile()
    ids = lively(connector)
    people = {role: program(connector, role, login=role) for role in ROLES}
    add_account(connector, "keeper", "operator")
    fixed = _prepare(connector, ids, people)
    yield connector, people, fixed
    connector.close()


def _prepare(connector, ids, people):
    root = people["administrator"]
    user = ids["user"]
    roster = list(connector.world.account.roster)
    approval = ask_for_approval(connector, roster[30].user.user_id)
    value = [{"value": "notary"}]
    connector.patch(f"/Users/{user}", {"op": "add", "path": "roles", "value": value})
    tasks = connector.services.work_items.list()
    notary = next(item for item in tasks if item.entitlement == "notary").work_item_id
    keeper = stranger(
        connector, connector.application.personal_tokens.add("default", "keeper", "t", ROOT)[1]
    )
    assert keeper.post(f"/tasks/{notary}/complete").status_code == 200
    task = ids["task"]
    file = attach(root, f"/tasks/{task}/evidence")
    assert file.status_code == 201, file.json
    # For a moment the mirror keeps the groups that the connector has just written.
    connector.clock.advance(61)
    joined = connector.world.account.groups[connector.group(0, 1).partition(".g")[2]]
    groups.add_member(connector.world.state, connector.world.account, joined.group_id, user)
    users.rename(connector.world.state, connector.world.state.user(user), {"first_name": "Eve"})
    connector.reconcile()
    found = {item.kind: item.finding_id for item in connector.findings()}
    tomorrow = (connector.clock.now() + timedelta(days=1)).isoformat()
    made = root.post("/delegations", {"to": "keeper", "ends_at": tomorrow}).json
    return {
        "user": user,
        "account": connector.world.account.account_id,
        "approval": approval,
        "checksum": root.read(f"/approvals/{approval}")["checksum"],
        "task": task,
        "attested": notary,
        "file": file.json["evidence"][0]["id"],
        "delivery": root.read("/notifications")["items"][0]["id"],
        "delegation": made["id"],
        "tomorrow": tomorrow,
        "finding": found[DriftKind.NATIVE_GRANT],
        "changed": found[DriftKind.CHANGED_ATTRIBUTE],
        "token": "none",
        "customer": root.post("/tenants", {"name": "globex", "settings": GLOBEX}).json["name"],
        **_erasures(connector),
    }


def _erasures(connector):
    """Two requests about people of whom little is left, and somebody who left long ago."""
    context = connector.services.context
    state, now = ErasureState.REQUESTED, context.clock.now()
    asked = [Erasure(new_id(), new_id(), state, "letter", "user:x", now) for _ in range(2)]
    with context.write() as uow:
        for item in asked:
            uow.erasures.put(item)
        uow.commit()
    closed = connector.world.member(status=Status.CLOSED).user
    return {
        "erasure": asked[0].erasure_id,
        "regretted": asked[1].erasure_id,
        "closed": closed.user_id,
    }
