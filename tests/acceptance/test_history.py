"""What happened to a person, changes of groups that name them included: on their page, over the
REST API, in a search, an export and an explanation."""

from __future__ import annotations

import json
import re
from contextlib import closing
from datetime import timedelta

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import main
from connector.domain.audit.events import AuditFilter
from connector.domain.audit.story import Outcome
from connector.domain.audit.titles import TITLES
from connector.domain.work_items.items import Direction
from simulator.faults import Fault
from tests.approvals import administrator
from tests.connector import connected, ok, refused
from tests.databases import ON_BOTH
from tests.programs import program
from tests.simulated import simulated
from tests.visitors import signed_in

ADDRESS = re.compile(r"p\d@acme\.test")
CARRIED_OUT = TITLES["operation.done"]


@pytest.fixture
def connector(database):
    with closing(connected(database, world=simulated(20))) as connector:
        yield connector


@pytest.fixture
def people(connector):
    """Eight people, the last of whom is looked at."""
    return [connector.create(f"p{number}@acme.test")["id"] for number in range(8)]


def change(connector, op, user_ids):
    value = [{"value": user_id} for user_id in user_ids]
    path = f"/Groups/{connector.group()}"
    return connector.patch(path, {"op": op, "path": "members", "value": value})


@pytest.fixture
def timeline(connector):
    """A person's history over the REST API, the newest first."""
    robot = program(connector, "viewer")
    return lambda user_id: robot.read(f"/users/{user_id}/timeline", limit=200)["items"]


@ON_BOTH
def test_a_change_of_a_group_is_in_the_history_of_its_members(connector, people, timeline):
    *others, ada = people
    seen = len(timeline(ada))
    ok(change(connector, "add", people))
    ok(change(connector, "remove", [ada]))

    new = timeline(ada)[:-seen]
    told = [(item["action"], item["subject"]) for item in reversed(new)]
    assert told == [("plan.recorded", connector.group()), ("operation.done", connector.group())] * 2
    assert all(ada in str(item["data"]) for item in new)
    assert not any(other in str(item["data"]) for item in new for other in others)
    counts = [
        item["data"]["operation"]["user_count"] for item in new if "operation" in item["data"]
    ]
    assert counts == [1, len(people)]
    whole = program(connector, "viewer", login="other").read(f"/audit/events/{new[-1]['sequence']}")
    assert all(user_id in str(whole["data"]) for user_id in people)
    last = [item["action"] for item in timeline(others[0])][:2]
    assert last == ["operation.done", "plan.recorded"], "the removal named nobody else"


def test_what_was_written_of_all_members_is_left_out(connector, people, timeline):
    """DocuSign's refusal of a change of a group may name whichever member it wants to."""
    ada, bob = people[-2:]
    said = "p7@acme.test is not allowed"
    connector.world.faults.add(
        Fault("error", "PUT", "/groups", status=400, error_code="NOT_SO", message=said)
    )
    assert change(connector, "add", [ada, bob]).status_code >= 400
    (failed,) = [item for item in timeline(ada) if item["action"] == "plan.failed"]
    assert "p7@acme.test" not in str(failed) and bob not in str(failed)
    whole = program(connector, "viewer", login="other").read(f"/audit/events/{failed['sequence']}")
    assert said in whole["data"]["reason"]


@ON_BOTH
def test_a_group_that_is_deleted_is_in_the_history_of_whoever_was_in_it(
    connector, people, timeline
):
    *others, ada = people
    ok(change(connector, "add", [ada]))
    seen = len(timeline(ada)), len(timeline(others[0]))
    group = connector.group()
    assert connector.delete(f"/Groups/{group}").status_code == 204

    new = timeline(ada)[: -seen[0]]
    assert [item["action"] for item in reversed(new)] == ["plan.recorded", "operation.done"]
    assert len(timeline(others[0])) == seen[1], "who was not in it lost nothing"
    page = signed_in(connector, "viewer").get(f"/users/{ada}").get_data(as_text=True)
    assert "Delete group" in page.partition("Timeline")[2].partition(CARRIED_OUT)[2]
    last = connector.services.audit.explain(ada, group).stories[-1]
    assert (last.direction, last.outcome) == (Direction.REVOKE, Outcome.DONE)


