"""The outbox of notifications."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from connector.domain.notifications import DeliveryState, Notice
from connector.store.columns import Choice, Instant, Json
from connector.store.tables.base import key, metadata, optional, required

notifications = Table(
    "notifications",
    metadata,
    key("tenant"),
    key("delivery_id"),
    Column("notice", Choice(Notice), nullable=False),
    required("channel"),
    required("recipient"),
    required("about"),
    required("subject_id"),
    Column("payload", Json, nullable=False),
    Column("state", Choice(DeliveryState), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("next_attempt_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    optional("error"),
    Column("finished_at", Instant),
    required("record"),
    Index("ix_notifications_due", "tenant", "state", "next_attempt_at"),
    Index("ix_notifications_about", "tenant", "about"),
    Index("ix_notifications_subject", "tenant", "subject_id"),
)
