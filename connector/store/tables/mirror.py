"""What DocuSign confirmed, normalised. An aggregation can fill these tables anew."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Table, text

from connector.domain.model import GroupType, MembershipStatus
from connector.store.columns import TEXT, Choice, Instant
from connector.store.tables.base import key, metadata, optional, required

accounts = Table(
    "accounts",
    metadata,
    key("tenant"),
    key("account_id"),
    required("name"),
    required("base_uri"),
    optional("organization_id"),
    Column("site_id", BigInteger),
)

profiles = Table(
    "profiles",
    metadata,
    key("tenant"),
    key("account_id"),
    key("profile_id"),
    required("name"),
    Column("is_admin", Boolean, nullable=False),
    Column("modified_at", Instant),
)

groups = Table(
    "groups",
    metadata,
    key("tenant"),
    key("account_id"),
    key("group_id"),
    required("name"),
    Column("group_type", Choice(GroupType), nullable=False),
    Column("managed_by_scim", Boolean, nullable=False),
    Column("member_count", Integer, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    key("tenant"),
    key("user_id"),
    required("email"),
    required("email_key"),
    required("user_name"),
    # As comparisons want it, because a group shows it of each member.
    Column("user_name_key", TEXT, nullable=False, server_default=""),
    required("first_name"),
    required("last_name"),
    required("middle_name"),
    required("suffix"),
    required("job_title"),
    required("company"),
    Column("site_id", BigInteger),
    Column("is_organization_admin", Boolean),
    Column("organization_admin_verified_at", Instant),
    Column("managed_by_scim", Boolean, nullable=False),
    Column("created_at", Instant),
    Column("last_login_at", Instant),
    Column("has_open_membership", Boolean, nullable=False),
    Column("fetched_at", Instant, nullable=False),
    Index("ix_users_email", "tenant", "email_key"),
    Index("ix_users_open", "tenant", "has_open_membership"),
    Index(
        "ix_users_organization_admin",
        "tenant",
        "user_id",
        sqlite_where=text("is_organization_admin = 1"),
        postgresql_where=text("is_organization_admin"),
    ),
)

memberships = Table(
    "memberships",
    metadata,
    key("tenant"),
    key("user_id"),
    key("account_id"),
    Column("status", Choice(MembershipStatus), nullable=False),
    optional("profile_id"),
    Column("is_admin", Boolean, nullable=False),
    optional("membership_id"),
    Column("created_at", Instant),
    Column("closed_at", Instant),
    Column("managed_by_scim", Boolean, nullable=False),
    optional("job_title"),
    optional("company"),
    Column("groups_written_at", Instant),
    Index("ix_memberships_profile", "tenant", "account_id", "profile_id", "user_id"),
    Index("ix_memberships_admin", "tenant", "account_id", "is_admin", "status"),
    Index("ix_memberships_account", "tenant", "account_id", "user_id"),
)

group_members = Table(
    "group_members",
    metadata,
    key("tenant"),
    key("account_id"),
    key("group_id"),
    key("user_id"),
    Index("ix_group_members_user", "tenant", "user_id"),
    sqlite_with_rowid=False,
)

run_sightings = Table(
    "run_sightings",
    metadata,
    key("tenant"),
    key("run_id"),
    key("account_id"),
    key("user_id"),
    sqlite_with_rowid=False,
)
