"""The tables of mirror and ledger.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

from connector.store.folding import create_fold

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

# What SQLite's planner should think of the indexes, whatever the tables hold at the moment: names
# and ids are nearly unique, the tenant, the kind and the flags say nothing. One row an index: rows
# of the table, then rows for each longer prefix of the key.
STATISTICS = {
    "resources": {
        "sqlite_autoindex_resources_1": "100000 100000 50000 1",
        "ix_resources_page": "100000 100000 50000 50000 1",
        "ix_resources_active": "100000 100000 50000 50000 25000 1",
        "ix_resources_name": "100000 100000 50000 2",
        "ix_resources_display": "100000 100000 50000 3",
        "ix_resources_given": "100000 100000 50000 100",
        "ix_resources_family": "100000 100000 50000 50",
        "ix_resources_created": "100000 100000 50000 10",
        "ix_resources_modified": "100000 100000 50000 10",
    },
    "external_ids": {
        "sqlite_autoindex_external_ids_1": "100000 100000 50000 50000 1",
        "ix_external_ids_value": "100000 100000 50000 50000 1",
        "ix_external_ids_resource": "100000 100000 50000 1",
    },
}


def upgrade() -> None:  # noqa: PLR0915 - one statement a table
    """Create everything."""
    op.create_table(
        "accounts",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("base_uri", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "account_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "api_clients",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("external_id_scope", TEXT, nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "client_id", name=op.f("pk_api_clients")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "token_id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("tenant", "token_hash", name=op.f("uq_api_tokens")),
    )
    op.create_index("ix_api_tokens_client", "api_tokens", ["tenant", "client_id"], unique=False)
    op.create_table(
        "audit_events",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("correlation_id", TEXT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous_hash", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name=op.f("pk_audit_events")),
    )
    op.create_index(
        "ix_audit_events_subject", "audit_events", ["tenant", "subject", "sequence"], unique=False
    )
    op.create_table(
        "audit_heads",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "client_attributes",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scim_id", TEXT, nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "scim_id", name=op.f("pk_client_attributes")),
    )
    op.create_table(
        "external_ids",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("scim_id", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "scope", "scim_id", name=op.f("pk_external_ids")),
    )
    op.create_index(
        "ix_external_ids_resource", "external_ids", ["tenant", "kind", "scim_id"], unique=False
    )
    op.create_index(
        "ix_external_ids_value",
        "external_ids",
        ["tenant", "kind", "scope", "external_id"],
        unique=False,
    )
    op.create_table(
        "facts",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_facts")),
    )
    op.create_table(
        "group_members",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "account_id", "group_id", "user_id", name=op.f("pk_group_members")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_group_members_user", "group_members", ["tenant", "user_id"], unique=False)
    op.create_table(
        "groups",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("group_type", sa.Text(), nullable=False),
        sa.Column("managed_by_scim", sa.Boolean(), nullable=False),
        sa.Column("member_count", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("tenant", "account_id", "group_id", name=op.f("pk_groups")),
    )
    op.create_table(
        "job_runs",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("job", TEXT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "run_id", name=op.f("pk_job_runs")),
    )
    op.create_index("ix_job_runs_job", "job_runs", ["tenant", "job", "started_at"], unique=False)
    op.create_index("ix_job_runs_started", "job_runs", ["tenant", "started_at"], unique=False)
    op.create_table(
        "locks",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_locks")),
    )
    op.create_index("ix_locks_owner", "locks", ["tenant", "owner"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("profile_id", TEXT, nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("membership_id", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("managed_by_scim", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", "account_id", name=op.f("pk_memberships")),
    )
    op.create_index(
        "ix_memberships_account", "memberships", ["tenant", "account_id", "user_id"], unique=False
    )
    op.create_index(
        "ix_memberships_admin",
        "memberships",
        ["tenant", "account_id", "is_admin", "status"],
        unique=False,
    )
    op.create_index(
        "ix_memberships_profile",
        "memberships",
        ["tenant", "account_id", "profile_id", "user_id"],
        unique=False,
    )
    op.create_table(
        "operations",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("plan_id", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False),
        sa.Column("fulfilment", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("trace_token", TEXT, nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "operation_id", name=op.f("pk_operations")),
    )
    op.create_index("ix_operations_owner", "operations", ["tenant", "owner"], unique=False)
    op.create_index(
        "ix_operations_plan", "operations", ["tenant", "plan_id", "position"], unique=False
    )
    op.create_table(
        "page_blocks",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("visible_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "block", name=op.f("pk_page_blocks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "plans",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("plan_id", TEXT, nullable=False),
        sa.Column("subject_kind", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=True),
        sa.Column("requester", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("correlation_id", TEXT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("checksum", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "plan_id", name=op.f("pk_plans")),
    )
    op.create_index("ix_plans_state", "plans", ["tenant", "state"], unique=False)
    op.create_index(
        "ix_plans_subject", "plans", ["tenant", "subject_kind", "subject_id", "state"], unique=False
    )
    op.create_table(
        "profiles",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("profile_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "account_id", "profile_id", name=op.f("pk_profiles")),
    )
    op.create_table(
        "provenance",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("entitlement", TEXT, nullable=False),
        sa.Column("plan_id", TEXT, nullable=True),
        sa.Column("granted_by", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", "entitlement", name=op.f("pk_provenance")),
    )
    op.create_table(
        "resources",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scim_id", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_modified_at", sa.BigInteger(), nullable=False),
        sa.Column("name_key", TEXT, nullable=False),
        sa.Column("display_key", TEXT, nullable=False),
        sa.Column("given_key", TEXT, nullable=False),
        sa.Column("family_key", TEXT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_resources")),
        sa.UniqueConstraint("tenant", "kind", "scim_id", name=op.f("uq_resources")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_resources_active",
        "resources",
        ["tenant", "kind", "visible", "active", "seq"],
        unique=False,
    )
    op.create_index(
        "ix_resources_created", "resources", ["tenant", "kind", "created_at"], unique=False
    )
    op.create_index(
        "ix_resources_display", "resources", ["tenant", "kind", "display_key"], unique=False
    )
    op.create_index(
        "ix_resources_family", "resources", ["tenant", "kind", "family_key"], unique=False
    )
    op.create_index(
        "ix_resources_given", "resources", ["tenant", "kind", "given_key"], unique=False
    )
    op.create_index(
        "ix_resources_modified", "resources", ["tenant", "kind", "last_modified_at"], unique=False
    )
    op.create_index("ix_resources_name", "resources", ["tenant", "kind", "name_key"], unique=False)
    op.create_index(
        "ix_resources_page", "resources", ["tenant", "kind", "visible", "seq"], unique=False
    )
    op.create_table(
        "run_sightings",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("run_id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "run_id", "account_id", "user_id", name=op.f("pk_run_sightings")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tombstones",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("scim_id", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("external_ids", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_by", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "scim_id", name=op.f("pk_tombstones")),
    )
    op.create_index("ix_tombstones_email", "tombstones", ["tenant", "email_key"], unique=False)
    op.create_table(
        "users",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("first_name", TEXT, nullable=False),
        sa.Column("last_name", TEXT, nullable=False),
        sa.Column("middle_name", TEXT, nullable=False),
        sa.Column("suffix", TEXT, nullable=False),
        sa.Column("job_title", TEXT, nullable=False),
        sa.Column("company", TEXT, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("is_organization_admin", sa.Boolean(), nullable=True),
        sa.Column("organization_admin_verified_at", sa.BigInteger(), nullable=True),
        sa.Column("managed_by_scim", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("has_open_membership", sa.Boolean(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", name=op.f("pk_users")),
    )
    op.create_index("ix_users_email", "users", ["tenant", "email_key"], unique=False)
    op.create_index("ix_users_open", "users", ["tenant", "has_open_membership"], unique=False)
    op.create_index(
        "ix_users_organization_admin",
        "users",
        ["tenant", "user_id"],
        unique=False,
        sqlite_where=sa.text("is_organization_admin = 1"),
        postgresql_where=sa.text("is_organization_admin"),
    )
    op.create_table(
        "work_items",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("work_item_id", TEXT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("entitlement", TEXT, nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("instructions", sa.Text(), nullable=False),
        sa.Column("deep_link", TEXT, nullable=True),
        sa.Column("plan_id", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("requester", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("verification", TEXT, nullable=False),
        sa.Column("assignee", TEXT, nullable=True),
        sa.Column("comment", TEXT, nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", TEXT, nullable=True),
        sa.Column("last_checked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_check", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "work_item_id", name=op.f("pk_work_items")),
    )
    op.create_index(
        "ix_work_items_state", "work_items", ["tenant", "state", "created_at"], unique=False
    )
    op.create_index("ix_work_items_subject", "work_items", ["tenant", "subject_id"], unique=False)
    op.create_index(
        "uq_work_items_open",
        "work_items",
        ["tenant", "kind", "subject_id", "entitlement"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'awaiting_verification')"),
        postgresql_where=sa.text("state IN ('open', 'awaiting_verification')"),
    )

    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(create_fold())
    else:
        _tell_statistics()


def _tell_statistics() -> None:
    op.execute("ANALYZE")
    rows = [
        {"table": table, "index": index, "numbers": numbers}
        for table, indexes in STATISTICS.items()
        for index, numbers in indexes.items()
    ]
    op.get_bind().execute(
        sa.text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:table, :index, :numbers)"), rows
    )
    op.execute("ANALYZE sqlite_schema")


def downgrade() -> None:
    """Drop everything."""
    op.drop_table("work_items")
    op.drop_table("users")
    op.drop_table("tombstones")
    op.drop_table("run_sightings")
    op.drop_table("resources")
    op.drop_table("provenance")
    op.drop_table("profiles")
    op.drop_table("plans")
    op.drop_table("page_blocks")
    op.drop_table("operations")
    op.drop_table("memberships")
    op.drop_table("locks")
    op.drop_table("job_runs")
    op.drop_table("groups")
    op.drop_table("group_members")
    op.drop_table("facts")
    op.drop_table("external_ids")
    op.drop_table("client_attributes")
    op.drop_table("audit_heads")
    op.drop_table("audit_events")
    op.drop_table("api_tokens")
    op.drop_table("api_clients")
    op.drop_table("accounts")

    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION fold(text)")
    else:
        op.execute("DELETE FROM sqlite_stat1")
