"""Turns the events of DocuSign Monitor into hints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import structlog

from connector.domain.mirror.hints import Hint, HintSource
from connector.domain.model import User
from connector.ports import USER, Event, EventPage, ResourceRow, UnitOfWork
from connector.services.aggregation.places import place, put_place, since
from connector.services.context import TenantContext

_log = structlog.get_logger(__name__)

_CURSOR, _READ_AT = "monitor", "monitor read"
_PAGES = 100
"""The most pages of one delta; the next goes on."""
_AGO = timedelta(hours=1)
"""Events come up to five minutes late; looked back so far where a cursor is not known any more."""
_OWN_WITHIN = timedelta(minutes=10)
"""An event of our own is believed to be known where its user changed in the mirror so shortly
before it at most: another connector may work with the same key and user."""


class Listener:
    """Reads one tenant's Monitor stream, and keeps its place."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def listen(self, counts: Counter[str]) -> None:
        """Note a hint for each place that an event names; places and cursor are one transaction.

        :raises connector.errors.PermanentError: Monitor is not bought, or not for this user.
        """
        cursor = self._cursor()
        for _ in range(_PAGES if cursor else 0):
            began_at = self._context.clock.now()
            page = self._context.directory.read_events(cursor)
            if page is None:
                counts["monitor_cursors_lost"] += 1
                if counts["monitor_cursors_lost"] > 1:
                    # Not even its last answer's: by time again and again would end nowhere.
                    return
                cursor = self._cursor(is_lost=True)
                continue
            with self._context.write() as uow:
                hints = self._hints(uow, page, counts)
                uow.hints.add(hints)
                put_place(uow, _CURSOR, page.end_cursor)
                put_place(uow, _READ_AT, began_at.isoformat())
                uow.commit()
            counts["events"] += len(page.events)
            if not page.events or page.end_cursor == cursor:
                # Where nothing came DocuSign wants to be asked once a minute at most.
                return
            cursor = page.end_cursor

    def _cursor(self, *, is_lost: bool = False) -> str:
        now = self._context.clock.now()
        with self._context.read() as uow:
            kept = None if is_lost else place(uow, _CURSOR)
            start = since(uow, _READ_AT, now)
        if kept or start is None:
            return kept or ""
        if is_lost:
            _log.warning("DocuSign does not know the Monitor cursor; read again by time")
        return (start - _AGO).isoformat(timespec="seconds")

    # hints --------------------------------------------------------------------

    def _hints(self, uow: UnitOfWork, page: EventPage, counts: Counter[str]) -> list[Hint]:
        ids = {user_id for event in page.events for user_id in event.user_ids}
        known, rows = uow.mirror.get_users(ids), uow.resources.rows(USER, ids)
        now = self._context.clock.now()
        places: dict[tuple[str, str], None] = {}
        for event in page.events:
            if self._is_ignored(event):
                counts["events_ignored"] += 1
            elif self._is_known(event, rows):
                counts["events_own"] += 1
            else:
                places.update(dict.fromkeys(self._places(event, known)))
        return [Hint(account, user_id, HintSource.MONITOR, now) for account, user_id in places]

    def _is_ignored(self, event: Event) -> bool:
        ignored = self._context.settings.aggregation.monitor_ignore
        return any(word.lower() in event.what for word in ignored)

    def _is_known(self, event: Event, rows: Mapping[str, ResourceRow]) -> bool:
        """Whether the event tells of a change of ours that the mirror has already."""
        if not event.is_own or event.happened_at is None or not event.user_ids:
            return False
        earliest = event.happened_at - _OWN_WITHIN
        return all(
            user_id in rows and rows[user_id].last_modified_at >= earliest
            for user_id in event.user_ids
        )

    def _places(self, event: Event, known: Mapping[str, User]) -> Iterator[tuple[str, str]]:
        governed = [item.account_id for item in self._context.settings.accounts]
        if event.account_id and event.account_id not in governed:
            return
        if any(word in event.what for word in _OF_CATALOGUES):
            yield from ((item, "") for item in _accounts(event, governed))
        for user_id in event.user_ids:
            if not event.account_id or "organization" in event.what:
                yield "", user_id
            person = known.get(user_id)
            for account_id in _accounts(event, governed):
                if event.account_id or person is None or account_id in person.memberships:
                    yield account_id, user_id


_OF_CATALOGUES = ("group", "permission", "profile")
"""Such words in an event's object let profiles and groups be read again: two calls an account."""


def _accounts(event: Event, governed: Sequence[str]) -> Sequence[str]:
    return [event.account_id] if event.account_id else governed
