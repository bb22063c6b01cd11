"""Chooses how a channel's messages travel."""

from __future__ import annotations

from connector.domain.notifications import Message
from connector.notifications.smtp import SmtpSender
from connector.notifications.targets import Targets
from connector.notifications.webhooks import WebhookSender
from connector.ports import Clock
from connector.settings import ChannelSettings, NotificationSettings


class ChannelNotifier:
    """See :class:`connector.ports.Notifier`. Thread-safe."""

    def __init__(self, settings: NotificationSettings, clock: Clock, ca_bundle: str = "") -> None:
        """:param ca_bundle: PEM file with further certificate authorities."""
        targets = Targets(settings.allowed_networks)
        self._smtp = SmtpSender(settings.smtp, clock, ca_bundle)
        self._webhooks = WebhookSender(targets, settings.timeout_s, clock, ca_bundle)

    def deliver(
        self, channel: ChannelSettings, message: Message, delivery_id: str, recipient: str
    ) -> None:
        """Send a message; when this returns, the receiver has it.

        :raises TemporaryError: it may work later.
        :raises PermanentError: it never will as the settings are.
        """
        if channel.kind == "email":
            self._smtp.send(message, delivery_id, recipient)
        else:
            self._webhooks.send(channel, message, delivery_id)
