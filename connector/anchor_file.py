"""A file of anchors: where each chain of audit events stood, and when.

It belongs on another machine or medium than the database, where whoever alters the one cannot
alter the other. One JSON object a line, only ever appended to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from connector.domain.audit.events import AuditHead
from connector.errors import PermanentError

_BLOCK = 65_536
"""Bytes that are read at once from the end: several hundred anchors."""


class AnchorFile:
    """See :class:`connector.ports.AnchorSink`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, tenant: str, head: AuditHead, at: datetime) -> None:
        """Append an anchor, durable when this returns.

        :raises PermanentError: the file cannot be written.
        """
        line = {"tenant": tenant, "sequence": head.sequence, "hash": head.hash}
        text = json.dumps({**line, "at": at.isoformat(timespec="seconds")})
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise PermanentError(f"The anchor file {self._path}: {error.strerror}.") from error

    def last(self, tenant: str) -> AuditHead | None:
        """Return the last anchor of a tenant; None where it has none yet.

        :raises PermanentError: the file cannot be read, or its last line about the tenant is no
            anchor.
        """
        try:
            with self._path.open("rb") as file:
                for line in _backwards(file):
                    if line.strip() and (found := _anchor_in(line, tenant)) is not None:
                        return found
        except FileNotFoundError:
            return None
        except OSError as error:
            raise PermanentError(f"The anchor file {self._path}: {error.strerror}.") from error
        except _NoAnchorError as error:
            raise PermanentError(
                f"{self._path} has a line near its end that is no anchor. Look what wrote it, keep "
                "a copy, and remove the line."
            ) from error
        return None


class _NoAnchorError(Exception):
    """A line is no anchor."""


def _anchor_in(line: str | bytes, tenant: str) -> AuditHead | None:
    """Return the anchor that a line has for a tenant, None where it is another's."""
    try:
        anchor = json.loads(line)
        whose, head = anchor["tenant"], AuditHead(int(anchor["sequence"]), str(anchor["hash"]))
    except (ValueError, TypeError, KeyError) as error:
        raise _NoAnchorError from error
    return head if whose == tenant else None


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file, the last one first: it grows for years, and many share it."""
    place, rest = file.seek(0, os.SEEK_END), b""
    while place:
        size = min(_BLOCK, place)
        place = file.seek(place - size)
        rest, *lines = (file.read(size) + rest).split(b"\n")
        yield from reversed(lines)
    yield rest


def read_anchors(path: Path, tenant: str) -> Mapping[int, str]:
    """Return the hashes by sequence that a file has for a tenant.

    :raises PermanentError: the file cannot be read, a line is no anchor, or two lines contradict
        each other.
    """
    found: dict[int, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"The anchor file {path} cannot be read: {error}.") from error
    for number, line in enumerate(lines, 1):
        try:
            anchor = _anchor_in(line, tenant)
        except _NoAnchorError as error:
            raise PermanentError(f"{path}, line {number}, is no anchor.") from error
        if anchor and found.setdefault(anchor.sequence, anchor.hash) != anchor.hash:
            raise PermanentError(
                f"{path}, line {number}, contradicts an earlier line about event "
                f"{anchor.sequence}: the chain was written anew between the two."
            )
    return found
