"""The outbox of notifications."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, or_, select, update

from connector.domain.notifications import Delivery, DeliveryState, Notice
from connector.errors import NotFoundError
from connector.ports.notifications import Place
from connector.store.statements import Records, Session, add_rows, after_prefix, put_rows
from connector.store.tables import notifications

DELIVERIES = Records(notifications, Delivery)
_COLUMNS = notifications.c


class SqlNotifications:
    """See :class:`connector.ports.NotificationRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, *deliveries: Delivery) -> None:
        """Insert deliveries."""
        rows = [DELIVERIES.to_row(self._tenant, item) for item in deliveries]
        add_rows(self._connection, notifications, rows)

    def get(self, delivery_id: str) -> Delivery:
        """Return a delivery by its id or a beginning of it that only it has.

        :raises NotFoundError: there is none, or there are several.
        """
        found: Sequence[Delivery] = []
        if delivery_id:
            found = self._select(
                _COLUMNS.delivery_id >= delivery_id,
                _COLUMNS.delivery_id < after_prefix(delivery_id),
                limit=2,
            )
        if len(found) != 1:
            how = "Several deliveries start" if found else "No delivery starts"
            raise NotFoundError(f"{how} with {delivery_id!r}.")
        return found[0]

    def save(self, delivery: Delivery) -> None:
        """Overwrite a delivery."""
        put_rows(self._connection, notifications, [DELIVERIES.to_row(self._tenant, delivery)])

    def remove(self, delivery_id: str) -> None:
        """Forget a delivery."""
        self._delete(_COLUMNS.delivery_id == delivery_id)

    def claim(self, now: datetime, until: datetime, limit: int) -> Sequence[Delivery]:
        """Return deliveries that are due, oldest first; nobody else gets them before *until*."""
        due = self._select(
            _COLUMNS.state == DeliveryState.WAITING,
            _COLUMNS.next_attempt_at <= now,
            order=(_COLUMNS.next_attempt_at, _COLUMNS.delivery_id),
            limit=limit,
        )
        self._connection.execute(
            update(notifications)
            .where(
                _COLUMNS.tenant == self._tenant,
                _COLUMNS.delivery_id.in_([item.delivery_id for item in due]),
            )
            .values(next_attempt_at=until)
        )
        return due

    def was_told(self, notice: Notice, about: str) -> bool:
        """Whether there is a delivery of that notice about this."""
        return bool(self._select(_COLUMNS.about == about, _COLUMNS.notice == notice, limit=1))

    def record_of(self, channel: str, about: str) -> str:
        """Return the record that a channel's receiver has of a case; empty if none is known."""
        found = self._select(
            *(_COLUMNS.about == about, _COLUMNS.channel == channel, _COLUMNS.record != ""),
            order=(_COLUMNS.finished_at.desc(),),
            limit=1,
        )
        return found[0].record if found else ""

    def search(
        self,
        states: Iterable[DeliveryState] = (),
        limit: int = 100,
        after: Place | None = None,
    ) -> Sequence[Delivery]:
        """Return deliveries, newest first; no states means all.

        :param after: time of creation and id of the last one of the page before.
        """
        wanted = list(states)
        conditions: list[ColumnElement[bool]] = [_COLUMNS.state.in_(wanted)] if wanted else []
        if after is not None:
            at, delivery_id = after
            same = and_(_COLUMNS.created_at == at, _COLUMNS.delivery_id > delivery_id)
            conditions.append(or_(_COLUMNS.created_at < at, same))
        order = (_COLUMNS.created_at.desc(), _COLUMNS.delivery_id)
        return self._select(*conditions, order=order, limit=limit)

    def purge(self, before: datetime) -> int:
        """Forget what was delivered before; return how many that were."""
        done = _COLUMNS.state == DeliveryState.DELIVERED
        return self._delete(done, _COLUMNS.finished_at < before)

    def forget_subject(self, subject_id: str) -> int:
        """Forget everything that concerns a user; return how many that were."""
        return self._delete(_COLUMNS.subject_id == subject_id)

    def _select(
        self,
        *conditions: ColumnElement[bool],
        order: tuple[ColumnElement[object], ...] = (),
        limit: int,
    ) -> Sequence[Delivery]:
        found = self._connection.execute(
            select(*DELIVERIES.columns)
            .where(_COLUMNS.tenant == self._tenant, *conditions)
            .order_by(*order)
            .limit(limit)
        )
        return [DELIVERIES.from_row(row) for row in found]

    def _delete(self, *conditions: ColumnElement[bool]) -> int:
        gone = self._connection.execute(
            delete(notifications).where(_COLUMNS.tenant == self._tenant, *conditions)
        )
        return gone.rowcount
