"""Leases that serialise writers across processes and machines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, or_, select, update

from connector.store.statements import Session, after_prefix, insert_into
from connector.store.tables import locks


class SqlLocks:
    """See :class:`connector.ports.LockRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def acquire(self, keys: Sequence[str], owner: str, until: datetime, now: datetime) -> bool:
        """Take all keys or none. An expired lease is free; the owner's own is renewed."""
        # Always in the same order: two writers who want the same keys cannot wait for each other.
        wanted = sorted(set(keys))
        if not wanted:
            return True
        statement = insert_into(locks, self._connection.dialect.name).values(
            [{"tenant": self._tenant, "key": key, "owner": owner, "until": until} for key in wanted]
        )
        # One statement tests and takes; on PostgreSQL it waits for a rival's commit and tests then.
        taking = statement.on_conflict_do_update(
            index_elements=[locks.c.tenant, locks.c.key],
            set_={"owner": statement.excluded.owner, "until": statement.excluded.until},
            where=or_(locks.c.owner == owner, locks.c.until <= now),
        ).returning(locks.c.key)
        savepoint = self._connection.begin_nested()
        taken = self._connection.scalars(taking).all()
        if len(taken) < len(wanted):
            savepoint.rollback()
            return False
        savepoint.commit()
        return True

    def release(self, keys: Sequence[str], owner: str) -> None:
        """Give keys back; those of other owners are left alone."""
        if len(keys) > 1:
            self._line_up(locks.c.key.in_(keys))
        self._delete(locks.c.key.in_(keys), locks.c.owner == owner)

    def renew(self, key: str, owner: str, until: datetime) -> bool:
        """Let a lease last until then; return whether its owner still has it."""
        held = (locks.c.tenant == self._tenant, locks.c.key == key, locks.c.owner == owner)
        return self._connection.execute(update(locks).where(*held).values(until=until)).rowcount > 0

    def owner_of(self, key: str) -> str | None:
        """Return who has a key, its lease run out or not; None for nobody."""
        return self._connection.scalars(
            select(locks.c.owner).where(locks.c.tenant == self._tenant, locks.c.key == key)
        ).one_or_none()

    def prolong(self, keys: Sequence[str], owner_prefix: str, until: datetime) -> None:
        """Renew those of the keys that are held by owners that start so."""
        if len(keys) > 1:
            self._line_up(locks.c.key.in_(keys))
        held = (locks.c.tenant == self._tenant, locks.c.key.in_(keys), *_starts_with(owner_prefix))
        self._connection.execute(update(locks).where(*held).values(until=until))

    def owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of locks that start so."""
        return self._connection.scalars(
            select(locks.c.owner)
            .where(locks.c.tenant == self._tenant, *_starts_with(owner_prefix))
            .distinct()
        ).all()

    def live(self, now: datetime) -> Sequence[str]:
        """Return the keys of the leases that have not run out."""
        return self._connection.scalars(
            select(locks.c.key).where(locks.c.tenant == self._tenant, locks.c.until > now)
        ).all()

    def release_owner(self, owner_prefix: str) -> None:
        """Give back everything held by owners that start so."""
        held = _starts_with(owner_prefix)
        self._line_up(*held)
        self._delete(*held)

    def count_live(self, key_prefix: str, now: datetime) -> int:
        """Return how many leases on keys that start so have not ended."""
        number: int = self._connection.execute(
            select(func.count())
            .select_from(locks)
            .where(
                locks.c.tenant == self._tenant,
                locks.c.key >= key_prefix,
                locks.c.key < after_prefix(key_prefix),
                locks.c.until > now,
            )
        ).scalar_one()
        return number

    def forget_ended(self, before: datetime) -> int:
        """Delete leases that ended before then, and return how many."""
        ended = locks.c.until < before
        self._line_up(ended)
        return self._delete(ended)

    def _line_up(self, *conditions: ColumnElement[bool]) -> None:
        """Wait for several rows in the order in which they are taken, as :meth:`acquire` does: a
        statement of its own choice might wait for somebody who waits for it."""
        rows = select(locks.c.key).where(locks.c.tenant == self._tenant, *conditions)
        self._connection.execute(rows.order_by(locks.c.key).with_for_update()).all()

    def _delete(self, *conditions: ColumnElement[bool]) -> int:
        statement = delete(locks).where(locks.c.tenant == self._tenant, *conditions)
        return self._connection.execute(statement).rowcount


def _starts_with(prefix: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return locks.c.owner >= prefix, locks.c.owner < after_prefix(prefix)
