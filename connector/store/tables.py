"""The tables. The tenant leads every key, so that no query can cross it by forgetting a condition.

``migrations`` creates them; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)

from connector.domain.ledger import (
    Direction,
    Fulfilment,
    Method,
    OperationState,
    PlanState,
    RunState,
    WorkItemKind,
    WorkItemState,
)
from connector.domain.model import GroupType, MembershipStatus
from connector.store.columns import TEXT, Choice, Instant, Json

BLOCK_SIZE = 1024
"""Keys in one page block: a page skips fewer rows, a list adds up rows / 1024 counters."""

metadata = MetaData(naming_convention={"pk": "pk_%(table_name)s", "uq": "uq_%(table_name)s"})


def _key(name: str) -> Column[str]:
    return Column(name, TEXT, primary_key=True, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, TEXT, nullable=False)


def _optional(name: str) -> Column[str | None]:
    return Column(name, TEXT)


# ------------------------------------------------------------------------------------- the mirror

accounts = Table(
    "accounts",
    metadata,
    _key("tenant"),
    _key("account_id"),
    _text("name"),
    _text("base_uri"),
    _optional("organization_id"),
    Column("site_id", BigInteger),
)

profiles = Table(
    "profiles",
    metadata,
    _key("tenant"),
    _key("account_id"),
    _key("profile_id"),
    _text("name"),
    Column("is_admin", Boolean, nullable=False),
    Column("modified_at", Instant),
)

groups = Table(
    "groups",
    metadata,
    _key("tenant"),
    _key("account_id"),
    _key("group_id"),
    _text("name"),
    Column("group_type", Choice(GroupType), nullable=False),
    Column("managed_by_scim", Boolean, nullable=False),
    Column("member_count", Integer, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    _key("tenant"),
    _key("user_id"),
    _text("email"),
    _text("email_key"),
    _text("user_name"),
    _text("first_name"),
    _text("last_name"),
    _text("middle_name"),
    _text("suffix"),
    _text("job_title"),
    _text("company"),
    Column("site_id", BigInteger),
    Column("is_organization_admin", Boolean),
    Column("organization_admin_verified_at", Instant),
    Column("managed_by_scim", Boolean, nullable=False),
    Column("created_at", Instant),
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
    _key("tenant"),
    _key("user_id"),
    _key("account_id"),
    Column("status", Choice(MembershipStatus), nullable=False),
    _optional("profile_id"),
    Column("is_admin", Boolean, nullable=False),
    _optional("membership_id"),
    Column("created_at", Instant),
    Column("closed_at", Instant),
    Column("managed_by_scim", Boolean, nullable=False),
    Index("ix_memberships_profile", "tenant", "account_id", "profile_id", "user_id"),
    Index("ix_memberships_admin", "tenant", "account_id", "is_admin", "status"),
    Index("ix_memberships_account", "tenant", "account_id", "user_id"),
)

group_members = Table(
    "group_members",
    metadata,
    _key("tenant"),
    _key("account_id"),
    _key("group_id"),
    _key("user_id"),
    Index("ix_group_members_user", "tenant", "user_id"),
    sqlite_with_rowid=False,
)

run_sightings = Table(
    "run_sightings",
    metadata,
    _key("tenant"),
    _key("run_id"),
    _key("account_id"),
    _key("user_id"),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------- the rendered resources

resources = Table(
    "resources",
    metadata,
    # SQLite gives out growing keys only to a column declared INTEGER.
    Column(
        "seq",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    _text("tenant"),
    _text("kind"),
    _text("scim_id"),
    _text("version"),
    Column("created_at", Instant, nullable=False),
    Column("last_modified_at", Instant, nullable=False),
    _text("name_key"),
    _text("display_key"),
    _text("given_key"),
    _text("family_key"),
    Column("active", Boolean, nullable=False),
    Column("visible", Boolean, nullable=False),
    # Last, because SQLite reads a row up to the column it needs.
    _text("document"),
    UniqueConstraint("tenant", "kind", "scim_id"),
    Index("ix_resources_page", "tenant", "kind", "visible", "seq"),
    Index("ix_resources_active", "tenant", "kind", "visible", "active", "seq"),
    Index("ix_resources_name", "tenant", "kind", "name_key"),
    Index("ix_resources_display", "tenant", "kind", "display_key"),
    Index("ix_resources_given", "tenant", "kind", "given_key"),
    Index("ix_resources_family", "tenant", "kind", "family_key"),
    Index("ix_resources_created", "tenant", "kind", "created_at"),
    Index("ix_resources_modified", "tenant", "kind", "last_modified_at"),
    sqlite_autoincrement=True,
)

page_blocks = Table(
    "page_blocks",
    metadata,
    _key("tenant"),
    _key("kind"),
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("visible_count", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# ------------------------------------------------------------------------------------- the ledger

plans = Table(
    "plans",
    metadata,
    _key("tenant"),
    _key("plan_id"),
    _text("subject_kind"),
    _optional("subject_id"),
    _text("requester"),
    _text("source"),
    _text("correlation_id"),
    Column("state", Choice(PlanState), nullable=False),
    _text("checksum"),
    Column("created_at", Instant, nullable=False),
    _text("summary"),
    Column("context", Json, nullable=False),
    Column("finished_at", Instant),
    Index("ix_plans_subject", "tenant", "subject_kind", "subject_id", "state"),
    Index("ix_plans_state", "tenant", "state"),
)

operations = Table(
    "operations",
    metadata,
    _key("tenant"),
    _key("operation_id"),
    _text("plan_id"),
    Column("position", Integer, nullable=False),
    Column("operation", Json, nullable=False),
    Column("fulfilment", Choice(Fulfilment), nullable=False),
    Column("state", Choice(OperationState), nullable=False),
    Column("attempts", Integer, nullable=False),
    _optional("owner"),
    Column("lease_until", Instant),
    _optional("error"),
    _optional("trace_token"),
    Column("finished_at", Instant),
    Index("ix_operations_plan", "tenant", "plan_id", "position"),
    Index("ix_operations_owner", "tenant", "owner"),
)

work_items = Table(
    "work_items",
    metadata,
    _key("tenant"),
    _key("work_item_id"),
    Column("kind", Choice(WorkItemKind), nullable=False),
    _text("subject_id"),
    _text("entitlement"),
    Column("direction", Choice(Direction), nullable=False),
    Column("state", Choice(WorkItemState), nullable=False),
    _text("title"),
    Column("instructions", Json, nullable=False),
    _optional("deep_link"),
    _text("plan_id"),
    _text("operation_id"),
    _text("requester"),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    _text("verification"),
    _optional("assignee"),
    _optional("comment"),
    Column("closed_at", Instant),
    _optional("closed_by"),
    Column("last_checked_at", Instant),
    _optional("last_check"),
    Index("ix_work_items_subject", "tenant", "subject_id"),
    Index("ix_work_items_state", "tenant", "state", "created_at"),
    Index(
        "uq_work_items_open",
        "tenant",
        "kind",
        "subject_id",
        "entitlement",
        unique=True,
        sqlite_where=text("state IN ('open', 'awaiting_verification')"),
        postgresql_where=text("state IN ('open', 'awaiting_verification')"),
    ),
)

api_clients = Table(
    "api_clients",
    metadata,
    _key("tenant"),
    _key("client_id"),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    _text("external_id_scope"),
    Column("settings", Json, nullable=False),
    Column("revoked_at", Instant),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    _key("tenant"),
    _key("token_id"),
    _text("client_id"),
    _text("token_hash"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("method", Choice(Method), nullable=False, server_default=Method.TOKEN.value),
    _optional("label"),
    Column("scopes", Json, nullable=False, server_default="[]"),
    UniqueConstraint("tenant", "token_hash"),
    Index("ix_api_tokens_client", "tenant", "client_id"),
)

client_attributes = Table(
    "client_attributes",
    metadata,
    _key("tenant"),
    _key("kind"),
    _key("scim_id"),
    Column("kept", Json, nullable=False),
)

external_ids = Table(
    "external_ids",
    metadata,
    _key("tenant"),
    _key("kind"),
    _key("scope"),
    _key("scim_id"),
    _text("external_id"),
    Index("ix_external_ids_value", "tenant", "kind", "scope", "external_id"),
    Index("ix_external_ids_resource", "tenant", "kind", "scim_id"),
)

tombstones = Table(
    "tombstones",
    metadata,
    _key("tenant"),
    _key("kind"),
    _key("scim_id"),
    _text("email_key"),
    Column("external_ids", Json, nullable=False),
    Column("deleted_at", Instant, nullable=False),
    _text("deleted_by"),
    Index("ix_tombstones_email", "tenant", "email_key"),
)

provenance = Table(
    "provenance",
    metadata,
    _key("tenant"),
    _key("user_id"),
    _key("entitlement"),
    _optional("plan_id"),
    _text("granted_by"),
    _text("source"),
    Column("granted_at", Instant, nullable=False),
)

audit_events = Table(
    "audit_events",
    metadata,
    _key("tenant"),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    _text("actor"),
    _text("action"),
    _text("subject"),
    _text("correlation_id"),
    Column("data", Json, nullable=False),
    _text("previous_hash"),
    _text("hash"),
    Index("ix_audit_events_subject", "tenant", "subject", "sequence"),
)

audit_heads = Table(
    "audit_heads",
    metadata,
    _key("tenant"),
    Column("sequence", BigInteger, nullable=False),
    _text("hash"),
)

job_runs = Table(
    "job_runs",
    metadata,
    _key("tenant"),
    _key("run_id"),
    _text("job"),
    Column("state", Choice(RunState), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("cursor", Json, nullable=False),
    Column("counts", Json, nullable=False),
    Column("finished_at", Instant),
    _optional("error"),
    Index("ix_job_runs_job", "tenant", "job", "started_at"),
    Index("ix_job_runs_started", "tenant", "started_at"),
)

locks = Table(
    "locks",
    metadata,
    _key("tenant"),
    _key("key"),
    _text("owner"),
    Column("until", Instant, nullable=False),
    Index("ix_locks_owner", "tenant", "owner"),
)

facts = Table(
    "facts",
    metadata,
    _key("tenant"),
    _key("key"),
    Column("value", Json, nullable=False),
)
