"""The record verified, searched and exported by commands."""

from __future__ import annotations

import csv
import json

import pytest
import yaml
from sqlalchemy import delete, select, update

from connector.services.context import Actor
from connector.store.tables import audit_events, audit_heads
from tests.connector import ok, refused


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


ANCHORING = Actor("job:anchor", "job", "c1")


def cut(connector, after=0):
    """Take the end off the chain as somebody does who knows how it is kept."""
    events, heads = audit_events.c, audit_heads.c
    with connector.application.store.database.writing() as connection:
        connection.execute(delete(audit_events).where(events.sequence > after))
        last = connection.execute(
            select(events.sequence, events.hash).where(events.sequence == after)
        ).first()
        if last is None:
            connection.execute(delete(audit_heads))
        else:
            connection.execute(
                update(audit_heads).values({heads.sequence: after, heads.hash: last.hash})
            )
        connection.commit()


@pytest.fixture
def anchors(tmp_path, run):
    """The file that audit.anchor_file names; nothing has been written to it."""
    config = tmp_path / "config.yaml"
    data = yaml.safe_load(config.read_text())
    data["tenants"]["default"]["audit"] = {"anchor_file": str(tmp_path / "anchors.jsonl")}
    config.write_text(yaml.safe_dump(data))
    return tmp_path / "anchors.jsonl"


def test_verify_compares_with_the_anchors_that_were_configured(connector, run, anchors):
    connector.create("ada@northwind-freight.example")
    run("anchor", str(anchors))
    assert "1 anchor agrees" in run("verify")
    cut(connector, after=3)
    known = json.loads(anchors.read_text())["sequence"]
    assert f"an anchor knows event {known}" in run("verify", status=1)
    explained = run("explain", "--user", "ada@northwind-freight.example")
    assert "BROKEN at event 4" in explained


def test_no_anchor_is_added_to_those_that_the_chain_contradicts(connector, run, anchors):
    connector.create("ada@northwind-freight.example")
    run("anchor", str(anchors))
    before = anchors.read_text()
    cut(connector, after=3)
    refused = run("anchor", str(anchors), status=1, stream="stderr")
    assert "broken at event 4" in refused and "audit verify" in refused
    assert anchors.read_text() == before


def test_verify_warns_where_the_configured_anchors_are_missing(run, anchors):
    assert "no anchors were compared" in run("verify")
    assert f"{anchors} is missing" in run("verify", stream="stderr")
    anchors.write_text('{"tenant": "another", "sequence": 1, "hash": "00"}\n')
    assert f"{anchors} has no anchor of the tenant default" in run("verify", stream="stderr")


def test_an_emptied_chain_does_not_hold_where_something_happened(connector, run):
    cut(connector)
    answer = json.loads(run("verify", "--json", status=1))
    assert (answer["events"], answer["broken"]["sequence"]) == (0, 1)
    assert "all events were deleted" in answer["broken"]["reason"]


def test_a_chain_is_held_to_the_last_anchor_that_the_database_noted(connector, run):
    head = connector.services.audit.anchor([], ANCHORING)
    assert "The chain holds" in run("verify")
    cut(connector, after=3)
    assert f"an anchor knows event {head.sequence}" in run("verify", status=1)


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


def test_the_plan_for_a_newcomer_says_whom_and_what_it_is_about(connector, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    user = connector.create("ada@northwind-freight.example")["id"]
    for question in (("--person", user), ("--action", "plan.*")):
        told = run("search", *question)
        (line,) = (line for line in told.splitlines() if "plan.recorded" in line)
        about, more = line.split("│")[5:7]
        assert about.strip() == "ada@northwind-freight.example"
        assert more.strip().startswith("join ada@northwind-freight.example to account ")


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


def test_a_refusal_is_found_by_whom_it_names(connector, run):
    ada = "ada@northwind-freight.example"
    user = connector.create(ada)
    refused(connector.post("/Users", {"userName": ada}), 409, "uniqueness")
    bob = connector.create("bob@northwind-freight.example")
    member = {"op": "add", "path": "members", "value": [{"value": bob["id"]}]}
    refused(connector.patch(f"/Groups/{connector.group(1)}", member), 400, "invalidValue")

    def refusals(person):
        found = run("search", "--person", person, "--action", "request.refused", "--json")
        return [event["data"] for event in json.loads(found)]

    for person in (ada, user["id"]):
        (told,) = refusals(person)
        assert told["status"] == 409 and f"{ada} is taken" in told["reason"]
    (told,) = refusals(bob["id"])
    account = connector.world.accounts[1]
    assert f"no open membership in account {account.name} ({account.account_id})" in told["reason"]
