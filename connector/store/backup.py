"""A copy of a SQLite file, taken while it is used."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from connector.domain.ledger.restoring import RESTORED
from connector.errors import PermanentError, TemporaryError

_PAGES = 1024
"""Copied at a time; in between, writers go on."""

_MARK = (
    "INSERT OR REPLACE INTO facts (tenant, key, value) SELECT DISTINCT tenant, ?1, ?2 FROM facts"
)
"""Whoever uses the copy some day is behind DocuSign by then."""

Report = Callable[[int, int], None]
"""Takes the pages that are copied, and of how many."""


def backup_sqlite(path: Path, target: Path, report: Report) -> int:
    """Write one consistent copy of a SQLite file, checked, and return its size in bytes.

    A directory that is missing is made, for its owner alone. The copy is marked as restored, for
    whoever uses it some day. The name *target* appears once it is whole.

    :raises PermanentError: *target* is there, or cannot be written, or the copy is damaged.
    :raises TemporaryError: the file cannot be read just now.
    """
    if target.exists():
        raise PermanentError(f"{target} is there already. Name another file, or move it away.")
    partial = target.with_name(f"{target.name}.partial")
    try:
        # What is in the copy concerns nobody but its owner.
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as source,
            closing(sqlite3.connect(partial)) as copy,
        ):
            source.backup(
                copy,
                pages=_PAGES,
                progress=lambda _status, left, total: report(total - left, total),
                sleep=0.01,
            )
            copy.execute(_MARK, (RESTORED, json.dumps({"by": "db backup", "at": _now()})))
            copy.commit()
            # A file of its own: nothing beside it has to be kept.
            copy.execute("PRAGMA journal_mode = DELETE")
            (found,) = copy.execute("PRAGMA quick_check").fetchone()
            if found != "ok":
                raise PermanentError(f"The copy is damaged: {found}. The database may be, too.")
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.rename(target)
    except sqlite3.Error as error:
        raise TemporaryError(f"The database cannot be copied: {error}.") from error
    except OSError as error:
        raise PermanentError(f"Cannot write {target}: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return target.stat().st_size


def _now() -> str:
    return datetime.now(UTC).isoformat()
