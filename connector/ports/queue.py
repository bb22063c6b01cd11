"""Work for whichever worker is free, on any machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Asker:
    """Who asked for a run, where it was not the clock."""

    name: str
    """As the audit names them: ``user:ada``."""
    correlation_id: str


class JobQueue(Protocol):
    """Holds jobs until a worker takes them; see :mod:`connector.services.jobs.declared`."""

    def defer(
        self,
        tenant: str,
        job: str,
        *,
        part: int | None = None,
        in_s: float = 0.0,
        priority: int = 0,
        asker: Asker | None = None,
    ) -> bool:
        """Let a worker run a job of a tenant, or a part of it; return False where it waits already.

        No two workers run the same job of a tenant (the same part of it) at a time.

        :param in_s: not before so many seconds have passed.
        :param priority: higher ones are taken first.
        :param asker: whose run it is. It waits beside a run of the clock, which may be passed by
            (paused) and is not theirs.
        :raises connector.errors.TemporaryError: the queue cannot be reached.
        """

    def close(self) -> None:
        """Close the connections."""
