"""Whom a mail about a work item goes to: those who can act on it now, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.domain.notifications import Notice
from connector.domain.work_items.items import WorkItemKind
from connector.errors import ForbiddenError
from connector.services.authentication.identities import Identity
from connector.services.notifications.recipients import recipients_of
from connector.services.outbox import new_delivery
from connector.settings import ChannelSettings, NotificationSettings
from connector.store.console import SqlConsole
from tests.approvals import (
    APPROVE,
    DAY,
    JOB,
    add_account,
    approver,
    ask,
    decide,
    disable,
    somebody,
    waiting,
)
from tests.connector import ENTERPRISE


def told(connector, item, word="approvers", groups=()):
    """Return whom a channel with this word reaches."""
    context = connector.services.context
    notifications = NotificationSettings(group_addresses=dict(groups))
    context = replace(context, settings=replace(context.settings, notifications=notifications))
    now = connector.clock.now()
    delivery = new_delivery(
        Notice.APPROVAL_REQUESTED,
        ChannelSettings("mail"),
        now,
        about=item.work_item_id,
        subject_id=item.subject_id,
    )
    with context.read() as uow:
        return recipients_of(uow, context, [word], delivery)


def away(connector, by, to, **more):
    now = connector.clock.now()
    return connector.services.delegations.begin(by, to, now, now + timedelta(days=7), **more)


def test_accounts_are_read_once_for_many_who_approve(start, monkeypatch):
    people = [f"approver{number}" for number in range(5)]
    connector, asked_for = start(approvers={"people": people})
    for login in people:
        add_account(connector, login, ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    reads, real = [], SqlConsole.provider_sessions

    def counted(self):
        reads.append(self)
        return real(self)

    monkeypatch.setattr(SqlConsole, "provider_sessions", counted)
    assert len(told(connector, item)) == len(people)
    assert len(reads) <= 2


def test_who_stands_in_is_told_as_long_as_they_do(start):
    connector, asked_for = start()
    add_account(connector, "bob", ConsoleRole.APPROVER)
    add_account(connector, "vic", ConsoleRole.VIEWER)
    _, item = waiting(connector, asked_for)
    assert told(connector, item) == ["bob@staff.example"]
    away(connector, somebody("bob", ConsoleRole.APPROVER, is_local=True), "vic")
    assert told(connector, item) == ["bob@staff.example", "vic@staff.example"]
    disable(connector, "bob")
    assert told(connector, item) == []


def test_administrators_are_told_where_the_role_decides(start):
    connector, asked_for = start()
    add_account(connector, "root", ConsoleRole.ADMINISTRATOR)
    add_account(connector, "olga", ConsoleRole.OPERATOR)
    _, item = waiting(connector, asked_for)
    assert told(connector, item) == ["root@staff.example"]
    assert told(connector, item, "role:approver") == []


def test_the_policy_of_the_moment_says_who_is_told(start):
    connector, asked_for = start(approvers={"people": ["bob@x.example"]})
    _, item = waiting(connector, asked_for)
    rule = connector.services.context.policy.mapping.rules[0]
    changed = type(rule.approvers)(people=("carl@x.example",))
    object.__setattr__(rule, "approvers", changed)
    assert told(connector, item) == ["carl@x.example"]


def test_who_may_not_decide_is_not_told(start):
    people = ["bob@x.example", "ann.lee@acme.test"]
    connector, asked_for = start(approvers={"people": people})
    _, item = waiting(connector, asked_for)
    assert told(connector, item) == ["bob@x.example"]


def test_a_group_is_told_by_its_address_and_whoever_of_it_is_signed_in(start):
    connector, asked_for = start(approvers={"groups": ["Owners"]})
    _, item = waiting(connector, asked_for)
    assert told(connector, item) == []
    assert told(connector, item, groups={"owners": "owners@x.example", "Else": "e@x.example"}) == [
        "owners@x.example"
    ]
    identity = Identity(
        "olaf",
        "Olaf",
        "olaf@x.example",
        frozenset({ConsoleRole.VIEWER}),
        frozenset({"Owners"}),
        SignInMethod.OIDC,
    )
    connector.application.console_sign_in.with_identity("default", identity, "c")
    assert told(connector, item) == ["olaf@x.example"]


def test_an_overdue_task_reaches_whom_the_rule_escalates_to(start):
    connector, asked_for = start(fulfilment="manual", escalate_to={"people": ["ciso@x.example"]})
    user = connector.create("ann.lee@acme.test")
    ask(connector, user["id"], asked_for)
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    assert told(connector, task, "owner") == []
    connector.clock.advance(60 * DAY)
    connector.services.due.run(JOB)
    for word in ("owner", "approvers", "assignee"):
        assert told(connector, task, word) == ["ciso@x.example"]
    assert told(connector, task, "person") == ["ann.lee@acme.test"]


@pytest.mark.parametrize("named", ["id", "address", "externalId"])
def test_the_manager_is_found_however_the_client_names_them(start, named):
    connector, asked_for = start(approvers={"manager": True})
    boss = connector.create("boss@acme.test", externalId="00uBOSS")
    value = {"id": boss["id"], "address": "Boss@Acme.test", "externalId": "00uBOSS"}[named]
    more: dict[str, Any] = {"externalId": "00uANN", ENTERPRISE: {"manager": {"value": value}}}
    _, item = waiting(connector, asked_for, **more)
    assert [address.lower() for address in told(connector, item)] == ["boss@acme.test"]
    with pytest.raises(ForbiddenError, match="the manager"):
        decide(connector, item, APPROVE, approver("dora"))
    decide(connector, item, APPROVE, somebody("b", email="boss@acme.test"))


@pytest.mark.parametrize("manager", [None, "00uNOBODY", "ann.lee@acme.test"])
def test_without_a_manager_who_could_decide_the_role_decides(start, manager):
    connector, asked_for = start(approvers={"manager": True})
    add_account(connector, "dora", ConsoleRole.APPROVER)
    more: dict[str, Any] = {ENTERPRISE: {"manager": {"value": manager}}} if manager else {}
    _, item = waiting(connector, asked_for, **more)
    assert told(connector, item) == ["dora@staff.example"]
    words = connector.services.approvals.get(item.work_item_id).approvers
    assert words.startswith("whoever has the role approver, the manager (")
    decide(connector, item, APPROVE, approver("dora"))


def test_an_unknown_manager_is_nobody_where_others_are_named(start):
    connector, asked_for = start(approvers={"manager": True, "people": ["carl@x.example"]})
    _, item = waiting(connector, asked_for)
    assert told(connector, item) == ["carl@x.example"]
    with pytest.raises(ForbiddenError, match=r"carl@x\.example, the manager \(unknown\)"):
        decide(connector, item, APPROVE, approver("dora"))
