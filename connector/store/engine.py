"""Opens the database: connections, transactions and what may go wrong with them."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, cast

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import NullPool

from connector.domain.model import fold
from connector.errors import ConfigError, InvalidRequestError, TemporaryError, Translated
from connector.settings import DatabaseSettings

_log = structlog.get_logger(__name__)

PROGRAM = "docusign-iga"
"""How our connections call themselves to PostgreSQL."""
SYNCHRONOUS = {"full": "FULL", "normal": "NORMAL"}
CACHE_KIB = 4096
"""Page cache of one SQLite connection. More does not help reads, which the system caches, and
counts once for every thread."""

TURNS = 4_731_902
"""Our part of PostgreSQL's advisory locks; any constant will do."""
_TURN = text("SELECT pg_advisory_xact_lock(:space, hashtext(:tenant))")

TEMPORARY_SQLITE_CODES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
    }
)

TOO_LARGE_SQLSTATES = "54"
"""Class "program limit exceeded": a text too long for an index, a statement too deep. psycopg makes
operational errors of it, as of a lost connection, though it never gets better by itself."""
IMPOSSIBLE_VALUES = (OverflowError, UnicodeEncodeError)
"""What drivers raise beside a DataError: an integer of more than 64 bits, half a surrogate pair."""


class Database(Protocol):
    """A database that gives out transactions."""

    engine: Engine

    def reading(self, *, single: bool = False) -> AbstractContextManager[Connection]:
        """Open a consistent view, or where *single* one for a single prepared statement."""

    def writing(self, tenant: str = "") -> AbstractContextManager[Connection]:
        """Open a transaction for writing, rolled back unless committed.

        Writers of one tenant take turns.
        """

    def leasing(self) -> AbstractContextManager[Connection]:
        """Open a transaction for leases alone, rolled back unless committed: on PostgreSQL it waits
        for nobody's turn."""

    def close(self) -> None:
        """Close every connection."""


def open_engine(settings: DatabaseSettings) -> Database:
    """Return the database that the settings name.

    :raises ConfigError: the URL cannot be read, or names neither SQLite nor PostgreSQL.
    """
    try:
        url = make_url(settings.url)
        if url.get_backend_name() == "sqlite":
            return SqliteDatabase(url, settings)
        if url.get_backend_name() == "postgresql":
            return PostgresqlDatabase(url, settings)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise ConfigError([f"database.url: {error}"]) from error
    raise ConfigError(["database.url: must start with sqlite:/// or postgresql+psycopg://"])


class SqliteDatabase:
    """SQLite in WAL mode: readers never wait, writers take turns.

    Writers of one process queue at a lock of ours, which is fair and wakes at once, where
    SQLite's own waiting polls with growing pauses.
    """

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        if not url.database or url.database == ":memory:":
            raise ConfigError(["database.url: SQLite needs a file: sqlite:///path/to/file"])
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = f"database.url: cannot create {Path(url.database).parent}: {error.strerror}"
            raise ConfigError([problem]) from error
        self._errors = _translated(url.database, _sqlite_is_temporary, sqlite3.DataError)
        self._settings = settings
        self._idle: deque[Connection] = deque()
        self._writer: Connection | None = None
        self._write_lock = threading.Lock()
        self.engine = create_engine(
            url, poolclass=NullPool, paramstyle="named", connect_args={"check_same_thread": False}
        )
        event.listen(self.engine, "connect", self._prepare)
        self._write_engine = self.engine.execution_options(writes=True)
        event.listen(self.engine, "begin", _begin)

    def _prepare(self, driver: sqlite3.Connection, _record: object) -> None:
        # We say BEGIN ourselves: the driver would delay it and could not say IMMEDIATE.
        driver.isolation_level = None
        driver.create_function("fold", 1, _fold_value, deterministic=True)
        timeout_ms = int(self._settings.busy_timeout_s * 1000)
        for pragma in (
            f"busy_timeout = {timeout_ms}",
            "journal_mode = WAL",
            f"synchronous = {SYNCHRONOUS[self._settings.synchronous]}",
            "foreign_keys = ON",
            f"cache_size = -{CACHE_KIB}",
        ):
            driver.execute(f"PRAGMA {pragma}")

    def reading(self, *, single: bool = False) -> AbstractContextManager[Connection]:
        """Open a consistent view on a connection that nobody else uses meanwhile.

        :param single: a statement is consistent in itself; to begin and end costs as much again.
        """
        return _Reading(self, single)

    def take(self, *, single: bool) -> Connection:
        """Return a connection that nobody else uses until it is given back."""
        with self._errors:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self.engine.connect()
            # The driver begins by itself: SQLAlchemy takes longer over it than SQLite over a row.
            if not single:
                _driver(connection).execute("BEGIN")
            return connection

    def give_back(self, connection: Connection, error: BaseException | None) -> None:
        """End what was read on a connection, and raise what an error of it means."""
        with self._errors:
            _give_back(connection, self._idle)
        self._errors.translate(error)

    @contextmanager
    def writing(self, tenant: str = "") -> Iterator[Connection]:
        """Wait for the turn, then open a transaction for writing."""
        if not self._write_lock.acquire(timeout=self._settings.busy_timeout_s):
            raise TemporaryError("The database is busy with other changes. Try again shortly.")
        try:
            with self._errors:
                if self._writer is None:
                    self._writer = self._write_engine.connect()
                self._writer.begin()
                try:
                    yield self._writer
                finally:
                    self._writer.rollback()
        finally:
            self._write_lock.release()

    def leasing(self) -> AbstractContextManager[Connection]:
        """Wait for the turn all the same: SQLite has one writer."""
        return self.writing()

    def close(self) -> None:
        """Close every connection."""
        with self._write_lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None
        while self._idle:
            self._idle.pop().close()
        self.engine.dispose()