@ON_BOTH
def test_the_page_tells_it_of_this_person_first(connector, people):
    ok(change(connector, "add", people))
    page = signed_in(connector, "viewer").get(f"/users/{people[-1]}").get_data(as_text=True)
    entry = page.partition("Timeline")[2].partition(CARRIED_OUT)[2]
    assert "Add to group" in entry
    assert ADDRESS.findall(entry)[0] == "p7@acme.test" and "and 3 more" in entry


@ON_BOTH
def test_a_search_finds_it_with_the_request_that_led_to_it(connector, people):
    ok(change(connector, "add", people[-2:]))
    with connector.services.context.read() as uow:
        request = uow.audit.events(newest_first=True, limit=1)[0].correlation_id
    audit, wanted = connector.services.audit, AuditFilter(request=request)
    for person in (people[-1], "P7@acme.test"):
        found = [event.action for event in audit.walk(wanted, person=person)]
        assert {"request.received", "plan.recorded", "operation.done"} <= set(found)
        assert "docusign.called" in found
    assert list(audit.walk(wanted, person=people[0])) == []
    shown = connector.services.browser.events(wanted, person="p7@acme.test").events
    assert [event.action for event in shown] == found[::-1]


def test_the_audit_calls_the_group_by_its_name(connector, people):
    ok(change(connector, "add", people[-1:]))
    name = connector.services.browser.labels().entitlement(connector.group())
    page = signed_in(connector, "viewer").get("/audit?subject=p7@acme.test&action=operation.done")
    shown = page.get_data(as_text=True)
    assert f">{name}</a>" in shown and f">{connector.group()}</a>" not in shown


def test_a_change_that_docusign_refuses_is_in_the_history_too(connector, people, timeline):
    connector.world.faults.add(Fault("error", "PUT", "/groups", times=None, status=400))
    change(connector, "add", people)
    actions = [item["action"] for item in timeline(people[-1])]
    assert actions[:2] == ["plan.failed", "plan.recorded"]


@pytest.fixture
def run(connector, tmp_path):
    """The command line over the same database."""
    details = connector.world.details
    accounts = [{"account_id": item["account_id"]} for item in details["accounts"]]
    keys = {"integration_key": details["integration_key"]}
    data = {
        "database": {"url": connector.application.settings.database.url},
        "docusign": {**keys, "private_key": details["private_key_pem"]},
        "tenants": {"default": {"user_id": details["user_id"], "accounts": accounts}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))

    def run(*arguments):
        result = CliRunner().invoke(main, ["audit", *arguments, "--config", str(path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    return run


def test_the_commands_tell_it(connector, people, run):
    ok(change(connector, "add", people))
    asked = ("--person", "p7@acme.test", "--action", "operation.done")
    lines = [json.loads(line) for line in run("export", *asked).splitlines()]
    assert lines[-1]["subject"] == connector.group()
    shown = json.loads(run("search", *asked, "--json"))
    assert shown[0]["sequence"] == lines[-1]["sequence"]
    story = run("explain", "--user", "p7@acme.test", "--entitlement", connector.group())
    done = story.partition("  Done")[2]
    assert ADDRESS.findall(done)[0] == "p7@acme.test"


@ON_BOTH
def test_the_index_goes_with_the_person_and_the_record_stays(connector, people):
    ada = people[-1]
    ok(change(connector, "add", people))
    assert connector.delete(f"/Users/{ada}").status_code == 204
    connector.clock.advance(timedelta(hours=25).total_seconds())
    erasures = connector.services.erasures
    item = erasures.request(ada, "Letter 7", administrator("ann"))
    erasures.confirm(item.erasure_id, administrator("bob"))

    audit = connector.services.audit
    assert not [
        event
        for event in audit.walk(AuditFilter(), person=ada)
        if event.subject == connector.group()
    ]
    assert [
        event for event in audit.walk(AuditFilter(), person=people[0]) if ada in str(event.data)
    ]
    assert audit.explain(ada, connector.group()).stories, "what stays is told by the id"
    assert audit.verify().broken is None
    refused(connector.get(f"/Users/{ada}"), 404)
