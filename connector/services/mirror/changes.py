"""What delta readers rest on: times that only grow, and a trace of what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from connector.errors import ConflictingWriteError
from connector.ports import TOMBSTONE, USER, ResourceRow, UnitOfWork
from connector.services.mirror.documents import render_row, row_changed, settle_times

TOMBSTONE_SCHEMA = "urn:ietf:params:scim:schemas:extension:docusign:2.0:Tombstone"
READ_ROUNDS = 5
"""So often DocuSign is asked for what others write meanwhile, before it is :class:`OvertakenError`:
each round costs calls, and a writer that never rests would keep the reader for good."""
_TICK = timedelta(milliseconds=1)


class OvertakenError(ConflictingWriteError):
    """What was read from DocuSign was changed meanwhile, each time that it was read."""

    def __init__(self, what: str) -> None:
        """:param what: of whom or what somebody else writes."""
        super().__init__(
            f"Other changes of {what} go on without a pause, so that DocuSign's answer was out of "
            f"date {READ_ROUNDS} times. Nothing was written; try again in a minute."
        )


def stamp(uow: UnitOfWork, kind: str, now: datetime) -> datetime:
    """Return ``lastModified`` for what changes in this transaction: a whole millisecond, later
    than every earlier change of the kind.

    The writers of a tenant take turns, so the order of these times is the order of the commits:
    whoever asks for what is later than the latest that they have seen misses nothing.
    """
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    latest = uow.resources.latest_change(kind)
    return now if latest is None or latest < now else latest + _TICK


def overtaken_since(
    uow: UnitOfWork, scim_ids: Iterable[str], mark: datetime | None, kind: str = USER
) -> frozenset[str]:
    """Return what somebody wrote since the mark, which is the ``latest_change`` of its kind before
    DocuSign was asked: that copy is newer than the read.

    The times of changes only grow (:func:`stamp`): clocks of several machines need not agree.
    """
    if uow.resources.latest_change(kind) == mark:
        return frozenset()
    rows = uow.resources.rows(kind, scim_ids)
    return frozenset(
        scim_id for scim_id, row in rows.items() if mark is None or row.last_modified_at > mark
    )


def put_settled(
    uow: UnitOfWork, rows: Iterable[ResourceRow], old_rows: Mapping[str, ResourceRow]
) -> int:
    """Write the rows in which a client could see a difference; return how many there are.

    Who disappears leaves a tombstone, who comes back takes it away.

    :param rows: rendered with this transaction's :func:`stamp` as ``lastModified``.
    :param old_rows: what is stored, by id.
    """
    changed = [
        settle_times(old_rows.get(row.scim_id), row, row.last_modified_at)
        for row in rows
        # Neither the version nor the visibility depends on the times.
        if row_changed(old_rows.get(row.scim_id), row)
    ]
    uow.resources.put(changed)
    for row in changed:
        old = old_rows.get(row.scim_id)
        was_visible = old is not None and old.visible
        if was_visible and not row.visible:
            leave_tombstones(uow, row.kind, [row.scim_id], row.last_modified_at)
        elif row.visible and not was_visible and (old is not None or row.kind != USER):
            uow.resources.remove(TOMBSTONE, [tombstone_id(row.kind, row.scim_id)])
    return len(changed)


def remove(uow: UnitOfWork, kind: str, scim_ids: Iterable[str], now: datetime) -> None:
    """Delete rows for good; those that clients could see leave tombstones."""
    ids = list(scim_ids)
    visible = [row.scim_id for row in uow.resources.rows(kind, ids).values() if row.visible]
    uow.resources.remove(kind, ids)
    leave_tombstones(uow, kind, visible, now)


def leave_tombstones(uow: UnitOfWork, kind: str, scim_ids: Iterable[str], now: datetime) -> None:
    """Record that resources are gone, each as a resource of its own."""
    at = stamp(uow, TOMBSTONE, now)
    uow.resources.put(
        [
            render_row(
                TOMBSTONE,
                tombstone_id(kind, scim_id),
                TOMBSTONE_SCHEMA,
                {"resourceId": scim_id, "resourceType": kind},
                created_at=at,
                last_modified_at=at,
            )
            for scim_id in scim_ids
        ]
    )


def tombstone_id(kind: str, scim_id: str) -> str:
    """Return the id of a tombstone: unlike that of any resource."""
    return f"deleted-{kind}-{scim_id}"
