"""Requests to be forgotten."""

from __future__ import annotations

from sqlalchemy import Column, Table

from connector.domain.erasure import ErasureState
from connector.store.columns import TEXT, Choice, Instant, Json
from connector.store.tables.base import key, metadata, optional, required

erasures = Table(
    "erasures",
    metadata,
    key("tenant"),
    key("erasure_id"),
    required("subject_id"),
    Column("state", Choice(ErasureState), nullable=False),
    required("reason"),
    required("requested_by"),
    Column("requested_at", Instant, nullable=False),
    optional("confirmed_by"),
    Column("confirmed_at", Instant),
    Column("outcomes", Json, nullable=False),
    optional("error"),
    Column("finished_at", Instant),
    Column("requested_email", TEXT, nullable=False, server_default=""),
)
