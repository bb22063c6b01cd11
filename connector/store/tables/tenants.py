"""Tenants that are kept in the database, and whose each account is: both of the installation."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from connector.domain.tenants.records import TenantState
from connector.store.columns import Choice, Instant, Json
from connector.store.tables.base import key, metadata, required

tenants = Table(
    "tenants",
    metadata,
    key("tenant"),
    key("name"),
    Column("state", Choice(TenantState), nullable=False),
    Column("document", Json, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    required("created_by"),
    Column("changed_at", Instant, nullable=False),
    required("changed_by"),
    required("reason"),
    Index("ix_tenants_revision", "tenant", "revision"),
)

tenant_accounts = Table(
    "tenant_accounts",
    metadata,
    key("tenant"),
    key("account_id"),
    required("name"),
)
