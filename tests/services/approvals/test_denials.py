"""What whoever asked sees of a denial, and how long it holds."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.work_items.items import WorkItemState
from connector.services.mirror.writer import MirrorWriter
from connector.settings import ApprovalSettings
from simulator.faults import Fault
from tests.approvals import (
    APPROVE,
    DAY,
    DENY,
    JOB,
    administrator,
    approver,
    ask,
    decide,
    held,
    pending,
    waiting,
)
from tests.connector import DOCUSIGN, ok

TITLE = {"op": "replace", "path": "title", "value": "Clerk"}


def denied(user):
    return user[f"{DOCUSIGN}User"].get("denied", [])


def test_a_denial_is_shown_with_its_reason_and_asked_again_nobody_is_nagged(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="Not in the team")
    (shown,) = denied(connector.user(user["id"]))
    assert (shown["workItem"], shown["entitlement"]) == (item.work_item_id, asked_for)
    assert shown["reason"] == "Not in the team"
    assert shown["until"] > shown["at"]

    again = ask(connector, user["id"], asked_for)

    assert denied(again) == [shown]
    assert pending(again) == []
    assert connector.services.approvals.list() == []


def test_the_rest_of_a_repeated_request_is_carried_out(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    changed = ok(
        connector.patch(
            f"/Users/{user['id']}",
            {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]},
            {"op": "replace", "path": "name.familyName", "value": "Moss"},
        )
    )
    assert changed["name"]["familyName"] == "Moss"
    assert held(changed) == {connector.baseline()}
    assert connector.services.approvals.list() == []


def test_after_a_while_it_can_be_asked_for_again(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    connector.clock.advance(7 * DAY + 1)
    again = ask(connector, user["id"], asked_for)
    assert pending(again) == [("approval", asked_for, "grant")]
    assert denied(again) == []


def test_a_denial_is_shown_no_longer_than_it_holds(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    connector.clock.advance(7 * DAY - 60)
    connector.services.due.run(JOB)
    assert len(denied(connector.user(user["id"]))) == 1
    connector.clock.advance(120)
    connector.services.due.run(JOB)
    shown = connector.user(user["id"])
    assert denied(shown) == []
    connector.clock.advance(300)
    connector.services.due.run(JOB)
    assert connector.user(user["id"])["meta"] == shown["meta"], "nothing changes any more"


def rendered(connector, monkeypatch):
    """Return the list to which each rendering of users is added from now on."""
    seen, real = [], MirrorWriter.rerender_users

    def spy(self, uow, user_ids):
        seen.append(set(user_ids))
        return real(self, uow, user_ids)

    monkeypatch.setattr(MirrorWriter, "rerender_users", spy)
    return seen


def test_whose_denial_ended_is_rendered_once(start, monkeypatch):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    seen = rendered(connector, monkeypatch)
    for _ in range(3):
        connector.clock.advance(300)
        connector.services.due.run(JOB)
    connector.clock.advance(7 * DAY)
    for _ in range(3):
        connector.clock.advance(300)
        connector.services.due.run(JOB)
    assert [one for one in seen if one] == [{user["id"]}]
    assert denied(connector.user(user["id"])) == []


def test_a_denial_that_ended_while_no_jobs_ran_for_long_is_shown_no_longer(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    connector.services.due.run(JOB)
    decide(connector, item, DENY, approver(), comment="No")
    connector.clock.advance(30 * DAY)
    connector.services.due.run(JOB)
    assert denied(connector.user(user["id"])) == []


def test_a_denial_that_a_longer_quiet_time_brought_back_ends_in_its_turn(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    connector.clock.advance(8 * DAY)
    connector.services.due.run(JOB)
    longer = ApprovalSettings(quiet_days_after_denial=14)
    settings = replace(connector.services.settings, approvals=longer)
    object.__setattr__(connector.services.context, "settings", settings)
    connector.services.due.run(JOB)
    ok(connector.patch(f"/Users/{user['id']}", TITLE))
    assert len(denied(connector.user(user["id"]))) == 1
    connector.clock.advance(7 * DAY)
    connector.services.due.run(JOB)
    assert denied(connector.user(user["id"])) == []


def test_a_denial_of_what_is_held_meanwhile_is_not_shown(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    assert len(denied(connector.user(user["id"]))) == 1
    connector.membership(user["id"]).profile_id = asked_for.partition(".")[2]
    connector.sync()
    shown = connector.user(user["id"])
    assert (held(shown), denied(shown)) == ({asked_for}, [])


def reasoned(connector, user_id, asked_for, reason):
    """Ask over SCIM with a reason; return the user."""
    add = {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]}
    why = {"op": "add", "path": f"{DOCUSIGN}User:reason", "value": reason}
    return ok(connector.patch(f"/Users/{user_id}", add, why))


def test_a_denial_holds_by_whatever_name_it_is_asked_for_again(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    add = {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]}
    other = connector.client_token("another-suite")
    assert ok(connector.patch(f"/Users/{user['id']}", add, token=other))
    assert connector.services.approvals.list() == []


def created_again(connector, user):
    """Delete somebody and create them on the same address; return them with their new id."""
    assert connector.delete(f"/Users/{user['id']}").status_code == 204
    again = connector.create(user["userName"])
    assert again["id"] != user["id"], "DocuSign made a second user"
    return again


def test_a_denial_holds_for_whoever_is_deleted_and_created_again(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")

    again = created_again(connector, user)
    assert [one["workItem"] for one in denied(again)] == [item.work_item_id]
    assert pending(ask(connector, again["id"], asked_for)) == []
    assert connector.services.approvals.list() == []

    reasoned(connector, again["id"], asked_for, "Leads the team from May")
    (new,) = connector.services.approvals.list()
    before = connector.services.approvals.get(new.work_item_id).denied_before
    assert before.work_item_id == item.work_item_id

    decide(connector, new, APPROVE, approver(), comment="Right")
    assert denied(connector.user(again["id"])) == []
    third = created_again(connector, again)
    assert denied(third) == []
    assert pending(ask(connector, third["id"], asked_for)) == [("approval", asked_for, "grant")]


def test_a_denial_does_not_pass_to_whoever_gets_a_recycled_address(start):
    connector, asked_for = start()
    former = connector.create("j.smith@acme.test", externalId="hr-1")["id"]
    ask(connector, former, asked_for)
    (item,) = connector.services.approvals.list()
    decide(connector, item, DENY, approver(), comment="No")
    assert connector.delete(f"/Users/{former}").status_code == 204

    new = connector.create("j.smith@acme.test", externalId="hr-2")
    assert new["id"] != former
    assert denied(new) == []
    assert pending(ask(connector, new["id"], asked_for)) == [("approval", asked_for, "grant")]
    (asked,) = connector.services.approvals.list()
    assert connector.services.approvals.get(asked.work_item_id).denied_before is None


def test_what_is_approved_and_waits_for_docusign_overrules_the_denial_at_once(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    reasoned(connector, user["id"], asked_for, "Leads the team from May")
    (new,) = connector.services.approvals.list()
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=503))
    decide(connector, new, APPROVE, approver(), comment="Right")
    assert connector.services.approvals.get(new.work_item_id).item.state is WorkItemState.APPROVED
    connector.world.faults.clear()
    ok(connector.patch(f"/Users/{user['id']}", TITLE, prefer="respond-async"), 202)
    assert denied(connector.user(user["id"])) == []


def test_who_gives_a_new_reason_asks_something_new_and_the_denial_is_shown(start):
    connector, asked_for = start()
    user = connector.create("ann.lee@acme.test")
    reasoned(connector, user["id"], asked_for, "Covers for Bea")
    (item,) = connector.services.approvals.list()
    assert connector.services.approvals.get(item.work_item_id).denied_before is None
    decide(connector, item, DENY, approver(), comment="Bea is back")

    nothing = ("", ".", "\u2800", "\u3164\u034f")
    same_words = ("covers  for\nBEA", "Covers for Bea.", "Covers for Be\u034fa\u3164\u2800")
    for same in (*nothing, *same_words):
        assert pending(reasoned(connector, user["id"], asked_for, same)) == []
    again = reasoned(connector, user["id"], asked_for, "Leads the team from May")

    assert pending(again) == [("approval", asked_for, "grant")]
    (item,) = connector.services.approvals.list()
    shown = connector.services.approvals.get(item.work_item_id).denied_before
    assert (shown.closed_by, shown.comment) == ("user:dora", "Bea is back")


def test_an_approval_ends_what_was_denied_before(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    reasoned(connector, user["id"], asked_for, "Leads the team from May")
    (item,) = connector.services.approvals.list()
    decide(connector, item, APPROVE, approver(), comment="Right")
    assert held(connector.user(user["id"])) == {asked_for}
    value = [{"value": connector.baseline()}]
    lost = {"op": "replace", "path": "entitlements", "value": value}
    assert denied(ok(connector.patch(f"/Users/{user['id']}", lost))) == []
    again = ask(connector, user["id"], asked_for)
    assert pending(again) == [("approval", asked_for, "grant")]


def test_with_no_quiet_days_nothing_is_shown(start):
    connector, asked_for = start(settings=ApprovalSettings(quiet_days_after_denial=0))
    user, item = waiting(connector, asked_for)
    decide(connector, item, DENY, approver(), comment="No")
    assert denied(connector.user(user["id"])) == []
    assert pending(ask(connector, user["id"], asked_for)) == [("approval", asked_for, "grant")]


def test_a_request_that_was_not_denied_is_no_denial(start):
    connector, asked_for = start()
    user, item = waiting(connector, asked_for)
    view = connector.services.approvals.withdraw(item.work_item_id, administrator())
    assert view.item.state is WorkItemState.WITHDRAWN
    assert denied(connector.user(user["id"])) == []
    assert pending(ask(connector, user["id"], asked_for)) == [("approval", asked_for, "grant")]
