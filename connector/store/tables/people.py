"""What belongs to work items: their history, evidence, and who decides for whom."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, Table, false

from connector.domain.work_items.history import Act
from connector.store.columns import TEXT, Choice, Instant, Json
from connector.store.tables.base import key, metadata, required

work_item_events = Table(
    "work_item_events",
    metadata,
    key("tenant"),
    key("work_item_id"),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    required("actor"),
    Column("act", Choice(Act), nullable=False),
    required("comment"),
    Column("data", Json, nullable=False),
)

work_item_evidence = Table(
    "work_item_evidence",
    metadata,
    key("tenant"),
    key("evidence_id"),
    required("work_item_id"),
    required("name"),
    required("media_type"),
    Column("size", Integer, nullable=False),
    required("sha256"),
    required("added_by"),
    Column("added_at", Instant, nullable=False),
    # Last, because SQLite reads a row up to the column it needs.
    Column("content", LargeBinary, nullable=False),
    Index("ix_work_item_evidence_item", "tenant", "work_item_id"),
)

delegations = Table(
    "delegations",
    metadata,
    key("tenant"),
    key("delegation_id"),
    required("delegator"),
    required("delegate"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    required("reason"),
    required("created_by"),
    Column("created_at", Instant, nullable=False),
    Column("groups", Json, nullable=False),
    Column("is_approver", Boolean, nullable=False),
    Column("revoked_at", Instant),
    Column("delegator_email", TEXT, nullable=False, server_default=""),
    Column("is_local", Boolean, nullable=False, server_default=false()),
)
