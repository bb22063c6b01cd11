"""Counts of what a tenant has, for monitoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.ledger.job_runs import JobRun
from connector.domain.ledger.plans import PlanState
from connector.domain.work_items.items import WorkItemKind


class TotalsRepository(Protocol):
    """Counts over the mirror and the ledger; each reads an index, none a table."""

    def plans(self) -> Mapping[PlanState, int]:
        """Return the number of plans in each state that some plan has."""

    def waits_since(self) -> datetime | None:
        """Return since when the change waits for DocuSign that has waited longest."""

    def open_work_items(self) -> Mapping[WorkItemKind, int]:
        """Return the number of work items of each kind that wait for somebody."""

    def mirror(self) -> Mapping[str, int]:
        """Return the number of ``users``, ``memberships``, ``profiles`` and ``groups``."""

    def members(self, account_id: str) -> int:
        """Return the number of memberships of an account, closed ones included."""

    def last_runs(self, now: datetime) -> Sequence[JobRun]:
        """Return the last finished run of each job, by job."""
