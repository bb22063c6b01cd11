"""An approval to which fewer people can agree than have to says so, where people look."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.authentication.console import ConsoleRole
from connector.services.work.matters import Matters
from tests.approvals import (
    APPROVE,
    DENY,
    JOB,
    add_account,
    approver,
    decide,
    disable,
    somebody,
    waiting,
)
from tests.connector import ENTERPRISE
from tests.visitors import signed_in

ANN, BEN = "ann@staff.example", "ben@staff.example"


def view(connector, item):
    return connector.services.approvals.get(item.work_item_id)


def of_two(start, **conditions):
    """Return a connector, and an approval that ann and another must agree to."""
    asked = {"approvers": {"people": [ANN], "manager": True}, "approvals_needed": 2, **conditions}
    connector, asked_for = start(**asked)
    add_account(connector, "ann", ConsoleRole.APPROVER)
    return connector, waiting(connector, asked_for)[1]


def test_an_unknown_manager_leaves_too_few(start):
    connector, item = of_two(start)
    seen = view(connector, item)
    assert seen.approvers == f"{ANN}, the manager (unknown)"
    assert seen.too_few.startswith("Only 1 person can decide on this, and 2 must agree: it waits")
    assert "approvals_needed" in seen.too_few
    decide(connector, item, APPROVE, somebody("ann", is_local=True))
    assert view(connector, item).too_few, "one who agreed is still one"


def test_a_manager_who_can_come_in_is_enough(start):
    conditions = {"approvers": {"people": [ANN], "manager": True}, "approvals_needed": 2}
    connector, asked_for = start(**conditions)
    add_account(connector, "ann", ConsoleRole.APPROVER)
    add_account(connector, "ben", ConsoleRole.VIEWER)
    boss = connector.create(BEN)
    more: dict[str, Any] = {ENTERPRISE: {"manager": {"value": boss["id"]}}}
    _, item = waiting(connector, asked_for, **more)
    assert view(connector, item).too_few == ""
    disable(connector, "ben")
    assert view(connector, item).too_few.startswith("Only 1 person")


def test_nobody_is_told_as_nobody_and_what_is_closed_as_nothing(start):
    connector, item = of_two(start, approvals_needed=1)
    assert view(connector, item).too_few == ""
    disable(connector, "ann")
    assert view(connector, item).too_few.startswith("Nobody can decide on this: it waits")
    decide(connector, item, DENY, somebody("ann"), comment="not needed")
    assert view(connector, item).too_few == ""


@pytest.mark.parametrize("can_ben", [True, False])
def test_it_waits_for_those_to_whom_it_escalates(start, can_ben):
    conditions = {"on_expiry": "escalate", "escalate_to": {"people": [BEN]}, "expires_days": 3}
    connector, item = of_two(start, approvals_needed=1, **conditions)
    add_account(connector, "ben", ConsoleRole.APPROVER)
    if not can_ben:
        disable(connector, "ben")
    assert view(connector, item).too_few == ""
    disable(connector, "ann")
    said = view(connector, item).too_few
    until = f"{item.expires_at:%Y-%m-%d %H:%M} UTC"
    assert said.startswith(f"Nobody can decide on this: it waits until it escalates on {until}")
    assert ("as too few can even so, until it expires" in said) is not can_ben
    named = connector.services.approvals.without_deciders()
    assert list(named) == ([] if can_ben else [item.work_item_id])

    connector.clock.advance(3 * 86_400 + 1)
    assert connector.services.due.run(JOB)["escalated"] == 1
    assert (view(connector, item).too_few == "") is can_ben
    if can_ben:
        decide(connector, item, APPROVE, somebody("ben", is_local=True))


def test_who_gains_by_it_does_not_count_and_the_role_does(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "ann", ConsoleRole.APPROVER)
    add_account(connector, "lee", ConsoleRole.APPROVER, email="ann.lee@acme.test")
    add_account(connector, "twin", ConsoleRole.APPROVER, email=ANN)
    _, item = waiting(connector, asked_for)
    assert view(connector, item).too_few.startswith("Only 1 person can")
    add_account(connector, "ben", ConsoleRole.ADMINISTRATOR)
    assert view(connector, item).too_few == ""
    assert connector.services.approvals.without_deciders() == {}


def test_the_lists_mark_it(start, monkeypatch):
    connector, item = of_two(start)
    monkeypatch.setattr(
        CommandContext, "tenant", SimpleNamespace(approvals=connector.services.approvals)
    )

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["approvals", *arguments])

    (listed,) = json.loads(run("list", "--json").output)
    assert listed["too_few"].startswith("Only 1 person")
    assert "Mind       Only 1 person" in run("show", item.work_item_id).output


def test_the_console_tells_administrators_and_whoever_looks(start):
    connector, item = of_two(start)
    root = signed_in(connector, "administrator", login="root")
    told = "1 approval cannot be decided: fewer people can agree than must."
    assert told in root.get("/").text
    vera = signed_in(connector, "viewer", login="vera")
    assert "cannot be decided" not in vera.get("/").text
    assert "too few can decide" in vera.get("/?view=approvals").text
    assert "Only 1 person can decide on this" in vera.get(f"/approvals/{item.work_item_id}").text
    decide(connector, item, DENY, somebody("ann"), comment="not needed")
    assert told in root.get("/").text, "it is counted once a minute"
    connector.clock.advance(61)
    assert "cannot be decided" not in root.get("/").text


def test_nothing_is_read_for_what_is_closed(start, monkeypatch):
    connector, item = of_two(start)
    decide(connector, item, DENY, somebody("ann"), comment="not needed")
    closed = connector.services.approvals.list(every=True)
    read: list[Any] = []
    monkeypatch.setattr(Matters, "prefetch", lambda _, items: read.append(items))
    assert connector.services.approvals.without_deciders(closed) == {}
    assert read == []


@pytest.mark.parametrize("is_enough", [True, False])
def test_the_doctor_names_it(start, is_enough):
    connector, item = of_two(start)
    if is_enough:
        decide(connector, item, DENY, approver("ann", email=ANN), comment="not needed")
    findings = connector.services.doctor.examine().findings
    problems = [(one.problem.code, one.found) for one in findings if one.problem]
    told = [words for code, words in problems if code == "approvals_undecidable"]
    assert len(told) == (0 if is_enough else 1)
    assert all(item.work_item_id[:8] in words for words in told)
