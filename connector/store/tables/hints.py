"""What is to be read again before the next full aggregation."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from connector.domain.mirror.hints import HintSource
from connector.store.columns import Choice, Instant
from connector.store.tables.base import key, metadata, optional

read_hints = Table(
    "read_hints",
    metadata,
    key("tenant"),
    key("account_id"),
    key("user_id"),
    Column("source", Choice(HintSource), nullable=False),
    Column("hinted_at", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    optional("run_id"),
)
