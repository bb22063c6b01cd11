"""Who no longer has a say, and who is one person under two names."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.items import WorkItemState
from connector.errors import ClosedError, ForbiddenError
from connector.services.context import Actor
from tests.approvals import (
    APPROVE,
    add_account,
    administrator,
    approver,
    asked_by,
    decide,
    disable,
    somebody,
    waiting,
)

RITA = "rita@acme.test"


def local(login, role=ConsoleRole.APPROVER, **more):
    return somebody(login, role, is_local=True, **more)


def away(connector, by, to, **more):
    now = connector.clock.now()
    return connector.services.delegations.begin(by, to, now, now + timedelta(days=7), **more)


def agreed(view):
    return view.item.state, list(view.approved_by)


def viewer_only(connector, login):
    connector.application.console_accounts.set_roles(
        "default", login, [ConsoleRole.VIEWER], administrator()
    )


@pytest.mark.parametrize("put_out", [disable, viewer_only])
def test_the_vote_of_an_account_that_was_put_out_does_not_count(start, put_out):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "ann.a", ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    assert agreed(decide(connector, item, APPROVE, local("ann.a")))[1] == ["ann.a"]
    put_out(connector, "ann.a")
    view = decide(connector, item, APPROVE, approver("dora"))
    assert agreed(view) == (WorkItemState.OPEN, ["dora"])
    view = decide(connector, item, APPROVE, approver("carl"))
    assert agreed(view) == (WorkItemState.DONE, ["dora", "carl"])


def test_a_vote_through_the_provider_does_not_fall_with_a_local_namesake(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "bob", ConsoleRole.APPROVER)
    disable(connector, "bob")
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, approver("bob"))
    assert decide(connector, item, APPROVE, approver("dora")).item.state is WorkItemState.DONE


@pytest.mark.parametrize("put_out", [disable, viewer_only])
def test_a_delegation_ends_with_the_account_of_who_is_away(start, put_out):
    connector, asked_for = start()
    add_account(connector, "bob", ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for)
    away(connector, local("bob"), "vic")
    put_out(connector, "bob")
    with pytest.raises(ForbiddenError, match="not among the approvers"):
        decide(connector, item, APPROVE, somebody("vic"))


def test_a_delegation_by_an_administrator_ends_with_the_account_of_that_address(start):
    connector, asked_for = start(approvers={"people": ["bob@acme.test"]})
    add_account(connector, "bob", ConsoleRole.APPROVER, email="Bob@acme.test")
    _, item = waiting(connector, asked_for)
    away(connector, administrator(), "vic", absent="bob@acme.test")
    assert connector.services.approvals.inbox(somebody("vic"))
    disable(connector, "bob")
    assert not connector.services.approvals.inbox(somebody("vic"))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("vic"))


def test_the_voice_lent_to_somebody_who_was_put_out_does_not_count(start):
    connector, asked_for = start(approvers={"people": ["bob", "dora"]}, approvals_needed=2)
    add_account(connector, "vic", ConsoleRole.VIEWER)
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), "vic")
    decide(connector, item, APPROVE, local("vic", role=ConsoleRole.VIEWER))
    disable(connector, "vic")
    assert agreed(decide(connector, item, APPROVE, somebody("dora"))) == (
        WorkItemState.OPEN,
        ["dora"],
    )
    assert decide(connector, item, APPROVE, somebody("bob")).item.state is WorkItemState.DONE


def test_absent_and_delegate_are_one_voice_where_an_administrator_arranged_it(start):
    people = ["bob@acme.test", "dora@acme.test"]
    connector, asked_for = start(approvers={"people": people}, approvals_needed=2)
    _, item = waiting(connector, asked_for)
    away(connector, administrator(), "carl", absent="bob@acme.test")
    decide(connector, item, APPROVE, somebody("carl"))
    with pytest.raises(ClosedError, match="approved this already"):
        decide(connector, item, APPROVE, somebody("bob", email="Bob@acme.test"))
    view = connector.services.approvals.get(item.work_item_id)
    assert agreed(view) == (WorkItemState.OPEN, ["bob@acme.test"])


def test_two_logins_with_one_address_are_one_person(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "bob", ConsoleRole.APPROVER, email="bob@acme.test")
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, local("bob", email="bob@acme.test"))
    with pytest.raises(ClosedError, match="approved this already"):
        decide(connector, item, APPROVE, approver("bob@acme.test", email="bob@acme.test"))
    assert decide(connector, item, APPROVE, approver("dora")).item.state is WorkItemState.DONE


def renamed(connector, login, email):
    connector.application.console_accounts.set_email("default", login, email, administrator())


def test_a_new_address_gives_nobody_a_second_voice(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "robert", ConsoleRole.APPROVER, email="bob@acme.test")
    _, item = waiting(connector, asked_for)
    decide(connector, item, APPROVE, local("robert", email="bob@acme.test"))
    renamed(connector, "robert", "robert@acme.test")
    for email in ("bob@acme.test", "robert@acme.test"):
        with pytest.raises(ClosedError, match="approved this already"):
            decide(connector, item, APPROVE, approver("bob", email=email))
    assert decide(connector, item, APPROVE, approver("dora")).item.state is WorkItemState.DONE


def test_who_turns_out_to_be_the_beneficiary_has_not_decided(start):
    connector, asked_for = start(approvals_needed=2)
    add_account(connector, "lee", ConsoleRole.APPROVER)
    _, item = waiting(connector, asked_for, "ann.lee@acme.test")
    decide(connector, item, APPROVE, local("lee"))
    renamed(connector, "lee", "Ann.Lee@acme.test")
    view = decide(connector, item, APPROVE, approver("dora"))
    assert agreed(view) == (WorkItemState.OPEN, ["dora"])
    assert decide(connector, item, APPROVE, approver("carl")).item.state is WorkItemState.DONE


def test_one_who_decided_for_somebody_does_not_decide_again_as_themselves(start):
    connector, asked_for = start(approvals_needed=2)
    _, item = waiting(connector, asked_for)
    away(connector, approver("bob"), "carl")
    decide(connector, item, APPROVE, somebody("carl"))
    with pytest.raises(ClosedError, match="approved this already"):
        decide(connector, item, APPROVE, approver("carl"))


@pytest.mark.parametrize("has_account", [True, False])
def test_who_asked_does_not_decide_under_another_login(start, has_account):
    connector, asked_for = start()
    if has_account:
        add_account(connector, "rita", ConsoleRole.APPROVER, email=RITA)
    user = connector.create("ann.lee@acme.test")
    # Before addresses were kept, the account alone told.
    rita = Actor("user:rita", "cli", "test") if has_account else approver("rita", email=RITA)
    item = asked_by(connector, rita, user["id"], asked_for)
    with pytest.raises(ForbiddenError, match="what they asked for"):
        decide(connector, item, APPROVE, approver("rita.r", email=RITA))
