"""Where deltas have got to: kept in the database, one place for each account and the stream."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connector.ports import UnitOfWork
from connector.services.aggregation.runs import SYNC_JOB, has_read_users

_FACT = "delta_places"
_LOOK_BACK = timedelta(days=7)
"""How far a delta looks where no time that was kept can be believed."""


def place(uow: UnitOfWork, name: str) -> str | None:
    """Return what was kept under a name, None before anything was."""
    found: Mapping[str, Any] = uow.facts().get(_FACT) or {}
    return found.get(name)


def put_place(uow: UnitOfWork, name: str, value: str) -> None:
    """Keep a place."""
    uow.put_fact(_FACT, {**(uow.facts().get(_FACT) or {}), name: value})


def since(uow: UnitOfWork, name: str, now: datetime) -> datetime | None:
    """Return since when changes were not looked for; None before the first full aggregation.

    A time that is still to come was kept by a clock that went wrong: it is passed over, and what
    happened since the last one that can be right is asked for again. A run that held users against
    an export did not read all that may have changed.
    """
    last = uow.jobs.latest_done(SYNC_JOB, now)
    if last is None:
        return None
    kept = place(uow, name)
    times = [datetime.fromisoformat(kept)] if kept else []
    if has_read_users(last):
        times.append(last.started_at)
    return max((moment for moment in times if moment <= now), default=now - _LOOK_BACK)
