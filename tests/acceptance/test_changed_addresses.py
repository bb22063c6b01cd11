"""Somebody whose address changes stays the same person to whoever decides on their access."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import pytest

from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from connector.errors import ForbiddenError
from connector.services.authentication.identities import Identity
from connector.services.drift.adoption import Selection
from tests.approvals import administrator, approver, ask, asking_first, held, operator
from tests.connector import connected, ok
from tests.databases import ON_BOTH
from tests.simulated import simulated
from tests.visitors import add_account

pytestmark = ON_BOTH

BEFORE = "eve.stone@northwind-freight.example"
AFTER = "eve.marble@northwind-freight.example"
MINUTES = 120.0


@pytest.fixture
def asked_for():
    return simulated(20).entitlement()


@pytest.fixture
def connector(database, asked_for):
    rules = (asking_first(asked_for),)
    with closing(connected(database, world=simulated(20), entitlements=rules)) as running:
        running.reconcile()
        yield running


@pytest.fixture
def eve(connector):
    user_id = connector.create(BEFORE)["id"]
    connector.reconcile()
    connector.clock.advance(MINUTES)
    return user_id


def natively(connector, user_id, address=AFTER):
    state = connector.world.state
    state.readdress(state.user(user_id), address)
    connector.sync()


def over_scim(connector, user_id, address=AFTER):
    change = {"op": "replace", "path": "userName", "value": address}
    assert ok(connector.patch(f"/Users/{user_id}", change))["userName"] == address


CHANGES = pytest.mark.parametrize("change", [natively, over_scim])


def refused_and_left_to_others(connector, user_id, asked_for):
    (item,) = connector.services.approvals.list()
    for address in (BEFORE, AFTER.upper()):
        mine = approver("eve", email=address)
        assert connector.services.approvals.inbox(mine) == []
        with pytest.raises(ForbiddenError, match="their own access"):
            connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, mine)
    assert asked_for not in held(connector.user(user_id))
    view = connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, approver())
    assert view.item.state is WorkItemState.DONE
    assert held(connector.user(user_id)) == {asked_for}


@CHANGES
def test_nobody_approves_their_own_access_after_their_address_changed(
    connector, eve, asked_for, change
):
    ask(connector, eve, asked_for)
    change(connector, eve)
    refused_and_left_to_others(connector, eve, asked_for)


@CHANGES
def test_nobody_approves_what_was_asked_for_after_their_address_changed(
    connector, eve, asked_for, change
):
    change(connector, eve)
    ask(connector, eve, asked_for)
    refused_and_left_to_others(connector, eve, asked_for)


NEW = "eve.flint@staff.example"


def by_an_administrator(connector):
    """Give the account of the console another address, while DocuSign keeps the old one."""
    add_account(connector, "eve", "approver")
    accounts, root = connector.application.console_accounts, administrator("root")
    accounts.set_email("default", "eve", BEFORE, root)
    accounts.set_email("default", "eve", NEW, root)


def by_the_identity_provider(connector):
    for email in (BEFORE, NEW):
        identity = Identity("eve", "Eve", email, frozenset({ConsoleRole.APPROVER}), frozenset())
        connector.application.console_sign_in.with_identity("default", identity, "c")


@pytest.mark.parametrize("change", [by_an_administrator, by_the_identity_provider])
def test_nobody_approves_their_own_access_after_the_console_knows_another_address(
    connector, eve, asked_for, change
):
    ask(connector, eve, asked_for)
    change(connector)
    (item,) = connector.services.approvals.list()
    # By the same login, and by another one that came to the new address.
    for login in ("eve", "e.flint"):
        mine = approver(login, email=NEW)
        with pytest.raises(ForbiddenError, match="their own access"):
            connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, mine)
    other = approver("zoe", email="zoe@staff.example")
    view = connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, other)
    assert view.item.state is WorkItemState.DONE


def test_an_address_that_was_never_theirs_makes_nobody_somebody_else(connector, eve, asked_for):
    ask(connector, eve, asked_for)
    add_account(connector, "ann", "approver")
    accounts, root = connector.application.console_accounts, administrator("root")
    accounts.set_email("default", "ann", BEFORE, root)
    accounts.set_email("default", "ann", NEW, root, was_wrong=True)
    (item,) = connector.services.approvals.list()
    ann = approver("ann", email=NEW)
    view = connector.services.approvals.decide(item.work_item_id, Verdict.APPROVE, ann)
    assert view.item.state is WorkItemState.DONE


def test_every_earlier_address_counts_also_of_somebody_who_is_created_again(
    connector, eve, asked_for
):
    natively(connector, eve, "eve.slate@northwind-freight.example")
    natively(connector, eve)
    connector.delete(f"/Users/{eve}")
    again = connector.create(AFTER)["id"]
    ask(connector, again, asked_for)
    refused_and_left_to_others(connector, again, asked_for)


@CHANGES
def test_nobody_accepts_a_finding_about_themselves_after_their_address_changed(
    connector, eve, asked_for, change
):
    member = connector.membership(eve)
    member.profile_id = asked_for.partition(".")[2]
    connector.reconcile()
    (found,) = (item for item in connector.findings() if item.subject_id == eve)
    change(connector, eve)
    desk = connector.services.drift.desk
    for address in (BEFORE, AFTER):
        with pytest.raises(ForbiddenError, match="your own user"):
            desk.accept(found.finding_id, operator("eve", email=address), "Ordered")
    desk.accept(found.finding_id, operator(), "Ordered")


def test_nobody_takes_over_themselves_after_their_address_changed(connector):
    connects = connector.services.context.settings.user_id
    members = connector.world.accounts[0].members.values()
    user = next(m.user for m in members if m.status.is_open and m.user.user_id != connects)
    before = user.email
    connector.reconcile()
    natively(connector, user.user_id)
    adopt, chosen = connector.services.drift.adoption.adopt, Selection(email=AFTER)
    mine = adopt(chosen, operator("eve", email=before), apply=True)
    assert ([item.user.user_id for item in mine.own], mine.adopted) == ([user.user_id], [])
    assert len(adopt(chosen, operator(), apply=True).adopted) == 1


def test_an_erasure_takes_two_others_and_forgets_every_address(connector, eve):
    natively(connector, eve)
    connector.delete(f"/Users/{eve}")
    connector.clock.advance(timedelta(hours=25).total_seconds())
    erasures = connector.services.erasures
    mine = administrator("eve", email=BEFORE)
    with pytest.raises(ForbiddenError, match="their own erasure"):
        erasures.request(AFTER, "letter 7", mine)
    asked = erasures.request(AFTER, "letter 7", administrator())
    assert "their own erasure" in erasures.view(asked.erasure_id, mine).refusal
    with pytest.raises(ForbiddenError, match="their own erasure"):
        erasures.confirm(asked.erasure_id, mine)
    with connector.services.context.read() as uow:
        assert uow.attributes.earlier_addresses([eve]) == {eve: {BEFORE}}
    erasures.confirm(asked.erasure_id, administrator("bob"))
    with connector.services.context.read() as uow:
        assert uow.attributes.earlier_addresses([eve]) == {}
