"""What becomes of a leaver's envelopes; the closing never waits for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.work_items.items import WorkItemState
from connector.settings import LeaverSettings
from simulator.faults import Fault
from tests.approvals import operator, pending
from tests.connector import ENTERPRISE, ManualClock, connected, ok
from tests.programs import program
from tests.simulated import simulated
from tests.visitors import signed_in

ADDRESS = "ann.lee@acme.test"
BOSS = "boss@acme.test"
LEAVE = {"op": "replace", "path": "active", "value": False}
COME_BACK = {**LEAVE, "value": True}


@pytest.fixture
def start(tmp_path):
    started: list[Any] = []

    def run(*rules):
        clock = ManualClock()
        connector = connected(
            tmp_path / f"c{len(started)}.db",
            world=simulated(10, now=clock.now),
            clock=clock,
            leavers=rules or (LeaverSettings(),),
        )
        started.append(connector)
        return connector

    yield run
    for connector in started:
        connector.close()


def ann_with_a_boss(connector):
    boss = connector.create(BOSS)["id"]
    manager = {"manager": {"value": boss}}
    return connector.create(ADDRESS, **{ENTERPRISE: manager})["id"], boss


def rules_in(connector):
    return [
        (rule["fromUser"]["userId"], rule["toUser"]["userId"])
        for rule in connector.world.account.transfer_rules.values()
    ]


def closed(connector, user_id):
    return not connector.membership(user_id).status.is_open


def test_what_happens_when_somebody_leaves_is_on_their_page_before_and_after(start):
    connector = start()
    ann, boss = ann_with_a_boss(connector)
    account = connector.world.account.account_id
    who = signed_in(connector, "viewer", login="vic")
    (plan,) = connector.services.leavers.successions(ann).values()
    assert (plan.heir.user_id, plan.transfer_rule, plan.custody_task) == (boss, True, True)
    shown = who.get(f"/users/{ann}").get_data(as_text=True)
    assert f"({BOSS}) gets each envelope" in shown and "a task opens" in shown
    assert "rule: any profile, any account" in shown
    ok(connector.patch(f"/Users/{ann}", LEAVE))
    given = connector.services.leavers.successions(ann)[account]
    assert (given.heir.user_id, given.is_over) == (boss, True)
    shown = who.get(f"/users/{ann}").get_data(as_text=True)
    assert "Their envelopes go to" in shown and BOSS in shown
    assert given.rule in connector.world.account.transfer_rules and given.rule in shown
    assert "custody:" not in shown.lower() and "Custody of envelopes (" in shown
    ok(connector.patch(f"/Users/{ann}", COME_BACK))
    assert not connector.services.leavers.successions(ann)[account].is_over


def test_what_happens_is_told_over_the_rest_api_and_by_command(start, monkeypatch):
    connector = start()
    ann, boss = ann_with_a_boss(connector)
    robot = program(connector, "viewer")
    (membership,) = robot.read(f"/users/{ann}")["memberships"]
    leaving = membership["leaving"]
    assert (leaving["to"], leaving["to_id"], leaving["has_left"]) == (BOSS, boss, False)
    assert leaving["rule"] == "any profile, any account" and leaving["custody_task"]
    assert BOSS in policy_leavers(connector, monkeypatch, ADDRESS)
    ok(connector.patch(f"/Users/{ann}", LEAVE))
    (membership,) = robot.read(f"/users/{ann}")["memberships"]
    assert membership["leaving"]["has_left"] and membership["leaving"]["to"] == BOSS
    told = json.loads(policy_leavers(connector, monkeypatch, ann, "--json"))
    assert told["user"] == ADDRESS and told["accounts"][0]["rule"] == membership["leaving"]["rule"]
    other = start(LeaverSettings(profile="*nobody-has-it*"))
    nobody = other.create(ADDRESS)["id"]
    assert "No rule covers" in policy_leavers(other, monkeypatch, nobody)


def policy_leavers(connector, monkeypatch, who, *more):
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    result = CliRunner().invoke(main, ["policy", "leavers", "--user", who, *more])
    assert result.exit_code == 0, result.output
    return result.output


def test_where_nobody_can_take_over_it_says_so_and_without_a_rule_nothing(start):
    connector = start(LeaverSettings(profile="*nobody-has-it*"), LeaverSettings(custody_task=False))
    alone = connector.create(ADDRESS)["id"]
    (plan,) = connector.services.leavers.successions(alone).values()
    assert (plan.heir, plan.transfer_rule, plan.custody_task) == (None, False, False)
    who = signed_in(connector, "viewer", login="vic")
    assert "nobody is known who could take over" in who.get(f"/users/{alone}").text
    other = start(LeaverSettings(profile="*nobody-has-it*"))
    assert other.services.leavers.successions(other.create(ADDRESS)["id"]) == {}


def test_envelopes_in_flight_go_to_the_manager_and_a_person_moves_the_rest(start):
    connector = start()
    ann, boss = ann_with_a_boss(connector)

    user = ok(connector.patch(f"/Users/{ann}", LEAVE))

    assert closed(connector, ann)
    assert rules_in(connector) == [(ann, boss)]
    assert pending(user) == []
    (task,) = connector.services.work_items.list()
    assert ADDRESS in task.title
    assert any(BOSS in step for step in task.instructions)
    done = connector.services.tasks.complete(task.work_item_id, operator(), "12 envelopes")
    assert done.state is WorkItemState.DONE
    assert "roles" not in connector.user(ann)


def test_deleting_hands_over_too(start):
    connector = start()
    ann, boss = ann_with_a_boss(connector)

    assert connector.delete(f"/Users/{ann}").status_code == 204

    assert closed(connector, ann)
    assert rules_in(connector) == [(ann, boss)]
    assert len(connector.services.work_items.list()) == 1


@pytest.mark.parametrize("kind", ["error", "drop", "html"])
def test_what_becomes_of_envelopes_never_delays_the_closing(start, kind):
    connector = start()
    ann, _ = ann_with_a_boss(connector)
    connector.world.faults.add(Fault(kind, "POST", "/transfer_rules", times=None, status=503))

    ok(connector.patch(f"/Users/{ann}", LEAVE))

    assert closed(connector, ann)
    (task,) = connector.services.work_items.list()
    assert "could not be made" in task.instructions[0]


def test_without_the_feature_the_task_says_so(start):
    connector = start()
    connector.world.set_variants(transfer_rules=False)
    ann, _ = ann_with_a_boss(connector)

    ok(connector.patch(f"/Users/{ann}", LEAVE))

    assert closed(connector, ann)
    assert rules_in(connector) == []
    (task,) = connector.services.work_items.list()
    assert "does not include this feature" in task.instructions[0]


def test_who_comes_back_gets_their_envelopes_again(start):
    connector = start()
    ann, _ = ann_with_a_boss(connector)
    ok(connector.patch(f"/Users/{ann}", LEAVE))

    ok(connector.patch(f"/Users/{ann}", COME_BACK))

    assert rules_in(connector) == []
    assert connector.services.work_items.list() == []


def test_the_same_person_coming_back_after_deletion_gets_them_too(start):
    connector = start()
    boss = connector.create(BOSS)["id"]
    extra = {"externalId": "e1", ENTERPRISE: {"manager": {"value": boss}}}
    ann = connector.create(ADDRESS, **extra)["id"]
    connector.delete(f"/Users/{ann}")
    assert rules_in(connector) == [(ann, boss)]

    assert connector.create(ADDRESS, **extra)["id"] == ann

    assert rules_in(connector) == []


def test_without_a_manager_a_person_decides(start):
    connector = start()
    ann = connector.create(ADDRESS)["id"]

    ok(connector.patch(f"/Users/{ann}", LEAVE))

    assert rules_in(connector) == []
    (task,) = connector.services.work_items.list()
    assert any("nobody is named" in step for step in task.instructions)


@pytest.mark.parametrize(
    ("rule", "handed_over", "tasks"),
    [
        (LeaverSettings(profile="No such*"), 0, 0),
        (LeaverSettings(account="No such*"), 0, 0),
        (LeaverSettings(hand_over_to=BOSS, custody_task=False), 1, 0),
        (LeaverSettings(transfer_rule=False), 0, 1),
        (LeaverSettings(hand_over_to=ADDRESS), 0, 1),
    ],
)
def test_the_rule_of_profile_and_account_counts(start, rule, handed_over, tasks):
    connector = start(rule)
    ann, _ = ann_with_a_boss(connector)

    ok(connector.patch(f"/Users/{ann}", LEAVE))

    assert closed(connector, ann)
    assert len(rules_in(connector)) == handed_over
    assert len(connector.services.work_items.list()) == tasks


def test_a_dry_run_tells_of_it(start):
    connector = start()
    ann, _ = ann_with_a_boss(connector)

    plan = ok(connector.patch(f"/Users/{ann}?dryRun=true", LEAVE))

    kinds = [item["kind"] for item in plan["operations"]]
    assert kinds == ["hand_over_envelopes", "close_membership", "take_custody"]
    assert rules_in(connector) == []
