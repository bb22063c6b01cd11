"""A difference with its history, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.drift.difference import Drift, DriftKind
from connector.domain.drift.remedies import Remedy


class FindingState(StrEnum):
    """Where a finding stands."""

    OPEN = "open"
    REVERTING = "reverting"
    """Reverting was asked for; a plan or a task is not through yet."""
    ACCEPTED = "accepted"
    """Somebody, or the policy, took it for right: it is expected from then on."""
    REVERTED = "reverted"
    """DocuSign shows again what was expected, because it was put right."""
    GONE = "gone"
    """DocuSign shows again what was expected, and nobody here did it."""

    @property
    def is_open(self) -> bool:
        """True while the difference is there and nobody took it for right."""
        return self in (FindingState.OPEN, FindingState.REVERTING)


OPEN_FINDINGS = tuple(state for state in FindingState if state.is_open)
CLOSED_FINDINGS = tuple(state for state in FindingState if not state.is_open)


@dataclass(frozen=True)
class Finding:
    """One difference and its history."""

    finding_id: str
    drift_key: str
    kind: DriftKind
    subject_kind: str
    subject_id: str
    account_id: str
    entitlement: str
    attribute: str
    expected: Mapping[str, Any]
    actual: Mapping[str, Any]
    state: FindingState
    remedy: Remedy
    """What the policy said when it was last seen."""
    first_seen_at: datetime
    last_seen_at: datetime
    first_run_id: str
    last_run_id: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """``granted``: by entitlement, plan, by, source and at; ``sync``: the run that read DocuSign,
    and when; ``owner``: whose the user may be, by which rule."""
    suggestion: Sequence[Mapping[str, Any]] = ()
    """The operations that would put it right, as ``Operation.to_dict`` writes them; none where no
    API can."""
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None
    """Why it was accepted, or is to be reverted."""
    plan_id: str | None = None
    """The plan that reverts it."""
    problem: str | None = None
    """Why it could not be reverted yet."""
    closed_at: datetime | None = None

    @property
    def drift(self) -> Drift:
        """The difference alone."""
        return Drift(
            self.kind,
            self.subject_kind,
            self.subject_id,
            self.account_id,
            self.entitlement,
            self.attribute,
            self.expected,
            self.actual,
        )


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are asked for; everything given has to hold."""

    states: tuple[FindingState, ...] = ()
    """None: any."""
    kinds: tuple[DriftKind, ...] = ()
    subject_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    attribute: str = ""
    remedies: tuple[Remedy, ...] = ()
    """What the policy said when they were last seen."""
    last_seen_at: datetime | None = None
    """Last seen by the run that began then."""
