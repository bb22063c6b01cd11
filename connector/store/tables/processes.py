"""The processes that run over this database."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from connector.store.columns import Instant
from connector.store.tables.base import key, metadata, required

processes = Table(
    "processes",
    metadata,
    key("tenant"),
    key("process_id"),
    required("role"),
    required("host"),
    required("machine"),
    Column("pid", Integer, nullable=False),
    required("config_path"),
    required("checksum"),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
