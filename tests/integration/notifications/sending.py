"""A message, and what carries it to receivers on loopback."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from connector.domain.notifications import Message, Notice
from connector.notifications import ChannelNotifier
from connector.settings import ChannelSettings, NotificationSettings, Secret, SmtpSettings
from tests.connector import ManualClock

LOOPBACK = ("127.0.0.0/8",)
MESSAGE = Message(
    notice=Notice.TASK_OPENED,
    tenant="default",
    at=datetime(2026, 3, 1, 9, tzinfo=UTC),
    title='Task: Grant "X" to Zoë <zoe@example.com>',
    text="Only a person can do this.",
    facts=(("Asked by", "client:iga"), ("Comment", "<script>*bold*</script>")),
    steps=("Open DocuSign Admin.", "Press Grant."),
    link="https://iga.example.com/console/tasks/1",
    data={"work_item": "1"},
)


def notifier(*, ca_bundle="", allowed=LOOPBACK, timeout_s=60.0, **smtp):
    settings = NotificationSettings(
        smtp=SmtpSettings(host="localhost", sender="IGA <iga@example.com>", **smtp),
        allowed_networks=allowed,
        timeout_s=timeout_s,
    )
    return ChannelNotifier(settings, ManualClock(), ca_bundle)


def mail(sender, recipient="ann@example.com"):
    sender.deliver(ChannelSettings("mail"), MESSAGE, "d1", recipient)


def hook(url, **more):
    more = {"secret": Secret("whsec_" + base64.b64encode(b"key").decode()), **more}
    return ChannelSettings("hook", "webhook", url=Secret(url), **more)
