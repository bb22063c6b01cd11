"""Who looks like an organization administrator: invited, delegated, of another organization."""

from __future__ import annotations

import pytest

from connector.domain.work_items.items import Direction
from simulator.state import users
from simulator.state.model import OtherAdmin
from tests.connector import DOCUSIGN, ORGANIZATION_ADMIN
from tests.services.tasks.opening import JOB, open_task

FLAGS = {
    OtherAdmin.INVITED: "invited_admin_flag",
    OtherAdmin.DELEGATED: "delegated_admin_flag",
    OtherAdmin.FOREIGN: "foreign_admin_flag",
}


@pytest.fixture(params=list(OtherAdmin))
def kind(request):
    return request.param


def roles(connector, user_id):
    return {role["value"] for role in connector.user(user_id).get("roles", [])}


def extension(connector, user_id):
    return connector.user(user_id)[f"{DOCUSIGN}User"]


def test_a_grant_is_done_once_docusign_shows_the_full_role(connector, ann, work, kind):
    task = open_task(connector, ann, ORGANIZATION_ADMIN)
    state = connector.world.state
    users.make_other_admin(state, state.user(ann), kind)
    assert connector.services.verification.verify_all(JOB)["closed"] == 0
    assert work.get(task).last_check == "DocuSign: the user is no organization administrator"
    assert roles(connector, ann) == set()

    users.set_organization_admin(state, state.user(ann), value=True)
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert roles(connector, ann) == {ORGANIZATION_ADMIN}


def test_somebody_else_on_the_address_verifies_nothing(connector, ann, kind):
    open_task(connector, ann, ORGANIZATION_ADMIN)
    state = connector.world.state
    connector.world.set_variants(**{FLAGS[kind]: True})
    other = connector.world.member().user
    assert other.user_id != ann
    users.make_other_admin(state, other, kind)
    state.readdress(other, state.user(ann).email)
    assert connector.services.verification.verify_all(JOB)["closed"] == 0
    assert roles(connector, ann) == set()


def test_who_looks_like_one_is_not_aggregated_as_one(
    connector, work, administrator_of_an_account, kind
):
    user = administrator_of_an_account
    users.make_other_admin(connector.world.state, user, kind)
    connector.reconcile()
    assert work.list() == []
    assert roles(connector, user.user_id) == set()
    shown = extension(connector, user.user_id)
    assert shown["organizationAdmin"]["value"] is False
    governed = {item.account_id for item in connector.world.accounts}
    assert {item["account"] for item in shown["memberships"]} <= governed


def test_whom_docusign_shows_as_one_people_are_asked_about(
    connector, work, administrator_of_an_account, kind
):
    """The flag says no more: what looks like the role is never taken for one that was asked for."""
    user = administrator_of_an_account
    connector.world.set_variants(**{FLAGS[kind]: True})
    users.make_other_admin(connector.world.state, user, kind)
    connector.reconcile()
    (item,) = work.list()
    assert (item.subject_id, item.entitlement) == (user.user_id, ORGANIZATION_ADMIN)
    assert item.direction is Direction.REVOKE
    assert roles(connector, user.user_id) == {ORGANIZATION_ADMIN}

    user.other_admin.clear()
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert roles(connector, user.user_id) == set()


@pytest.mark.parametrize("left", [OtherAdmin.DELEGATED, OtherAdmin.FOREIGN])
def test_a_revocation_is_done_although_something_less_is_left(
    connector, work, administrator_of_an_account, left
):
    user, state = administrator_of_an_account, connector.world.state
    users.set_organization_admin(state, user, value=True)
    connector.reconcile()
    assert len(work.list()) == 1
    users.set_organization_admin(state, user, value=False)
    users.make_other_admin(state, user, left)
    assert connector.services.verification.verify_all(JOB)["closed"] == 1
    assert roles(connector, user.user_id) == set()
