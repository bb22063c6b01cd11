"""The record verified, searched and exported by commands."""

from __future__ import annotations

import csv
import json

from sqlalchemy import update

from connector.store.tables import audit_events
from tests.connector import ok


def test_verify_names_the_first_broken_link_and_fails(connector, run, tmp_path):
    anchors = tmp_path / "anchors.jsonl"
    run("anchor", str(anchors))
    assert "1 anchor agrees" in run("verify", "--anchors", str(anchors))
    with connector.application.store.database.writing() as connection:
        forged = update(audit_events).where(audit_events.c.sequence == 3).values(action="forged")
        connection.execute(forged)
        connection.commit()
    assert "BROKEN at event 3" in run("verify", status=1)
    answer = json.loads(run("verify", "--json", status=1))
    assert answer["broken"]["sequence"] == 3


def test_events_are_found_and_exported(connector, run, tmp_path):
    user = connector.create("ada@northwind-freight.example")
    person = ("--person", "ada@northwind-freight.example")
    found = json.loads(run("search", *person, "--action", "plan.*", "--json"))
    assert [event["action"] for event in found] == ["plan.recorded"]
    lines = run("export", *person).splitlines()
    told = [json.loads(line)["action"] for line in lines]
    assert told[0] == "request.received"
    assert "docusign.called" in told
    output = tmp_path / "out.csv"
    run("export", *person, "--format", "csv", "--output", str(output))
    rows = list(csv.DictReader(output.read_text().splitlines()))
    assert len(rows) == len(lines)
    assert user["id"] in {row["subject"] for row in rows}
    assert "No event matches" in run("search", "--actor", "client:nobody")
    named = json.loads(run("search", "--entitlement", connector.baseline(), "--json"))
    assert {event["action"] for event in named} >= {"plan.recorded", "operation.done"}


def test_who_was_put_into_a_group_is_found_by_the_group(connector, run):
    user = connector.create("ada@northwind-freight.example")
    group = ok(connector.get("/Groups?count=1&excludedAttributes=members"))["Resources"][0]
    member = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    ok(connector.patch(f"/Groups/{group['id']}?excludedAttributes=members", member))
    (change,) = json.loads(
        run("explain", "--user", user["id"], "--entitlement", group["id"], "--json")
    )["changes"]
    assert change["direction"] == "grant" and user["id"] in str(change)
    found = json.loads(run("search", "--entitlement", group["id"], "--json"))
    assert {"plan.recorded", "operation.done"} <= {event["action"] for event in found}


def test_the_last_day_of_the_calendar_leaves_nothing_out(connector, run):
    connector.create("ada@northwind-freight.example")
    actions = [
        json.loads(line)["action"] for line in run("export", "--until", "9999-12-31").splitlines()
    ]
    assert "plan.recorded" in actions
