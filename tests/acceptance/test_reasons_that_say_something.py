"""One rule for every reason that is needed: what says nothing is refused with what it takes, and
forms tell that before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.work_items.items import WorkItemKind
from connector.domain.writing import LEAST_WORDS
from connector.errors import InvalidRequestError
from simulator.state.model import Status
from tests.approvals import DENY, administrator, approver, ask, operator
from tests.connector import ManualClock, connected
from tests.simulated import simulated
from tests.visitors import ask_for_admin, signed_in

ROLE = {"auditor": {"display": "Auditor", "instructions": {"grant": ["-"], "revoke": ["-"]}}}
SAYS_NOTHING = (".", "x", "zzz")


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    world = simulated(10, now=clock.now)
    rule = {"match": world.entitlement(), "fulfilment": "approval"}
    running = connected(
        tmp_path / "c.db", world=world, clock=clock, manual_roles=ROLE, entitlements=(rule,)
    )
    with closing(running):
        yield running


def finding(connector) -> str:
    """Return a difference that is there: a new title."""
    connector.reconcile()
    user = connector.create("eve@acme.test")
    connector.membership(user["id"]).job_title = "Chief"
    connector.clock.advance(120)
    connector.reconcile()
    return connector.findings(DriftKind.CHANGED_ATTRIBUTE)[0].finding_id


def approval(connector) -> str:
    ask(connector, connector.create("ann@acme.test")["id"], connector.world.entitlement())
    (item,) = connector.services.approvals.list()
    return item.work_item_id


def task(connector) -> str:
    user = connector.create("ann@acme.test")
    value = [{"value": "auditor"}]
    connector.patch(f"/Users/{user['id']}", {"op": "add", "path": "roles", "value": value})
    (item,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    return item.work_item_id


def attest(connector) -> Callable[[str], Any]:
    item, tasks = task(connector), connector.services.tasks
    tasks.complete(item, operator("olga"))
    return lambda said: tasks.attest(item, operator("paul"), said)


def accept(connector) -> Callable[[str], Any]:
    item, desk = finding(connector), connector.services.drift.desk
    return lambda said: desk.accept(item, operator(), said)


def revert(connector) -> Callable[[str], Any]:
    item, desk = finding(connector), connector.services.drift.desk
    return lambda said: desk.revert(item, operator(), said)


def several(connector) -> Callable[[str], Any]:
    decisions = connector.services.drift.decisions
    choice = decisions.named([finding(connector)])
    return lambda said: decisions.accept(choice, operator(), said)


def reject(connector) -> Callable[[str], Any]:
    item, tasks = task(connector), connector.services.tasks
    return lambda said: tasks.reject(item, operator(), said)


def comment(connector) -> Callable[[str], Any]:
    item, work = task(connector), connector.services.work_items
    return lambda said: work.comment(item, operator(), said)


def deny(connector) -> Callable[[str], Any]:
    item, approvals = approval(connector), connector.services.approvals
    return lambda said: approvals.decide(item, DENY, approver(), comment=said)


def erase(connector) -> Callable[[str], Any]:
    leaver = connector.world.member(status=Status.CLOSED).user.user_id
    return lambda said: connector.services.erasures.request(leaver, said, administrator())


@pytest.mark.parametrize(
    "begin",
    [accept, revert, several, reject, attest, comment, deny, erase],
    ids=lambda f: f.__name__,
)
def test_a_reason_that_says_nothing_is_refused_with_what_is_needed(connector, begin):
    act = begin(connector)
    for said in SAYS_NOTHING:
        with pytest.raises(InvalidRequestError, match=LEAST_WORDS):
            act(said)
    act("As Legal wrote")


@pytest.mark.parametrize(
    ("role", "find"),
    [
        ("operator", lambda connector: f"/drift/{finding(connector)}"),
        ("operator", lambda connector: finding(connector) and "/drift"),
        ("approver", lambda connector: f"/approvals/{approval(connector)}"),
        ("administrator", lambda _: "/erasures"),
    ],
    ids=["finding", "drift", "approval", "erasures"],
)
def test_a_form_tells_it_before(connector, role, find):
    page = find(connector)
    assert LEAST_WORDS in signed_in(connector, role).get(page).get_data(as_text=True)


def test_a_task_tells_it_before(connector):
    item = ask_for_admin(connector, connector.world.member().user.user_id)
    page = signed_in(connector, "operator").get(f"/tasks/{item}").get_data(as_text=True)
    assert page.count(LEAST_WORDS) >= 2  # to reject it, and to say something
    assert 'name="comment" rows="2" maxlength="4000" required minlength="2"' in page
