"""The outbox of notifications, and who delivers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.audit.events import AuditHead
from connector.domain.notifications import Delivery, DeliveryState, Message, Notice
from connector.settings import ChannelSettings

Place = tuple[datetime, str]
"""Where a list by time stands: the time of an item, and its id."""


class NotificationRepository(Protocol):
    """Deliveries, kept in the transaction of what they tell of."""

    def add(self, *deliveries: Delivery) -> None:
        """Insert deliveries."""

    def get(self, delivery_id: str) -> Delivery:
        """Return a delivery by its id or a beginning of it that only it has.

        :raises connector.errors.NotFoundError: there is none, or there are several.
        """

    def save(self, delivery: Delivery) -> None:
        """Overwrite a delivery."""

    def remove(self, delivery_id: str) -> None:
        """Forget a delivery."""

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Return deliveries that are due, oldest first; nobody else gets them before *until*."""

    def was_told(self, notice: Notice, about: str) -> bool:
        """Whether there is a delivery of that notice about this."""

    def record_of(self, channel: str, about: str) -> str:
        """Return the record that a channel's receiver has of a case; empty if none is known."""

    def search(
        self,
        states: Iterable[DeliveryState] = (),
        limit: int = 100,
        after: Place | None = None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first; no states means all.

        :param after: time of creation and id of the last one of the page before.
        """

    def purge(self, before: datetime) -> int:
        """Forget what was delivered before; return how many that were."""

    def forget_subject(self, subject_id: str) -> int:
        """Forget everything that concerns a user; return how many that were."""


class Notifier(Protocol):
    """Carries a message to its receiver."""

    def deliver(
        self,
        channel: ChannelSettings,
        message: Message,
        delivery_id: str,
        recipient: str,
        record: str = "",
    ) -> str:
        """Send a message; when this returns, the receiver has it.

        :param record: that the receiver made of an earlier message of the same case.
        :returns: what the receiver calls its record of the case; empty where it has none.
        :raises TemporaryError: it may work later.
        :raises PermanentError: it never will as the settings are.
        """


class AnchorSink(Protocol):
    """A place outside the database that remembers where a chain stood."""

    def write(self, tenant: str, head: AuditHead, at: datetime) -> None:
        """Append an anchor, durable when this returns."""

    def last(self, tenant: str) -> AuditHead | None:
        """Return the last anchor of a tenant; None where it has none yet."""
