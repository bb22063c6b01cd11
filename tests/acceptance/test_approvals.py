"""Stories of approvals: asked for over SCIM, decided by people, carried out in DocuSign."""

from __future__ import annotations

import pytest

from connector.domain.ledger.plans import PlanState
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError, PreconditionError
from tests.approvals import approver, ask, asking_first, held, pending
from tests.connector import connected, ok, refused
from tests.simulated import simulated

ADDRESS = "ann.lee@acme.test"
APPROVE, DENY = Verdict.APPROVE, Verdict.DENY


@pytest.fixture
def world():
    return simulated(20)


@pytest.fixture
def asked_for(world):
    """The entitlement that the policy asks for."""
    return world.entitlement()


@pytest.fixture
def connector(tmp_path, world, asked_for):
    running = connected(
        tmp_path / "connector.db", world=world, entitlements=(asking_first(asked_for),)
    )
    yield running
    running.close()


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)


def the_approval(connector):
    (item,) = connector.services.approvals.list()
    return item


def test_what_needs_an_approval_waits_and_is_shown_as_pending(connector, ann, asked_for):
    user = ask(connector, ann["id"], asked_for)

    assert held(user) == {connector.baseline()}
    assert pending(user) == [("approval", asked_for, "grant")]
    assert connector.membership(ann["id"]).profile_id == connector.baseline().partition(".")[2]


def test_an_approved_change_reaches_docusign_and_scim(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)

    view = connector.services.approvals.decide(
        the_approval(connector).work_item_id, APPROVE, approver()
    )

    assert view.item.state is WorkItemState.DONE
    assert view.plan.state is PlanState.DONE
    assert connector.membership(ann["id"]).profile_id == asked_for.partition(".")[2]
    user = connector.user(ann["id"])
    assert held(user) == {asked_for}
    assert pending(user) == []


def test_a_denied_change_never_reaches_docusign(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)

    view = connector.services.approvals.decide(
        the_approval(connector).work_item_id, DENY, approver(), comment="Not in her team."
    )

    assert view.item.state is WorkItemState.DENIED
    user = connector.user(ann["id"])
    assert held(user) == {connector.baseline()}
    assert pending(user) == []


def test_asking_again_changes_nothing(connector, ann, asked_for):
    first = ask(connector, ann["id"], asked_for)

    assert ask(connector, ann["id"], asked_for) == first
    assert len(connector.services.approvals.list(every=True)) == 1


def test_the_opposite_supersedes_the_approval(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)

    user = ok(
        connector.patch(
            f"/Users/{ann['id']}", {"op": "remove", "path": f'entitlements[value eq "{asked_for}"]'}
        )
    )

    assert pending(user) == []
    (item,) = connector.services.approvals.list(every=True)
    assert item.state is WorkItemState.SUPERSEDED


def test_a_put_of_what_scim_shows_leaves_the_approval_waiting(connector, ann, asked_for):
    user = ask(connector, ann["id"], asked_for)

    after = ok(connector.put(f"/Users/{ann['id']}", {**user, "title": "Clerk"}))

    assert pending(after) == [("approval", asked_for, "grant")]


def test_somebody_new_joins_with_the_baseline_while_the_rest_waits(connector, asked_for):
    user = connector.create(ADDRESS, entitlements=[{"value": asked_for}])

    assert held(user) == {connector.baseline()}
    assert pending(user) == [("approval", asked_for, "grant")]
    connector.services.approvals.decide(the_approval(connector).work_item_id, APPROVE, approver())
    assert held(connector.user(user["id"])) == {asked_for}


def test_closing_the_person_ends_what_waits_for_them(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)

    user = ok(
        connector.patch(f"/Users/{ann['id']}", {"op": "replace", "path": "active", "value": False})
    )

    assert pending(user) == []
    assert connector.services.approvals.list() == []


def test_an_approval_decided_on_twice_is_refused_and_noted(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    item = the_approval(connector)
    connector.services.approvals.decide(item.work_item_id, DENY, approver(), comment="No.")

    with pytest.raises(InvalidRequestError, match="denied already"):
        connector.services.approvals.decide(item.work_item_id, APPROVE, approver("emil"))

    history = connector.services.approvals.get(item.work_item_id).history
    assert history[-1].act == "missed"
    assert history[-1].actor == "user:emil"


def test_a_plan_that_moved_needs_another_look(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    before = the_approval(connector)
    member = connector.membership(ann["id"])
    account = connector.world.accounts[0]
    member.profile_id = next(
        item.profile_id
        for item in account.profiles.values()
        if item.profile_id not in (member.profile_id, asked_for.partition(".")[2])
    )
    connector.clock.advance(120)
    connector.sync()

    with pytest.raises(PreconditionError, match="changed since you looked"):
        connector.services.approvals.decide(before.work_item_id, APPROVE, approver())

    after = the_approval(connector)
    assert after.state is WorkItemState.OPEN
    assert after.checksum != before.checksum
    with pytest.raises(PreconditionError):
        connector.services.approvals.decide(
            after.work_item_id, APPROVE, approver(), checksum=before.checksum
        )
    connector.services.approvals.decide(
        after.work_item_id, APPROVE, approver(), checksum=after.checksum
    )
    assert held(connector.user(ann["id"])) == {asked_for}


def test_nobody_approves_their_own_access(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)

    with pytest.raises(ForbiddenError, match="their own access"):
        connector.services.approvals.decide(
            the_approval(connector).work_item_id, APPROVE, approver("ann", email=ADDRESS.upper())
        )

    assert the_approval(connector).state is WorkItemState.OPEN


def test_who_cannot_wait_is_refused(tmp_path, world):
    running = connected(tmp_path / "all.db", world=world, entitlements=(asking_first("*"),))
    try:
        detail = refused(running.post("/Users", {"userName": ADDRESS}), 400, "invalidValue")
        assert "has to be approved first" in detail
    finally:
        running.close()


def test_a_forgotten_reason_is_no_refused_attempt(connector, ann, asked_for):
    ask(connector, ann["id"], asked_for)
    item = the_approval(connector)

    for comment in ("", "  "):
        with pytest.raises(InvalidRequestError, match="give a comment"):
            connector.services.approvals.decide(
                item.work_item_id, DENY, approver(), comment=comment
            )
    connector.services.approvals.decide(item.work_item_id, APPROVE, approver())

    (story,) = connector.services.audit.explain(ann["id"], asked_for).stories
    assert story.refused == []
    history = connector.services.approvals.get(item.work_item_id).history
    assert "refused" not in [event.act for event in history]
