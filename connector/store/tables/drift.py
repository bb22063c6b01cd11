"""What is expected of DocuSign, and what was found to differ."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, text

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Origin
from connector.domain.drift.findings import FindingState
from connector.domain.drift.remedies import Remedy
from connector.store.columns import Choice, Instant, Json
from connector.store.tables.base import key, metadata, optional, required

expectations = Table(
    "expectations",
    metadata,
    key("tenant"),
    key("user_id"),
    Column("expected", Json, nullable=False),
    Column("origin", Choice(Origin), nullable=False),
    Column("since", Instant),
)

known_entitlements = Table(
    "known_entitlements",
    metadata,
    key("tenant"),
    key("scim_id"),
    required("name"),
    Column("is_admin", Boolean, nullable=False),
    Column("managed_by_scim", Boolean, nullable=False),
)

findings = Table(
    "findings",
    metadata,
    key("tenant"),
    key("finding_id"),
    required("drift_key"),
    Column("kind", Choice(DriftKind), nullable=False),
    required("subject_kind"),
    required("subject_id"),
    required("account_id"),
    required("entitlement"),
    required("attribute"),
    Column("expected", Json, nullable=False),
    Column("actual", Json, nullable=False),
    Column("state", Choice(FindingState), nullable=False),
    Column("remedy", Choice(Remedy), nullable=False),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    required("first_run_id"),
    required("last_run_id"),
    Column("evidence", Json, nullable=False),
    Column("suggestion", Json, nullable=False),
    optional("decided_by"),
    Column("decided_at", Instant),
    optional("reason"),
    optional("plan_id"),
    optional("problem"),
    Column("closed_at", Instant),
    Index("ix_findings_state", "tenant", "state", "kind"),
    Index("ix_findings_seen", "tenant", "first_seen_at", "finding_id"),
    Index("ix_findings_subject", "tenant", "subject_id"),
    Index(
        "uq_findings_open",
        "tenant",
        "drift_key",
        unique=True,
        sqlite_where=text("state IN ('open', 'reverting')"),
        postgresql_where=text("state IN ('open', 'reverting')"),
    ),
)
