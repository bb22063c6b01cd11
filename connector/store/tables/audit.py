"""The audit: the chain, and beside it what can be erased."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from connector.store.columns import TEXT, Instant, Json
from connector.store.tables.base import key, metadata, required

audit_events = Table(
    "audit_events",
    metadata,
    key("tenant"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    required("actor"),
    required("action"),
    required("subject"),
    required("correlation_id"),
    Column("data", Json, nullable=False),
    required("previous_hash"),
    required("hash"),
    Column("personal_digest", TEXT, nullable=False, server_default=""),
    Index("ix_audit_events_subject", "tenant", "subject", "sequence"),
    Index("ix_audit_events_correlation", "tenant", "correlation_id", "sequence"),
    Index("ix_audit_events_at", "tenant", "at"),
)

# What the chain holds only the digests of, so that it can be erased.
audit_details = Table(
    "audit_details",
    metadata,
    key("tenant"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    required("salt"),
    Column("personal", Json, nullable=False),
)

# Users whom an event names and is not about, such as the members that a group's change adds: the
# index of what happened to a person. All of it follows from the events.
audit_people = Table(
    "audit_people",
    metadata,
    key("tenant"),
    key("user_id"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
)

audit_actors = Table(
    "audit_actors",
    metadata,
    key("tenant"),
    key("pseudonym"),
    required("name"),
    required("salt"),
    Index("ix_audit_actors_name", "tenant", "name"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    key("tenant"),
    Column("sequence", BigInteger, nullable=False),
    required("hash"),
)
