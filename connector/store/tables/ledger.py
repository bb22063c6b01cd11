"""What exists nowhere else and is never dropped, beside the locks of those who write it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
    text,
)

from connector.domain.authentication.api_clients import Method
from connector.domain.ledger.job_runs import RunState
from connector.domain.ledger.plans import Fulfilment, OperationState, PlanState
from connector.domain.work_items.items import Direction, WorkItemKind, WorkItemState
from connector.store.columns import TEXT, Choice, Instant, Json
from connector.store.tables.base import key, metadata, optional, required

plans = Table(
    "plans",
    metadata,
    key("tenant"),
    key("plan_id"),
    required("subject_kind"),
    optional("subject_id"),
    required("requester"),
    required("source"),
    required("correlation_id"),
    Column("state", Choice(PlanState), nullable=False),
    required("checksum"),
    Column("created_at", Instant, nullable=False),
    required("summary"),
    Column("context", Json, nullable=False),
    Column("finished_at", Instant),
    Index("ix_plans_subject", "tenant", "subject_kind", "subject_id", "state"),
    Index("ix_plans_state", "tenant", "state"),
    Index("ix_plans_created", "tenant", "created_at", "plan_id"),
)

operations = Table(
    "operations",
    metadata,
    key("tenant"),
    key("operation_id"),
    required("plan_id"),
    Column("position", Integer, nullable=False),
    Column("operation", Json, nullable=False),
    Column("fulfilment", Choice(Fulfilment), nullable=False),
    Column("state", Choice(OperationState), nullable=False),
    Column("attempts", Integer, nullable=False),
    optional("owner"),
    Column("lease_until", Instant),
    optional("error"),
    optional("trace_token"),
    Column("finished_at", Instant),
    Index("ix_operations_plan", "tenant", "plan_id", "position"),
    Index("ix_operations_owner", "tenant", "owner"),
)

plan_turns = Table(
    "plan_turns",
    metadata,
    key("tenant"),
    key("plan_id"),
    # The name of a write lock, or the word for everybody (connector.services.locks).
    key("resource"),
    Column("turn", BigInteger, nullable=False),
    Column("since", Instant, nullable=False, server_default="0"),
    # When an operator was told that it waits for long.
    Column("told_at", Instant),
    Index("ix_plan_turns_resource", "tenant", "resource", "turn"),
    Index("ix_plan_turns_turn", "tenant", "turn"),
)

work_items = Table(
    "work_items",
    metadata,
    key("tenant"),
    key("work_item_id"),
    Column("kind", Choice(WorkItemKind), nullable=False),
    required("subject_id"),
    required("entitlement"),
    Column("direction", Choice(Direction), nullable=False),
    Column("state", Choice(WorkItemState), nullable=False),
    required("title"),
    Column("instructions", Json, nullable=False),
    optional("deep_link"),
    required("plan_id"),
    required("operation_id"),
    required("requester"),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant),
    required("verification"),
    optional("assignee"),
    optional("comment"),
    Column("closed_at", Instant),
    optional("closed_by"),
    Column("last_checked_at", Instant),
    optional("last_check"),
    Column("checksum", TEXT, nullable=False, server_default=""),
    Column("risk", TEXT, nullable=False, server_default="low"),
    Column("owner", TEXT, nullable=False, server_default=""),
    Column("rule", TEXT, nullable=False, server_default=""),
    Column("terms", Json, nullable=False, server_default="null"),
    Column("expires_at", Instant),
    optional("completed_by"),
    Column("reminded_at", Instant),
    Column("escalated_at", Instant),
    Index("ix_work_items_subject", "tenant", "subject_id"),
    Index("ix_work_items_state", "tenant", "state", "created_at"),
    Index("ix_work_items_closed", "tenant", "state", "closed_at"),
    Index(
        "uq_work_items_open",
        "tenant",
        "kind",
        "subject_id",
        "entitlement",
        unique=True,
        sqlite_where=text("state IN ('open', 'awaiting_verification', 'approved')"),
        postgresql_where=text("state IN ('open', 'awaiting_verification', 'approved')"),
    ),
)

api_clients = Table(
    "api_clients",
    metadata,
    key("tenant"),
    key("client_id"),
    Column("scopes", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    required("external_id_scope"),
    Column("settings", Json, nullable=False),
    Column("revoked_at", Instant),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    key("tenant"),
    key("token_id"),
    required("client_id"),
    required("token_hash"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("method", Choice(Method), nullable=False, server_default=Method.TOKEN.value),
    optional("label"),
    Column("scopes", Json, nullable=False, server_default="[]"),
    UniqueConstraint("tenant", "token_hash"),
    Index("ix_api_tokens_client", "tenant", "client_id"),
)

client_attributes = Table(
    "client_attributes",
    metadata,
    key("tenant"),
    key("kind"),
    key("scim_id"),
    Column("kept", Json, nullable=False),
)

# What client_attributes keep of users under one name, by role: who holds one is asked for.
attested_roles = Table(
    "attested_roles",
    metadata,
    key("tenant"),
    key("role"),
    key("user_id"),
    Index("ix_attested_roles_user", "tenant", "user_id"),
    sqlite_with_rowid=False,
)

external_ids = Table(
    "external_ids",
    metadata,
    key("tenant"),
    key("kind"),
    key("scope"),
    key("scim_id"),
    required("external_id"),
    # With the id, so that the index alone tells whose it is.
    Index("ix_external_ids_value", "tenant", "kind", "scope", "external_id", "scim_id"),
    Index("ix_external_ids_resource", "tenant", "kind", "scim_id"),
)

tombstones = Table(
    "tombstones",
    metadata,
    key("tenant"),
    key("kind"),
    key("scim_id"),
    required("email_key"),
    Column("external_ids", Json, nullable=False),
    Column("deleted_at", Instant, nullable=False),
    required("deleted_by"),
    Index("ix_tombstones_email", "tenant", "email_key"),
)

# What users were called here before: it tells who somebody is once DocuSign has another address.
earlier_addresses = Table(
    "earlier_addresses",
    metadata,
    key("tenant"),
    key("user_id"),
    key("email_key"),
    Index("ix_earlier_addresses_email", "tenant", "email_key"),
    sqlite_with_rowid=False,
)

provenance = Table(
    "provenance",
    metadata,
    key("tenant"),
    key("user_id"),
    key("entitlement"),
    optional("plan_id"),
    required("granted_by"),
    required("source"),
    Column("granted_at", Instant, nullable=False),
)

job_runs = Table(
    "job_runs",
    metadata,
    key("tenant"),
    key("run_id"),
    required("job"),
    Column("state", Choice(RunState), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("cursor", Json, nullable=False),
    Column("counts", Json, nullable=False),
    Column("finished_at", Instant),
    optional("error"),
    optional("cause"),
    Column("calls", Integer, nullable=False, server_default="0"),
    Column("actor", TEXT, nullable=False, server_default=""),
    Column("done", Integer),
    Column("total", Integer),
    Column("is_idle", Boolean, nullable=False, server_default=false()),
    Column("correlation_id", TEXT, nullable=False, server_default=""),
    Index("ix_job_runs_job", "tenant", "job", "started_at"),
    Index("ix_job_runs_started", "tenant", "started_at"),
    Index(
        "ix_job_runs_waiting",
        "tenant",
        "job",
        "started_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

locks = Table(
    "locks",
    metadata,
    key("tenant"),
    key("key"),
    required("owner"),
    Column("until", Instant, nullable=False),
    Index("ix_locks_owner", "tenant", "owner"),
)

facts = Table(
    "facts",
    metadata,
    key("tenant"),
    key("key"),
    Column("value", Json, nullable=False),
)
