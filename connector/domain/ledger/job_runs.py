"""Runs of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a job run stands."""

    RUNNING = "running"
    DONE = "done"
    WAITING = "waiting"
    """The calls of the hour are used up; it keeps its place and goes on."""
    FAILED = "failed"


GOES_ON_AT = "goes_on_at"
"""In the cursor of a run that waits for calls: when DocuSign allows them again."""


@dataclass(frozen=True)
class JobRun:
    """One run of a job; an unfinished one is resumed from its cursor."""

    run_id: str
    job: str
    state: RunState
    started_at: datetime
    cursor: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    finished_at: datetime | None = None
    error: str | None = None
    cause: str | None = None
    """The name of the error's class, by which monitoring tells a refused token from a bad hour."""
    calls: int = 0
    """Calls to DocuSign that it made."""
    actor: str = ""
    """Who started it; empty: the clock."""
    done: int | None = None
    """How much of it is done, of a run that can tell."""
    total: int | None = None
    is_idle: bool = False
    """Whether it found nothing to do: most runs of frequent jobs."""
    correlation_id: str = ""
    """Its log lines, audit events and calls bear it."""

    @property
    def goes_on_at(self) -> datetime | None:
        """When a run that waits for calls may go on; None: it does not wait, or nobody knows."""
        at = self.cursor.get(GOES_ON_AT) if self.state is RunState.WAITING else None
        return None if at is None else datetime.fromisoformat(at)

    @property
    def started_by(self) -> str:
        """Who started it: ``user:<login>``, or ``job:<name>`` for the clock."""
        return self.actor or f"job:{self.job}"

    @property
    def duration_s(self) -> float | None:
        """Seconds from its start to its end; None while it runs."""
        if self.finished_at is None:
            return None
        return max(0.0, (self.finished_at - self.started_at).total_seconds())
