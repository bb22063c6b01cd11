"""Approvals, tasks and policy on the command line."""

from __future__ import annotations

import json
import os
import pwd
import re
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner

from connector.cli import main
from connector.cli.audit_words import describe
from connector.cli.context import CommandContext, os_login
from connector.domain.audit.titles import event_title
from connector.settings import ConsoleSettings
from tests.approvals import ask, asking_first, held, pending
from tests.connector import DOCUSIGN
from tests.simulated import simulated
from tests.visitors import PASSWORD, add_account

ADDRESS = "ann.lee@acme.test"


@pytest.fixture
def asked_for(simulated_world):
    return simulated_world.entitlement()


@pytest.fixture
def simulated_world():
    return simulated(10)


@pytest.fixture
def connector(connect, simulated_world, asked_for):
    return connect(world=simulated_world, entitlements=(asking_first(asked_for, risk="high"),))


@pytest.fixture
def run(connector, monkeypatch):
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")

    def command(*arguments, code=0, **more):
        result = CliRunner().invoke(main, [*map(str, arguments)], **more)
        assert result.exit_code == code, result.output
        return result.output

    return command


@pytest.fixture
def as_dora(connector, run):
    """Run a command as a local account that approves and works tasks."""
    add_account(connector, "dora", "approver", "operator")

    def command(*arguments, **more):
        acting = ("--as", "dora", "--password-stdin")
        return run(*arguments, *acting, input=f"{PASSWORD}\n", **more)

    return command


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)


def test_a_request_is_approved_on_the_command_line_and_shown_by_scim(
    connector, run, as_dora, ann, asked_for
):
    ask(connector, ann["id"], asked_for)
    assert ADDRESS in as_dora("approvals", "list", "--mine")
    (item,) = json.loads(run("approvals", "list", "--json"))
    shown = as_dora("approvals", "show", item["id"][:8])
    assert "change the profile of" in shown
    assert "may decide" in shown
    assert re.search(r"Opened +[\d-]{10} \d\d:\d\d UTC\n", shown)
    assert re.search(r"Agreed +0 of 1\n", shown)

    answer = as_dora("approvals", "approve", item["id"], "--checksum", item["checksum"])

    assert "Approved and carried out." in answer
    assert re.search(r"Agreed +1 of 1: \S+\n", run("approvals", "show", item["id"]))
    assert connector.membership(ann["id"]).profile_id == asked_for.partition(".")[2]
    user = connector.user(ann["id"])
    assert (held(user), pending(user)) == ({asked_for}, [])


@pytest.mark.parametrize("act", ["approve", "deny"])
def test_at_a_terminal_a_decision_is_on_what_was_shown(
    connector, as_dora, ann, asked_for, *, monkeypatch, act
):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    monkeypatch.setattr("connector.cli.approvals.is_at_a_terminal", lambda: True)
    monkeypatch.setattr("click.confirm", lambda *_, **__: seen.append(True))
    seen: list[bool] = []

    def moved(*_, **__):
        member = connector.membership(ann["id"])
        member.profile_id = connector.entitlement(0, 1).partition(".")[2]
        connector.clock.advance(120)
        connector.sync()
        seen.append(True)

    if act == "approve":
        monkeypatch.setattr("click.confirm", moved)
        shown = as_dora("approvals", act, item.work_item_id, code=1)
        assert "changed since you looked" in shown
    else:
        shown = as_dora("approvals", act, item.work_item_id, "--comment", "No.")
        assert "denied" in shown
    assert item.checksum in shown
    assert seen == [True]


