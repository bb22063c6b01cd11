"""Work for whichever worker is free, on any machine."""

from __future__ import annotations

from typing import Protocol


class JobQueue(Protocol):
    """Holds jobs until a worker takes them; see :mod:`connector.services.jobs`."""

    def defer(
        self,
        tenant: str,
        job: str,
        *,
        part: int | None = None,
        in_s: float = 0.0,
        priority: int = 0,
    ) -> bool:
        """Let a worker run a job of a tenant, or a part of it; return False where it waits already.

        No two workers run the same job of a tenant (the same part of it) at a time.

        :param in_s: not before so many seconds have passed.
        :param priority: higher ones are taken first.
        :raises connector.errors.TemporaryError: the queue cannot be reached.
        """

    def close(self) -> None:
        """Close the connections."""
