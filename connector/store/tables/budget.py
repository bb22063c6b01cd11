"""DocuSign's limits, shared by all processes."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from connector.store.columns import Instant
from connector.store.tables.base import key, metadata

budgets = Table(
    "budgets",
    metadata,
    key("tenant"),
    key("budget"),
    Column("seen_at", Instant, nullable=False),
    Column("call_limit", Integer),
    Column("remaining", Integer),
    Column("reset_at", Instant),
    Column("closed_until", Instant),
    Column("hurried_until", Instant),
    Column("blocked_until", Instant),
)

budget_calls = Table(
    "budget_calls",
    metadata,
    key("tenant"),
    key("budget"),
    Column("hour", Instant, primary_key=True),
    key("purpose"),
    Column("calls", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)
