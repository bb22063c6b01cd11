"""What the ledger keeps: facts that exist nowhere else and are never lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.plan import Operation
from connector.domain.work_items import ApprovalTerms

CUSTODY = "custody:"
"""How the ``entitlement`` of a custody task begins, followed by the account's id."""
REFUSED = "refused:"
"""How the ``entitlement`` of a task about a refused change begins, followed by its plan's id."""


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


class WorkItemKind(StrEnum):
    """What a person is asked for."""

    APPROVAL = "approval"
    MANUAL_TASK = "manual_task"


class WorkItemState(StrEnum):
    """Where a work item stands."""

    OPEN = "open"
    AWAITING_VERIFICATION = "awaiting_verification"
    """Somebody said it is done; DocuSign has not confirmed it yet."""
    APPROVED = "approved"
    """Enough approvers agreed; the connector carries it out."""
    DONE = "done"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """The opposite was asked for, or another work item took its place."""
    EXPIRED = "expired"
    """Nobody decided in time."""
    WITHDRAWN = "withdrawn"
    """The requester took it back."""

    @property
    def is_open(self) -> bool:
        """True while somebody or something still has to act."""
        return self in (
            WorkItemState.OPEN,
            WorkItemState.AWAITING_VERIFICATION,
            WorkItemState.APPROVED,
        )


class Direction(StrEnum):
    """Whether access is given or taken."""

    GRANT = "grant"
    REVOKE = "revoke"


@dataclass(frozen=True)
class WorkItem:
    """Something that waits for a person."""

    work_item_id: str
    kind: WorkItemKind
    subject_id: str
    """SCIM id of the user whose access changes; empty for a change of a group or of nobody yet."""
    entitlement: str
    """SCIM id of the entitlement or role, e.g. ``organization-admin``."""
    direction: Direction
    state: WorkItemState
    title: str
    instructions: tuple[str, ...]
    """Exact steps, one each."""
    deep_link: str | None
    plan_id: str
    operation_id: str
    requester: str
    created_at: datetime
    due_at: datetime | None
    verification: str
    """How a manual task is verified (:mod:`connector.domain.policy`); empty for an approval."""
    assignee: str | None = None
    """Who claimed it, as ``user:<login>``."""
    comment: str | None = None
    """Why it was completed or rejected."""
    closed_at: datetime | None = None
    closed_by: str | None = None
    last_checked_at: datetime | None = None
    last_check: str | None = None
    """What the last verification saw, in words."""
    checksum: str = ""
    """Of the plan that an approval decides on (:attr:`connector.domain.plan.Plan.checksum`)."""
    risk: str = "low"
    owner: str = ""
    """Who answers for the entitlement, for people."""
    rule: str = ""
    """The rule of the policy that asked for it, in words."""
    terms: ApprovalTerms | None = None
    """Who decides and how many of them; None for a manual task."""
    expires_at: datetime | None = None
    """When an approval ends undecided."""
    completed_by: str | None = None
    """Who said that a manual task is done; another person attests it."""
    reminded_at: datetime | None = None
    """When people were last reminded of it."""
    escalated_at: datetime | None = None
    """When it was escalated, because it was overdue or about to expire."""

    @property
    def is_access(self) -> bool:
        """Whether it gives or takes one entitlement: neither what a leaver left nor a refused
        change."""
        return not self.entitlement.startswith((CUSTODY, REFUSED))


@dataclass(frozen=True)
class ClientAttributes:
    """What DocuSign cannot hold and we keep for a client, of one resource."""

    kind: str
    scim_id: str
    external_ids: Mapping[str, str] = field(default_factory=dict)
    """By external id scope."""
    kept: Mapping[str, Any] = field(default_factory=dict)
    """Attributes by schema URN, returned as they came (enterprise extension)."""


@dataclass(frozen=True)
class Tombstone:
    """A deleted user: 404 from then on, the name free again."""

    kind: str
    scim_id: str
    email_key: str
    external_ids: Mapping[str, str]
    deleted_at: datetime
    deleted_by: str


@dataclass(frozen=True)
class Provenance:
    """Why somebody holds an entitlement."""

    user_id: str
    entitlement: str
    plan_id: str | None
    granted_by: str
    source: str
    granted_at: datetime


@dataclass(frozen=True)
class Seal:
    """What the chain binds of an event, and what opens the rest of it (:mod:`.audit`)."""

    actor: str
    """The actor, or of a person the pseudonym."""
    actor_salt: str
    """What proves whose pseudonym it is; empty where it is none, or where the name was erased."""
    data: Mapping[str, Any]
    """What names no person."""
    personal_digest: str = ""
    """Of the rest of the data; empty where there is none."""
    personal: Mapping[str, Any] | None = None
    """The rest of the data; None where there is none, or where it was erased."""
    salt: str = ""
    """What the digest was made with."""


@dataclass(frozen=True)
class AuditEvent:
    """One fact of the append-only, hash-chained record."""

    at: datetime
    actor: str
    action: str
    """``plan.recorded``, ``operation.done``, ``work_item.opened`` ..."""
    subject: str
    correlation_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    sequence: int = 0
    previous_hash: str = ""
    hash: str = ""
    seal: Seal | None = None
    """None for one that is not appended yet."""

    @property
    def is_erased(self) -> bool:
        """Whether what it said of a person was erased."""
        seal = self.seal
        return seal is not None and bool(seal.personal_digest) and seal.personal is None


@dataclass(frozen=True)
class AuditHead:
    """Where a chain ends: whoever keeps it elsewhere proves what came before."""

    sequence: int
    hash: str


@dataclass(frozen=True)
class AuditFilter:
    """Which events are asked for; everything given has to hold."""

    subjects: tuple[str, ...] = ()
    """SCIM ids; none: any."""
    correlation_ids: tuple[str, ...] = ()
    """Events of these requests and job runs; beside *subjects* those too that are about nobody."""
    request: str = ""
    """Correlation id of the request or job run."""
    actor: str = ""
    """As it is shown, or the beginning of it that ends with ``*``."""
    action: str = ""
    """Such as ``plan.recorded``, or a beginning that ends with ``*``: ``plan.*``."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""


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
