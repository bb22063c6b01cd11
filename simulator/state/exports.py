"""User-list exports of the organization, one result a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

EXPIRES_AFTER = timedelta(days=90)


@dataclass(slots=True)
class ExportResult:
    """The rows of one site (data centre)."""

    result_id: str
    site_id: int
    rows: int
    csv: str


@dataclass(slots=True)
class Export:
    """An ordered export: it is complete after it was asked for a few times."""

    export_id: str
    kind: str
    requestor_id: str
    created_at: datetime
    account_ids: tuple[str, ...]
    domains: tuple[str, ...]
    polls_left: int
    results: list[ExportResult] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether the results can be fetched."""
        return self.polls_left <= 0

    @property
    def expires_at(self) -> datetime:
        """When the results go away."""
        return self.created_at + EXPIRES_AFTER
