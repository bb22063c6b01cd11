"""Work items: approvals and manual tasks, as the ledger keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mappings.model import Approvers


@dataclass(frozen=True)
class ApprovalTerms:
    """What the policy asked for when the approval was opened."""

    approvers: Approvers = field(default_factory=Approvers)
    needed: int = 1
    """How many have to agree. One denial ends it."""
    on_expiry: str = "deny"
    """``deny``: it ends; ``escalate``: it goes once to :attr:`escalate_to`, with the same time
    again."""
    escalate_to: Approvers = field(default_factory=Approvers)
    reason_required: bool = False
    """Whether an approval needs a comment too; a denial always does."""
    requester_email: str = ""
    """Address of the person who asked, by which they are known whatever their login is; empty if
    unknown, and for a program."""


CUSTODY = "custody:"
"""How the ``entitlement`` of a custody task begins, followed by the account's id."""
REFUSED = "refused:"
"""How the ``entitlement`` of a task about a refused change begins, followed by its plan's id."""


class WorkItemKind(StrEnum):
    """What a person is asked for."""

    APPROVAL = "approval"
    MANUAL_TASK = "manual_task"

    @property
    def in_words(self) -> str:
        """What people call it."""
        return "approval" if self is WorkItemKind.APPROVAL else "task"


class WorkItemState(StrEnum):
    """Where a work item stands."""

    OPEN = "open"
    AWAITING_VERIFICATION = "awaiting_verification"
    """Somebody said it is done; DocuSign has not confirmed it yet."""
    APPROVED = "approved"
    """Enough approvers agreed; the connector carries it out."""
    DONE = "done"
    DENIED = "denied"
    """An approver said no to an approval."""
    REJECTED = "rejected"
    """Whoever should have done a manual task refused it."""
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


OPEN_STATES = tuple(state for state in WorkItemState if state.is_open)
CLOSED_STATES = tuple(state for state in WorkItemState if not state.is_open)


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
    """Why it was completed, denied or rejected."""
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
class WorkItemFilter:
    """Which work items are looked for, in people's words; everything given has to hold. Words are
    parts of names, each somewhere, compared without case."""

    person: str = ""
    """Of the name or address of whom it is about; or their id."""
    what: str = ""
    """Of the name of a profile, group or role, or of its account; or its id."""
    asked_by: str = ""
    """Of who asked for it, such as ``client:iga``."""
    entitlements: tuple[str, ...] = ()
    """The ids of what is called so (:func:`connector.services.inbox.search.resolved`)."""
