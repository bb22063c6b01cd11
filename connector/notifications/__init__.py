"""Outbound adapter: e-mail and signed webhooks, a :class:`connector.ports.Notifier`."""

from connector.notifications.notifier import ChannelNotifier

__all__ = ["ChannelNotifier"]
