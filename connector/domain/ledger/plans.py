"""Recorded plans and their operations, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.plan import Operation


class Fulfilment(StrEnum):
    """Who carries an operation out."""

    AUTOMATIC = "automatic"
    APPROVAL = "approval"
    MANUAL = "manual"


class PlanState(StrEnum):
    """Where a recorded plan stands."""

    OPEN = "open"
    """Operations are planned, in flight or waiting for a person."""
    DONE = "done"
    FAILED = "failed"
    """A step failed for good; the earlier ones were undone, or the errors say which were not."""
    QUEUED = "queued"
    """Accepted while DocuSign was unavailable; the jobs process carries it out."""


class OperationState(StrEnum):
    """Where one operation stands. Committed as IN_FLIGHT before DocuSign hears of it."""

    PLANNED = "planned"
    IN_FLIGHT = "in_flight"
    DONE = "done"
    FAILED = "failed"
    UNDONE = "undone"
    SKIPPED = "skipped"
    """Never tried, because an earlier operation failed, or nobody wants it any more."""
    REFERRED = "referred"
    """Left to a plan of its own, which waits for an approval."""
    WAITING = "waiting"
    """A work item stands for it."""


REQUEST_REASON = "request_reason"
"""In a plan's context: why it was asked for, in the requester's words."""


@dataclass(frozen=True)
class PlanRecord:
    """One accepted change."""

    plan_id: str
    subject_kind: str
    """``User`` or ``Group``."""
    subject_id: str | None
    """SCIM id; None while a person or group is being created."""
    requester: str
    """``client:<name>``, ``user:<login>`` or ``job:<name>``."""
    source: str
    """``scim``, ``cli``, ``job``, ``console`` or ``api``."""
    correlation_id: str
    state: PlanState
    checksum: str
    created_at: datetime
    summary: str
    """One line for people."""
    context: Mapping[str, Any] = field(default_factory=dict)
    """What fulfilment needs besides the operations: external id, kept attributes ..."""
    finished_at: datetime | None = None


@dataclass(frozen=True)
class WaitingChange:
    """A change that stands in a queue."""

    plan: PlanRecord
    since: datetime
    """When it came into the queue: a change that people approved waits from then on."""


@dataclass(frozen=True)
class OperationRecord:
    """One operation of a recorded plan."""

    operation_id: str
    plan_id: str
    position: int
    operation: Operation
    fulfilment: Fulfilment
    state: OperationState
    attempts: int = 0
    owner: str | None = None
    """The process that has it in flight."""
    lease_until: datetime | None = None
    """After this an IN_FLIGHT operation counts as abandoned and is settled."""
    error: str | None = None
    trace_token: str | None = None
    finished_at: datetime | None = None


ROLES_KEY = "_roles"
"""Under which a user's attested roles are kept; no schema URN begins so."""
