"""Ends statements that go on for too long: by SQLite's own counting of its steps, and by the
``statement_timeout`` of PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

STEPS = 200_000
"""Of SQLite's machine between two looks at the clock, some 10 ms: each look takes a turn at the
interpreter's lock, which others may have."""
_CANCELED = "57014"
"""PostgreSQL's SQLSTATE query_canceled."""


class OutOfTimeError(Exception):
    """A statement was ended. Its transaction, if it had one, is of no more use."""


@contextmanager
def within(connection: Connection, seconds: float) -> Iterator[None]:
    """Let the statements of the block take so many seconds together.

    :raises OutOfTimeError: they would have taken longer.
    """
    limited = _LIMITS[connection.dialect.name]
    try:
        with limited(connection, time.monotonic() + seconds):
            yield
    except DBAPIError as error:
        if _was_ended(error.orig):
            raise OutOfTimeError from error
        raise


def _was_ended(cause: BaseException | None) -> bool:
    code = getattr(cause, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_INTERRUPT or getattr(cause, "sqlstate", None) == _CANCELED


@contextmanager
def _in_sqlite(connection: Connection, ends_at: float) -> Iterator[None]:
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    driver.set_progress_handler(lambda: time.monotonic() > ends_at, STEPS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _in_postgresql(connection: Connection, ends_at: float) -> Iterator[None]:
    def limit(_connection: Connection, cursor: Any, *_statement: Any) -> None:
        left_ms = max(1, int((ends_at - time.monotonic()) * 1000))
        cursor.execute(f"SET LOCAL statement_timeout = {left_ms}")

    event.listen(connection, "before_cursor_execute", limit)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", limit)
    # After an error the transaction ends, and the setting with it.
    connection.exec_driver_sql("SET LOCAL statement_timeout TO DEFAULT")


_Limited = Callable[[Connection, float], AbstractContextManager[None]]
_LIMITS: Mapping[str, _Limited] = {"sqlite": _in_sqlite, "postgresql": _in_postgresql}