class PostgresqlDatabase:
    """PostgreSQL through psycopg 3 with a pool of connections.

    Writes run READ COMMITTED and the writers of one tenant take turns, as they do on SQLite:
    several rows are touched by almost every write (the head of the audit chain, the counters), and
    whoever took them in another order would run into a deadlock. Reads see one snapshot.
    """

    def __init__(self, url: URL, settings: DatabaseSettings) -> None:
        url = url.set(drivername="postgresql+psycopg")
        if settings.password and not url.password:
            url = url.set(password=settings.password.reveal())
        wait_ms = int(settings.busy_timeout_s * 1000)
        self.engine = create_engine(
            url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=settings.busy_timeout_s,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={
                "options": f"-c lock_timeout={wait_ms}",
                "connect_timeout": 10,
                "application_name": PROGRAM,
            },
        )
        driver = self.engine.dialect.loaded_dbapi
        self._errors = _translated(
            url.render_as_string(hide_password=True),
            # Lost connections, time-outs of locks and deadlocks are all OperationalErrors.
            lambda cause: isinstance(cause, driver.OperationalError),
            driver.DataError,
        )
        event.listen(self.engine, "begin", _take_turn)
        self._read_engine = self.engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    @contextmanager
    def reading(self, *, single: bool = False) -> Iterator[Connection]:
        """Open one snapshot."""
        with self._errors, self._read_engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, tenant: str = "") -> Iterator[Connection]:
        """Wait for the turn, then open a transaction for writing."""
        with self._errors, self.engine.connect() as connection:
            connection.execution_options(writes_for=tenant).begin()
            yield connection

    @contextmanager
    def leasing(self) -> Iterator[Connection]:
        """Open a transaction for leases alone: it touches no row that another write does, save
        leases, of which everybody takes several in the order of their keys."""
        with self._errors, self.engine.connect() as connection:
            connection.begin()
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


class _Reading:
    """What :meth:`SqliteDatabase.reading` returns.

    This, and the other contexts around every read, are classes: a generator takes three times as
    long to enter and leave, which for each of them is as long as SQLite takes to find a row.
    """

    __slots__ = ("_connection", "_database", "_single")

    def __init__(self, database: SqliteDatabase, single: bool) -> None:
        self._database = database
        self._single = single

    def __enter__(self) -> Connection:
        self._connection = self._database.take(single=self._single)
        return self._connection

    def __exit__(
        self, _kind: object, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._database.give_back(self._connection, error)


def _begin(connection: Connection) -> None:
    """Begin where SQLAlchemy does; a reader has begun already."""
    driver = _driver(connection)
    if not driver.in_transaction:
        writes = connection.get_execution_options().get("writes")
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")


def _take_turn(connection: Connection) -> None:
    tenant = connection.get_execution_options().get("writes_for")
    if tenant is not None:
        connection.execute(_TURN, {"space": TURNS, "tenant": tenant})


def _give_back(connection: Connection, idle: deque[Connection]) -> None:
    try:
        if connection.in_transaction():
            connection.rollback()
        else:
            _driver(connection).rollback()
    except (DBAPIError, sqlite3.Error):
        connection.invalidate()
        raise
    idle.append(connection)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver: Any = connection.connection.driver_connection
    return cast(sqlite3.Connection, driver)


def _fold_value(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value


def _translated(
    where: str,
    is_temporary: Callable[[BaseException | None], bool],
    data_error: type[Exception],
) -> Translated:
    """Turn what the database cannot do just now into :class:`TemporaryError`, and what it can
    never hold into :class:`InvalidRequestError`; let bugs pass.

    :param where: how logs name the database.
    """
    impossible = (data_error, *IMPOSSIBLE_VALUES)

    def meant(error: Exception) -> Exception | None:
        cause = error.orig if isinstance(error, StatementError) else error
        too_large = str(getattr(cause, "sqlstate", "")).startswith(TOO_LARGE_SQLSTATES)
        if too_large or isinstance(cause, impossible):
            _log.warning("value that the database cannot hold", database=where, error=str(cause))
            return InvalidRequestError(
                "A value is too long, out of range or no text for the database. Send another one."
            )
        if isinstance(error, PoolTimeoutError) or is_temporary(cause):
            _log.warning("database cannot be used", database=where, error=str(cause))
            return TemporaryError("The database cannot be used just now.")
        return None

    return Translated(meant)


def _sqlite_is_temporary(cause: BaseException | None) -> bool:
    # The low byte of an extended result code is the plain one.
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    return isinstance(cause, sqlite3.Error) and code in TEMPORARY_SQLITE_CODES
