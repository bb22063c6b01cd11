"""Who has to decide hears of it, and hears once what was decided; an auditor sees it."""

from __future__ import annotations

import json

import pytest

from connector.domain.work_items.approvals import Verdict
from connector.errors import PreconditionError
from connector.logs import correlated
from connector.services.context import Actor
from connector.settings import ChannelSettings, NotificationSettings, Secret, SmtpSettings
from tests.approvals import administrator, approver, ask, asking_first
from tests.connector import DOCUSIGN, connected, ok
from tests.receivers import mail_server, web_receiver
from tests.simulated import simulated

JOB = Actor("job:people", "job", "c-people")
DAY_S = 86_400


@pytest.fixture
def web():
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def box():
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def world():
    return simulated(20)


@pytest.fixture
def asked_for(world):
    return world.entitlement()


@pytest.fixture
def connector(tmp_path, world, asked_for, web, box):
    channels = (
        ChannelSettings("hook", "webhook", ("approval.*",), url=Secret(web.url())),
        ChannelSettings("mail", events=("approval.requested",), recipients=("approvers", "owner")),
    )
    smtp = SmtpSettings("127.0.0.1", box.port, "none", sender="iga@example.com")
    people = {"people": ["dora@example.com", "dirk@example.com"]}
    rule = asking_first(
        asked_for, approvers=people, approvals_needed=2, owner="owner@example.com", risk="critical"
    )
    running = connected(
        tmp_path / "connector.db",
        world=world,
        entitlements=(rule,),
        notifications=NotificationSettings(smtp, channels, ("127.0.0.0/8",), timeout_s=60),
    )
    yield running
    running.close()


@pytest.fixture
def asked(connector, asked_for):
    user = connector.create("ann.lee@acme.test")
    ask(connector, user["id"], asked_for)
    return user, connector.services.approvals.list()[0].work_item_id


def told(connector, web):
    connector.services.notifications.deliver_due()
    return [json.loads(item.body)["type"] for item in web.received]


def decide(connector, item_id, who, verdict=Verdict.APPROVE):
    me = approver(who, email=f"{who}@example.com")
    with correlated(me.correlation_id):
        return connector.services.approvals.decide(
            item_id, verdict, me, comment="because of ticket 4711"
        )


def test_the_named_approvers_and_the_owner_hear_of_it(connector, asked, web, box):
    assert told(connector, web) == ["approval.requested"]
    receivers = sorted(envelope.rcpt_tos[0] for envelope in box.messages)
    assert receivers == ["dirk@example.com", "dora@example.com", "owner@example.com"]
    link = json.loads(web.received[0].body)["data"]["link"]
    assert link == f"https://scim.acme.test/console/approvals/{asked[1]}"


def test_who_has_to_decide_reads_why_it_was_asked_for(connector, asked_for, box):
    user = connector.create("bea.lee@acme.test")
    add = {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]}
    why = {"op": "add", "path": f"{DOCUSIGN}User:reason", "value": "Covers\nfor Ann"}
    ok(connector.patch(f"/Users/{user['id']}", add, why))
    connector.services.notifications.deliver_due()
    for envelope in box.messages:
        text = " ".join(envelope.content.decode().replace("=\r\n", "").split())
        assert "Covers for Ann" in text
        assert "dora@example.com, dirk@example.com" in text
        assert "Decide until" in text
        assert "critical" in text
    assert len(box.messages) == 3


def test_the_decision_is_told_once_when_enough_have_agreed(connector, asked, web):
    decide(connector, asked[1], "dora")
    assert told(connector, web) == ["approval.requested"]
    decide(connector, asked[1], "dirk")
    assert told(connector, web) == ["approval.requested", "approval.decided"]


def test_a_denial_is_told_once(connector, asked, web):
    decide(connector, asked[1], "dora", Verdict.DENY)
    assert told(connector, web) == ["approval.requested", "approval.decided"]


def test_who_has_to_decide_again_reads_of_the_denial_before(connector, asked, asked_for, web):
    user, item_id = asked
    decide(connector, item_id, "dora", Verdict.DENY)
    add = {"op": "add", "path": "entitlements", "value": [{"value": asked_for}]}
    why = {"op": "add", "path": f"{DOCUSIGN}User:reason", "value": "Leads the team now"}
    ok(connector.patch(f"/Users/{user['id']}", add, why))
    told(connector, web)
    facts = json.loads(web.received[-1].body)["data"]["facts"]
    assert facts["Denied before"].endswith(" UTC, user:dora: because of ticket 4711")
    assert facts["Because"] == "Leads the team now"
    assert "Denied before" not in json.loads(web.received[0].body)["data"]["facts"]


def test_nobody_deciding_is_told_again_and_at_the_end(connector, asked, web):
    told(connector, web)
    for _ in range(2):
        connector.clock.advance(3 * DAY_S)
        connector.services.due.run(JOB)
    assert told(connector, web)[1:] == ["approval.reminder", "approval.reminder"]
    connector.clock.advance(30 * DAY_S)
    connector.services.due.run(JOB)
    assert told(connector, web)[-1] == "approval.expired"


def bodies(connector, web):
    connector.services.notifications.deliver_due()
    return [json.loads(item.body)["data"] for item in web.received]


def test_a_withdrawn_request_is_told(connector, asked, web):
    root = administrator()
    connector.services.approvals.withdraw(asked[1], root, "Not needed")
    last = bodies(connector, web)[-1]
    assert last["title"].startswith("No decision needed any more: Grant ")
    assert "Not needed" in json.dumps(last["facts"])


def test_a_plan_that_changed_is_not_called_undecided(connector, asked, asked_for, web):
    member = connector.membership(asked[0]["id"])
    member.profile_id = next(
        item.profile_id
        for item in connector.world.accounts[0].profiles.values()
        if item.profile_id not in (member.profile_id, asked_for.partition(".")[2])
    )
    connector.clock.advance(120)
    connector.sync()
    with pytest.raises(PreconditionError):
        decide(connector, asked[1], "dora")
    last = bodies(connector, web)[-1]
    assert last["title"].startswith("Changed, decide again: ")
    assert "no longer count" in last["text"]


def test_the_audit_tells_who_approved_and_why(connector, asked, asked_for):
    user, item_id = asked
    decide(connector, item_id, "dora")
    decide(connector, item_id, "dirk")
    found = connector.services.audit.explain(user["id"], asked_for)
    assert found.holds == [asked_for]
    actors = {event.actor for story in found.stories for event in story.decided}
    assert {"user:dora", "user:dirk"} <= actors
    said = [event.data.get("comment", "") for story in found.stories for event in story.decided]
    assert any("ticket 4711" in comment for comment in said)
    done = [event for story in found.stories for event in story.done]
    assert any(event.data.get("method") == "PUT" for event in done)
    assert any(story.checked for story in found.stories)
