"""A file of anchors: where each chain of audit events stood, and when.

It belongs on another machine or medium than the database, where whoever alters the one cannot
alter the other. One JSON object a line, only ever appended to.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from connector.domain.audit.events import AuditHead
from connector.errors import PermanentError


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
            anchor = json.loads(line)
            whose, sequence, hash_ = anchor["tenant"], int(anchor["sequence"]), str(anchor["hash"])
        except (ValueError, TypeError, KeyError) as error:
            raise PermanentError(f"{path}, line {number}, is no anchor.") from error
        if whose == tenant and found.setdefault(sequence, hash_) != hash_:
            raise PermanentError(
                f"{path}, line {number}, contradicts an earlier line about event {sequence}: the "
                "chain was written anew between the two."
            )
    return found
