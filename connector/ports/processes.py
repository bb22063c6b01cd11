"""Which processes of ours run, and with which configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class RunningProcess:
    """A process that serves or runs jobs."""

    process_id: str
    """Unique among all that ever ran."""
    role: str
    """``serve`` or ``jobs``."""
    host: str
    machine: str
    """What shares its process ids, see :func:`connector.parentage.machine`."""
    pid: int
    config_path: str
    """Of the configuration file that it has read, absolute."""
    checksum: str
    """Of the text of that file as it has read it."""
    started_at: datetime
    seen_at: datetime


class ProcessRepository(Protocol):
    """The processes that run over this database."""

    def put(self, process: RunningProcess) -> None:
        """Insert or overwrite a process."""

    def list(self) -> Sequence[RunningProcess]:
        """Return all, those that started first before the others."""

    def remove(self, process_id: str) -> None:
        """Delete a process that has ended."""

    def forget_unseen(self, before: datetime) -> int:
        """Delete processes that were last seen before then, and return how many."""
