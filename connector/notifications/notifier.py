"""Chooses how a channel's messages travel.

What sends them is imported with the first: most processes send none.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from connector.domain.notifications import Message
from connector.ports import Clock
from connector.settings import ChannelSettings, NotificationSettings

if TYPE_CHECKING:
    from connector.notifications.smtp import SmtpSender
    from connector.notifications.webhooks import WebhookSender


class ChannelNotifier:
    """See :class:`connector.ports.Notifier`. Thread-safe."""

    def __init__(self, settings: NotificationSettings, clock: Clock, ca_bundle: str = "") -> None:
        """:param ca_bundle: PEM file with further certificate authorities."""
        self._settings = settings
        self._clock = clock
        self._ca_bundle = ca_bundle

    @cached_property
    def _smtp(self) -> SmtpSender:
        from connector.notifications.smtp import SmtpSender  # noqa: PLC0415 - see the module

        return SmtpSender(self._settings.smtp, self._clock, self._ca_bundle)

    @cached_property
    def _webhooks(self) -> WebhookSender:
        from connector.notifications.targets import Targets  # noqa: PLC0415 - see the module
        from connector.notifications.webhooks import WebhookSender  # noqa: PLC0415

        targets = Targets(self._settings.allowed_networks)
        return WebhookSender(targets, self._settings.timeout_s, self._clock, self._ca_bundle)

    def deliver(
        self,
        channel: ChannelSettings,
        message: Message,
        delivery_id: str,
        recipient: str,
        record: str = "",
    ) -> str:
        """See :meth:`connector.ports.Notifier.deliver`."""
        if channel.kind == "email":
            self._smtp.send(message, delivery_id, recipient)
            return ""
        return self._webhooks.send(channel, message, delivery_id, record)
