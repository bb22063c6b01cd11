"""Who may use the console. Accounts are never lost; sessions and failures may be."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table

from connector.domain.authentication.console import SignInMethod
from connector.store.columns import Choice, Instant, Json
from connector.store.tables.base import key, metadata, required

console_accounts = Table(
    "console_accounts",
    metadata,
    key("tenant"),
    key("login"),
    required("display_name"),
    required("email"),
    required("password_hash"),
    Column("roles", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("password_changed_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

console_sessions = Table(
    "console_sessions",
    metadata,
    key("tenant"),
    key("session_hash"),
    required("login"),
    required("display_name"),
    required("email"),
    Column("roles", Json, nullable=False),
    Column("groups", Json, nullable=False),
    Column("method", Choice(SignInMethod), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index("ix_console_sessions_login", "tenant", "login"),
    Index("ix_console_sessions_seen", "tenant", "last_seen_at"),
)

# With which addresses people came in: it tells who somebody is once they have another one.
login_addresses = Table(
    "login_addresses",
    metadata,
    key("tenant"),
    key("login"),
    key("email_key"),
    Index("ix_login_addresses_email", "tenant", "email_key"),
    sqlite_with_rowid=False,
)

console_tokens = Table(
    "console_tokens",
    metadata,
    key("tenant"),
    key("token_id"),
    required("login"),
    required("name"),
    required("token_hash"),
    Column("roles", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    required("created_by"),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Index("ix_console_tokens_hash", "tenant", "token_hash", unique=True),
    Index("ix_console_tokens_login", "tenant", "login"),
)

console_failures = Table(
    "console_failures",
    metadata,
    key("tenant"),
    key("subject"),
    Column("failures", Integer, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index("ix_console_failures_end", "tenant", "ends_at"),
)