def test_a_denial_of_another_plan_than_was_seen_is_refused(connector, as_dora, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    arguments = ("--comment", "No.", "--checksum", "0" * 64)
    said = as_dora("approvals", "deny", item.work_item_id, *arguments, code=1)
    assert "changed since you looked" in said


def test_a_denial_needs_a_reason(connector, run, as_dora, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    assert "--comment" in as_dora("approvals", "deny", item.work_item_id, code=2)
    assert "denied" in as_dora("approvals", "deny", item.work_item_id, "--comment", "No.")
    assert "Nothing waits" in run("approvals", "list")


def test_a_denial_before_is_shown_to_who_decides(connector, run, as_dora, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    as_dora("approvals", "deny", item.work_item_id, "--comment", "Not in the team")
    add = {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]}
    why = {"op": "add", "path": f"{DOCUSIGN}User:reason", "value": "Joined the team"}
    connector.patch(f"/Users/{ann['id']}", add, why)
    (again,) = connector.services.approvals.list()
    shown = as_dora("approvals", "show", again.work_item_id)
    assert "by user:dora: Not in the team" in shown
    data = json.loads(run("approvals", "show", again.work_item_id, "--json"))
    assert data["denied_before"]["id"] == item.work_item_id


def test_the_systems_user_decides_nothing_and_is_told_how(connector, run, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    for arguments in (
        ("approve", item.work_item_id),
        ("deny", item.work_item_id, "--comment", "No."),
        ("list", "--mine"),
    ):
        assert "--as LOGIN" in run("approvals", *arguments, code=1)
    assert "--as LOGIN" in run("approvals", "show", item.work_item_id)
    assert connector.services.approvals.get(item.work_item_id).item.state == "open"


def test_nobody_approves_their_own_access_as_an_account_of_theirs(connector, run, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    add_account(connector, ADDRESS, "administrator")
    acting = ("approvals", "approve", item.work_item_id, "--as", ADDRESS, "--password-stdin")
    assert "their own access" in run(*acting, code=1, input=PASSWORD)


def test_who_acts_as_an_account_knows_its_password(connector, run, as_dora, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    acting = ("approvals", "approve", item.work_item_id, "--as", "dora")
    assert "--password-stdin" in run(*acting, code=1)
    assert "do not go together" in run(*acting, "--password-stdin", code=1, input="guess\n")
    as_dora("approvals", "approve", item.work_item_id)
    with connector.services.context.read() as uow:
        told = list(uow.audit.events(limit=10_000))
    refused = next(event for event in told if event.action == "console.sign_in_refused")
    assert refused.data["address"] == f"shell of {os_login()}"
    assert "console.signed_in" not in [event.action for event in told], "nobody was there"
    known = next(event for event in told if event.action == "console.acted_as")
    assert event_title(known) == "Acted at a shell as a console account"
    assert describe(known) == f"shell of {os_login()}"
    approved = next(event for event in told if event.action == "work_item.approved")
    assert (known.actor, known.data["address"]) == ("user:dora", f"shell of {os_login()}")
    assert (approved.actor, approved.correlation_id) == ("user:dora", known.correlation_id)


def test_where_there_are_no_local_accounts_the_console_decides(
    connector, as_dora, ann, asked_for, monkeypatch
):
    ask(connector, ann["id"], asked_for)
    (item,) = connector.services.approvals.list()
    application = connector.application
    only_oidc = replace(application.settings, console=ConsoleSettings(local_accounts=False))
    monkeypatch.setattr(application, "settings", only_oidc)
    assert "in the console" in as_dora("approvals", "approve", item.work_item_id, code=1)


def test_a_delegation_is_made_listed_and_ended(run):
    times = ("--start", "2126-08-01", "--end", "2126-08-10T12:00Z")
    made = json.loads(
        run("approvals", "delegate", "--from", ADDRESS, "--to", "bob", *times, "--json")
    )
    assert "bob" in run("approvals", "delegations")
    assert "no longer" in run("approvals", "end-delegation", made["id"])


def test_the_policy_is_explained(run, ann, asked_for):
    told = run("policy", "explain", "--user", ADDRESS, "--entitlement", asked_for)

    assert "approval by 1 of whoever has the role approver" in told
    assert f"rule 1 of the tenant (match: {asked_for})" in told


def test_a_name_in_several_accounts_is_told_with_them_and_taken_with_one(connector, run, ann):
    with connector.services.context.read() as uow:
        catalogue = uow.mirror.catalogue()
    first, *others = (
        item for item in catalogue.profiles.values() if item.name == "Account Administrator"
    )
    asked = ("--user", ADDRESS, "--entitlement")
    told = run("policy", "explain", *asked, first.name, code=1)
    assert others and all(
        f"{item.name} ({catalogue.accounts[item.account_id].name}), {item.scim_id}" in told
        for item in (first, *others)
    )
    shown = connector.services.browser.labels().entitlement(first.scim_id)
    assert shown != first.name
    answer = json.loads(run("policy", "explain", *asked, shown, "--json"))
    assert answer["entitlement"] == first.scim_id
    story = connector.services.audit.explain(ADDRESS, shown.upper())
    assert set(story.entitlements.scim_ids) == {first.scim_id}


def test_what_does_not_exist_cannot_be_explained(run, ann):
    told = run("policy", "explain", "--user", ADDRESS, "--entitlement", "Nothing", code=1)
    assert "no profile, group or role 'Nothing'" in told


def test_a_changed_policy_is_held_against_what_was_asked_for(
    connector, run, ann, asked_for, tmp_path
):
    ask(connector, ann["id"], asked_for)
    file = tmp_path / "policy.yaml"
    people = {"people": ["bob"]}
    file.write_text(yaml.safe_dump({"entitlements": [asking_first("*sender*", approvers=people)]}))

    found = json.loads(run("policy", "simulate", file, "--json"))

    (before,) = connector.services.approvals.list()
    assert found["grants"] == 2
    assert found["before"] == {"automatic": 1, "approval": 1}
    changed = {
        item["entitlement"]: (item["before"], item["after"]) for item in found["differences"]
    }
    assert changed[asked_for][0] == "approval by 1 of whoever has the role approver"
    assert connector.services.approvals.list() == [before]
    assert "Rule" in run("policy", "simulate", file)


def test_a_rule_of_a_changed_policy_that_covers_nothing_is_told(run, ann, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump({"entitlements": [asking_first("DocuSign Sendr")]}))
    (warning,) = json.loads(run("policy", "simulate", file, "--json"))["warnings"]
    assert "Rule 1 of the tenant" in warning and "did you mean 'DocuSign Sender'?" in warning
    assert "Warning: Rule 1" in run("policy", "simulate", file)


def test_a_policy_that_cannot_be_read_is_explained(run, tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text("entitlements: [{match: '*', fulfilment: never}]")
    assert "fulfilment" in run("policy", "simulate", file, code=1)
    file.write_text("rules: []")
    assert "may hold" in run("policy", "simulate", file, code=1)


def test_nobody_becomes_another_by_setting_a_variable(connector, run, ann, monkeypatch):
    connector.patch(
        f"/Users/{ann['id']}",
        {"op": "add", "path": "roles", "value": [{"value": "organization-admin"}]},
    )
    (task,) = json.loads(run("tasks", "list", "--json"))
    me = pwd.getpwuid(os.getuid()).pw_name
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody")
    run("tasks", "claim", task["id"])
    (task,) = json.loads(run("tasks", "list", "--json"))
    assert task["assignee"] == f"user:{me}"


def test_a_task_is_claimed_discussed_and_given_evidence(connector, run, ann, tmp_path):
    connector.patch(
        f"/Users/{ann['id']}",
        {"op": "add", "path": "roles", "value": [{"value": "organization-admin"}]},
    )
    add_account(connector, "ben", "operator")
    (task,) = json.loads(run("tasks", "list", "--json"))
    assert os_login() in run("tasks", "claim", task["id"])
    run("tasks", "comment", task["id"], "Asked her")
    file = tmp_path / "shot.png"
    file.write_bytes(b"image")
    assert "shot.png" in run("tasks", "attach", task["id"], file)
    assert "user:ben" in run("tasks", "hand-over", task["id"], "--to", "ben")
    run("tasks", "release", task["id"])
    shown = run("tasks", "show", task["id"])
    for told in ("by looking into DocuSign", "File shot.png (5 bytes)", "Asked her", "handed_over"):
        assert told in shown
    assert "verify it instead" in run("tasks", "attest", task["id"], "--comment", "x", code=1)
