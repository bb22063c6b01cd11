"""Delivers what the outbox holds: with patience, within limits, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connector.domain.notifications import Delivery, DeliveryState, Notice, wait_after
from connector.errors import ConnectorError, InvalidRequestError, NotFoundError, PermanentError
from connector.ports import Notifier
from connector.services.context import Actor, Seen, TenantContext, new_id
from connector.services.notifications.messages import Writer
from connector.services.notifications.recipients import recipients_of
from connector.services.outbox import new_delivery
from connector.settings import ChannelSettings

_log = structlog.get_logger(__name__)

_BATCH = 10
_LEASE = timedelta(minutes=10)
"""Longer than a batch takes, each delivery of which is bounded by the channel's time-out."""
_LONGEST_ERROR = 500


class NotificationService:
    """The use cases around the notifications of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        notifier: Notifier,
        public_url: str,
        consent_link: Callable[[], str] = str,
    ) -> None:
        """:param public_url: where the console is found, without path.
        :param consent_link: makes a link for whoever has to agree to the connection."""
        self._context = context
        self._notifier = notifier
        self._writer = Writer(context, public_url, consent_link)
        self._settings = context.settings.notifications

    # delivering ---------------------------------------------------------------

    def deliver_due(self) -> Mapping[str, int]:
        """Try everything that is due and return counts by outcome."""
        counts = {"delivered": 0, "waiting": 0, "dead": 0}
        while batch := self._claim():
            for delivery in batch:
                if delivery.recipient or not self._is_email(delivery):
                    counts[self._attempt(delivery).state] += 1
                else:
                    self._address(delivery)
        self._purge()
        return counts

    def _claim(self) -> Sequence[Delivery]:
        now = self._context.clock.now()
        with self._context.write() as uow:
            batch = uow.notifications.claim(now, now + _LEASE, _BATCH)
            if batch:
                uow.commit()
        return batch

    def _is_email(self, delivery: Delivery) -> bool:
        channel = self._channel(delivery.channel)
        return channel is not None and channel.kind == "email"

    def _address(self, delivery: Delivery) -> None:
        """Make one delivery for each receiver, so that each is repeated by itself."""
        channel = self._channel(delivery.channel)
        assert channel is not None  # noqa: S101 - _is_email found it
        now = self._context.clock.now()
        with self._context.write() as uow:
            addresses = recipients_of(uow, self._context, channel.recipients, delivery)
            if addresses:
                uow.notifications.add(
                    *(
                        replace(
                            delivery, delivery_id=new_id(), recipient=address, next_attempt_at=now
                        )
                        for address in addresses
                    )
                )
                uow.notifications.remove(delivery.delivery_id)
            else:
                reason = "nobody is found by the channel's recipients"
                uow.notifications.save(self._dead(delivery, reason))
            uow.commit()

    def _attempt(self, delivery: Delivery) -> Delivery:
        try:
            record = self._send(delivery)
        except ConnectorError as error:
            after = self._after_failure(delivery, error)
        except Exception as error:  # noqa: BLE001
            # A defect in one message must not keep the others from being sent.
            _log.exception("notification failed", delivery=delivery.delivery_id)
            after = self._after_failure(delivery, PermanentError(f"defect: {error!r}"))
        else:
            now = self._context.clock.now()
            after = replace(
                delivery,
                attempts=delivery.attempts + 1,
                state=DeliveryState.DELIVERED,
                finished_at=now,
                error=None,
                record=record,
            )
        with self._context.write() as uow:
            uow.notifications.save(after)
            uow.commit()
        return after

    def _send(self, delivery: Delivery) -> str:
        """Send a message and return the record that the receiver has of its case."""
        channel = self._channel(delivery.channel)
        if channel is None:
            raise PermanentError(f"There is no channel {delivery.channel!r} any more.")
        message = self._writer.write(delivery)
        with self._context.read() as uow:
            is_case = "work_item" in delivery.payload
            record = uow.notifications.record_of(channel.name, delivery.about) if is_case else ""
        made = self._notifier.deliver(
            channel, message, delivery.delivery_id, delivery.recipient, record
        )
        return made if is_case else ""

    def _after_failure(self, delivery: Delivery, error: ConnectorError) -> Delivery:
        attempts = delivery.attempts + 1
        reason = " ".join(str(error).split())[:_LONGEST_ERROR]
        log = _log.bind(delivery=delivery.delivery_id, channel=delivery.channel, error=reason)
        if isinstance(error, PermanentError) or attempts >= self._settings.max_attempts:
            log.warning("notification given up", attempts=attempts)
            return replace(self._dead(delivery, reason), attempts=attempts)
        log.info("notification waits", attempts=attempts)
        # Full jitter on the upper half: receivers that were away are not met by all at once.
        wait = wait_after(attempts) * random.uniform(0.5, 1.0)  # noqa: S311
        next_attempt_at = self._context.clock.now() + wait
        return replace(delivery, attempts=attempts, error=reason, next_attempt_at=next_attempt_at)

    def _dead(self, delivery: Delivery, reason: str) -> Delivery:
        now = self._context.clock.now()
        return replace(delivery, state=DeliveryState.DEAD, error=reason, finished_at=now)

    def _purge(self) -> None:
        before = self._context.clock.now() - timedelta(days=self._settings.keep_days)
        with self._context.write() as uow:
            if uow.notifications.purge(before):
                uow.commit()

    # looking and repeating ----------------------------------------------------

    def list(
        self,
        states: Iterable[DeliveryState] = (),
        limit: int = 100,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first, those that follow the time and id of *after*."""
        with self._context.read() as uow:
            return uow.notifications.search(states, limit, after)

    def get(self, delivery_id: str) -> Delivery:
        """Return a delivery by its id or an unambiguous beginning of it.

        :raises NotFoundError: there is none.
        """
        with self._context.read() as uow:
            return uow.notifications.get(delivery_id)

    def replay(self, delivery_id: str, actor: Actor, *, seen: Seen | None = None) -> Delivery:
        """Send a delivery again, with the same id, whatever became of it.

        :raises NotFoundError: there is none of that id.
        """
        now = self._context.clock.now()
        with self._context.write(seen) as uow:
            delivery = uow.notifications.get(delivery_id)
            again = replace(
                delivery,
                state=DeliveryState.WAITING,
                attempts=0,
                next_attempt_at=now,
                finished_at=None,
            )
            uow.notifications.save(again)
            facts = {"delivery": delivery.delivery_id, "channel": delivery.channel}
            self._context.audit(uow, actor, "notification.replayed", delivery.subject_id, **facts)
            uow.commit()
        return again

    def replay_dead(self, actor: Actor) -> int:
        """Send everything again that was given up; return how many that are."""
        dead = self.list([DeliveryState.DEAD], limit=10_000)
        for delivery in dead:
            self.replay(delivery.delivery_id, actor)
        return len(dead)

    def test(self, channel_name: str, recipient: str = "") -> Delivery:
        """Send a test message through a channel at once, and return what became of it.

        :param recipient: for an e-mail channel, the address to send it to.
        :raises NotFoundError: there is no such channel.
        """
        channel = self._channel(channel_name)
        if channel is None:
            known = ", ".join(item.name for item in self._settings.channels) or "none"
            raise NotFoundError(f"There is no channel {channel_name!r}. Channels: {known}.")
        if channel.kind == "email" and not recipient:
            raise InvalidRequestError("Give the address that the test e-mail is sent to: --to.")
        now = self._context.clock.now()
        delivery = new_delivery(Notice.TEST, channel, now, about="test")
        return self._attempt(replace(delivery, recipient=recipient, next_attempt_at=now + _LEASE))

    def _channel(self, name: str) -> ChannelSettings | None:
        return next((item for item in self._settings.channels if item.name == name), None)
