"""Whether DocuSign lets the connector act for people, the links given out, and stored grants."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table

from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentState
from connector.store.columns import Choice, Instant, Json
from connector.store.tables.base import key, metadata, optional, required

consents = Table(
    "consents",
    metadata,
    key("tenant"),
    key("user_id"),
    Column("state", Choice(ConsentState), nullable=False),
    Column("since", Instant, nullable=False),
    Column("checked_at", Instant, nullable=False),
    required("cause"),
    required("said"),
    Column("granted", Json, nullable=False),
    Column("missing", Json, nullable=False),
    Column("in_claimed_domain", Boolean),
    Column("is_connection", Boolean, nullable=False),
    Index("ix_consents_state", "tenant", "state"),
    Index("ix_consents_checked", "tenant", "checked_at"),
)

consent_links = Table(
    "consent_links",
    metadata,
    key("tenant"),
    key("link_id"),
    Column("way", Choice(Way), nullable=False),
    required("user_id"),
    Column("made_at", Instant, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("used_at", Instant),
    required("verifier"),
    required("made_by"),
    Index("ix_consent_links_made", "tenant", "made_at"),
)

code_grants = Table(
    "code_grants",
    metadata,
    key("tenant"),
    required("user_id"),
    required("refresh_token"),
    required("access_token"),
    Column("access_until", Instant, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("connected_at", Instant, nullable=False),
    required("connected_by"),
    Column("refreshed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("accounts", Json, nullable=False),
    optional("account_id"),
)
