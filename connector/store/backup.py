"""A copy of a SQLite file, taken while it is used."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from connector.errors import PermanentError, TemporaryError

_PAGES = 1024
"""Copied at a time; in between, writers go on."""

Report = Callable[[int, int], None]
"""Takes the pages that are copied, and of how many."""


def backup_sqlite(path: Path, target: Path, report: Report) -> int:
    """Write one consistent copy of a SQLite file, checked, and return its size in bytes.

    The name *target* appears once the copy is whole.

    :raises PermanentError: *target* is there, or cannot be written, or the copy is damaged.
    :raises TemporaryError: the file cannot be read just now.
    """
    if target.exists():
        raise PermanentError(f"{target} is there already. Name another file, or move it away.")
    partial = target.with_name(f"{target.name}.partial")
    try:
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
        partial.unlink(missing_ok=True)
    return target.stat().st_size
