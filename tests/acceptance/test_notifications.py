"""What people hear of: told once it is certain, tried until it arrives, never lost."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from connector.docusign.errors import ConsentRequiredError
from connector.domain.authentication.console import ConsoleRole
from connector.domain.notifications import DeliveryState, Notice
from connector.errors import PermanentError, TemporaryError
from connector.services.context import Actor
from connector.settings import (
    NOTICES,
    AuditSettings,
    ChannelSettings,
    NotificationSettings,
    Secret,
    SmtpSettings,
)
from connector.store.tables import audit_events
from tests.connector import ENTERPRISE, ORGANIZATION_ADMIN, connected, ok
from tests.receivers import mail_server, web_receiver

ANN = Actor("user:ann", "cli", "c1")


@pytest.fixture
def web():
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture
def box():
    with mail_server() as mailbox:
        yield mailbox


@pytest.fixture
def connector(tmp_path, web, box):
    channels = (
        ChannelSettings("hook", "webhook", url=Secret(web.url()), secret=Secret("s" * 24)),
        ChannelSettings(
            "mail",
            events=("task.*",),
            recipients=("role:operator", "requester_manager", "iga@example.com", "IGA@example.com"),
        ),
        ChannelSettings(
            "anchors", "webhook", ("audit.anchored",), url=Secret(web.url()), secret=Secret("x")
        ),
    )
    smtp = SmtpSettings("127.0.0.1", box.port, "none", sender="iga@example.com")
    settings = NotificationSettings(smtp, channels, ("127.0.0.0/8",), timeout_s=60, max_attempts=3)
    audit = AuditSettings(str(tmp_path / "anchors.jsonl"))
    connector = connected(tmp_path / "connector.db", notifications=settings, audit=audit)
    yield connector
    connector.close()


def open_task(connector):
    manager = connector.create("grace@northwind-freight.example")
    extension = {"schemas": [ENTERPRISE], ENTERPRISE: {"manager": {"value": manager["id"]}}}
    user = connector.create("ada@northwind-freight.example", **extension)
    role = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    ok(connector.patch(f"/Users/{user['id']}", role))
    return user, connector.services.work_items.list()[0]


def told(web):
    return [json.loads(item.body) for item in web.received]


def states(connector):
    found = connector.services.notifications.list()
    return sorted((item.channel, str(item.state)) for item in found)


def test_every_notice_can_be_named_in_the_settings():
    assert set(NOTICES) == set(Notice) - {Notice.TEST}


def test_a_new_task_is_told_with_its_steps_and_a_link_that_needs_sign_in(connector, web, box):
    accounts = connector.application.console_accounts
    words, roles = "a password of some words", [ConsoleRole.OPERATOR]
    accounts.add("default", "olga", words, roles, ANN, email="olga@example.com")
    _, task = open_task(connector)
    assert web.received == [], "nobody hears of it before it is certain, nor waits for it"
    connector.services.notifications.deliver_due()
    (body,) = told(web)
    assert body["type"] == "task.opened"
    link = f"https://scim.acme.test/console/tasks/{task.work_item_id}"
    assert body["data"]["link"] == link
    assert body["data"]["steps"] == list(task.instructions)
    receivers = sorted(envelope.rcpt_tos[0] for envelope in box.messages)
    assert receivers == ["grace@northwind-freight.example", "iga@example.com", "olga@example.com"]
    assert states(connector) == [("hook", "delivered"), *[("mail", "delivered")] * 3]


def test_a_task_that_is_done_or_refused_is_told_once(connector, web):
    user, task = open_task(connector)
    connector.world.state.user(user["id"]).is_organization_admin = True
    connector.services.verification.verify_all(Actor("job:verify", "job", "c2"))
    connector.services.verification.verify_all(Actor("job:verify", "job", "c3"))
    connector.services.notifications.deliver_due()
    assert sorted(body["type"] for body in told(web)) == ["task.opened", "task.verified"]
    assert told(web)[0]["data"]["details"]["work_item"] == task.work_item_id


def test_a_failing_receiver_is_tried_again_until_it_takes_it(connector, web):
    open_task(connector)
    web.status = 503
    service = connector.services.notifications
    service.deliver_due()
    service.deliver_due()
    assert len(web.received) == 1, "not before its time"
    connector.clock.advance(60)
    web.status = 204
    service.deliver_due()
    assert len(web.received) == 2
    first, second = (item.headers["webhook-id"] for item in web.received)
    assert first == second
    assert ("hook", "delivered") in states(connector)


def test_what_is_given_up_can_be_replayed(connector, web):
    open_task(connector)
    web.status = 500
    service = connector.services.notifications
    for _ in range(5):
        service.deliver_due()
        connector.clock.advance(3600)
    assert len(web.received) == 3
    (dead,) = service.list([DeliveryState.DEAD])
    assert (dead.attempts, "500" in dead.error) == (3, True)
    web.status = 204
    assert service.replay_dead(ANN) == 1
    service.deliver_due()
    assert web.received[-1].headers["webhook-id"] == dead.delivery_id
    assert service.list([DeliveryState.DEAD]) == []


def test_a_rolled_back_change_tells_nobody(connector):
    context = connector.services.context
    with context.write() as uow:
        context.audit(uow, ANN, "job.failed", "", job="sync", error="x")
    with context.write() as uow:
        uow.commit()
    assert connector.services.notifications.list() == []


def test_two_deliverers_do_not_send_twice(connector, web):
    open_task(connector)
    service = connector.services.notifications
    claimed = service._claim()
    assert claimed
    service.deliver_due()
    assert web.received == []


def test_a_job_that_keeps_failing_is_told_once(connector, web):
    watch, actor = connector.services.watch, Actor("job:sync", "job", "c4")
    consent = ConsentRequiredError("no consent", status=400, error_code="consent_required")
    for _ in range(3):
        watch.failed("sync", consent, actor)
    watch.failed("verify", TemporaryError("away"), actor)
    connector.services.notifications.deliver_due()
    found = sorted((body["type"], body["data"]["details"]["job"]) for body in told(web))
    assert found == [("job.failed", "sync"), ("job.failed", "verify")]
    watch.succeeded("sync", actor)
    watch.failed("sync", consent, actor)
    connector.services.notifications.deliver_due()
    assert len(web.received) == 3


def test_the_chain_is_anchored_in_a_file_and_told(connector, web, tmp_path):
    open_task(connector)
    head = connector.services.anchor(Actor("job:anchor", "job", "c5"))
    assert connector.services.anchor(Actor("job:anchor", "job", "c6")) is None
    (line,) = (tmp_path / "anchors.jsonl").read_text().splitlines()
    assert json.loads(line)["hash"] == head.hash
    connector.services.notifications.deliver_due()
    anchors = [body for body in told(web) if body["type"] == "audit.anchored"]
    assert [body["data"]["details"]["hash"] for body in anchors] == [head.hash]


def test_a_chain_that_was_written_anew_is_told_once_and_anchored_no_more(
    connector, web, tmp_path, logged
):
    open_task(connector)
    head = connector.services.anchor(Actor("job:anchor", "job", "c5"))
    with connector.application.store.database.writing() as connection:
        anew = update(audit_events).where(audit_events.c.sequence == head.sequence)
        connection.execute(anew.values(hash="0" * 64))
        connection.commit()
    for _ in range(2):
        with pytest.raises(PermanentError, match=f"broken at event {head.sequence}: .* anew"):
            connector.services.anchor(Actor("job:anchor", "job", "c6"))
    broken = [item["sequence"] for item in logged if item["log_level"] == "error"]
    assert broken == [head.sequence] * 2
    assert len((tmp_path / "anchors.jsonl").read_text().splitlines()) == 1
    connector.services.notifications.deliver_due()
    (told_of,) = [body for body in told(web) if body["type"] == "audit.broken"]
    assert told_of["data"]["details"]["sequence"] == head.sequence


def test_a_channel_is_tried_on_demand(connector, web, box):
    service = connector.services.notifications
    assert service.test("hook").state is DeliveryState.DELIVERED
    assert service.test("mail", "ann@example.com").state is DeliveryState.DELIVERED
    web.status = 401
    assert "401" in service.test("hook").error


def test_an_email_to_nobody_is_seen_as_given_up(connector):
    with connector.services.context.write() as uow:
        connector.services.context.audit(uow, ANN, "job.failed", "", job="sync")
        uow.commit()
    service = connector.services.notifications
    lost = replace(service.list()[0], delivery_id="other", channel="mail")
    with connector.services.context.write() as uow:
        uow.notifications.save(lost)
        uow.commit()
    service._settings = replace(
        service._settings,
        channels=(ChannelSettings("mail", recipients=("approvers",)),),
    )
    service.deliver_due()
    assert "nobody" in {item.channel: item for item in service.list()}["mail"].error


def test_a_defect_in_one_message_does_not_stop_the_others(connector, web):
    open_task(connector)
    service = connector.services.notifications
    real = service._notifier

    def deliver(channel, *rest):
        if channel.name == "mail":
            raise RuntimeError("defect")
        return real.deliver(channel, *rest)

    service._notifier = SimpleNamespace(deliver=deliver)
    service.deliver_due()
    assert ("hook", "delivered") in states(connector)
    assert ("mail", "dead") in states(connector)
