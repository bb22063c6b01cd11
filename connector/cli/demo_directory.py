"""Where a demo keeps its files: a directory of its own, from which nothing else is ever removed."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from connector.cli.leases import only_server_of
from connector.errors import PermanentError

_MARK = ".docusign-iga-demo"
"""Names a directory whose files a demo made."""
_LEFT_BEHIND = ("connector.db", "connector.db-wal", "connector.db-shm", "simulator.json")
"""Removed at the start: the simulator begins afresh, and the connector with it."""
_WRITTEN = (*_LEFT_BEHIND, "config.yaml", "private-key.pem", "simulator.log", "connector.log")
_LOCK = f"{_MARK}.lock"
_PREDECESSOR_ENDS_WITHIN_S = 10.0
"""What a killed demo started ends by itself, a moment later."""


@contextmanager
def demo_directory(chosen: Path | None) -> Iterator[Path]:
    """Return the data directory, without what an earlier demo left: the simulator starts afresh.

    :param chosen: None for a temporary one, which is removed at the end.
    :raises PermanentError: it cannot be used, another demo runs on it, or it has files that no demo
        made.
    """
    if chosen is None:
        temporary = Path(tempfile.mkdtemp(prefix="docusign-iga-"))
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return
    try:
        chosen.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(f"Cannot use {chosen} for data: {error.strerror}.") from error
    _refuse_foreign_files(chosen)
    with _only_demo(chosen):
        # A `serve` of its own may use what a demo left.
        with only_server_of(chosen / "connector.db", wait_s=_PREDECESSOR_ENDS_WITHIN_S):
            for name in _LEFT_BEHIND:
                (chosen / name).unlink(missing_ok=True)
        yield chosen.resolve()


@contextmanager
def _only_demo(directory: Path) -> Iterator[None]:
    """Keep the directory from other demos, which would begin by removing its database.

    :raises PermanentError: another demo runs on it.
    """
    try:
        with FileLock(directory / _LOCK).acquire(timeout=0):
            yield
    except Timeout as error:
        raise PermanentError(
            f"Another `docusign-iga demo` runs on {directory}. End it, or choose another directory "
            "for --data-dir."
        ) from error


def _refuse_foreign_files(directory: Path) -> None:
    """Mark the directory as a demo's, unless it has what a demo would overwrite and did not make.

    :raises PermanentError: it has; it may be the database of a real organization.
    """
    mark = directory / _MARK
    foreign = [] if mark.exists() else [n for n in _WRITTEN if (directory / n).exists()]
    if foreign:
        raise PermanentError(
            f"{directory} has {', '.join(foreign)}, which no demo made and a demo would overwrite. "
            "Choose an empty directory for --data-dir."
        )
    mark.touch()
