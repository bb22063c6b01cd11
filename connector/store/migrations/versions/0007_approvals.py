"""Approvals: their terms, the history and evidence of work items, delegations.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OPEN_BEFORE = "state IN ('open', 'awaiting_verification')"
OPEN_NOW = "state IN ('open', 'awaiting_verification', 'approved')"
COLUMNS = {
    "checksum": "",
    "risk": "low",
    "owner": "",
    "rule": "",
    "terms": "null",
    "expires_at": None,
    "completed_by": None,
    "reminded_at": None,
    "escalated_at": None,
}
TIMES = ("expires_at", "reminded_at", "escalated_at")


def upgrade() -> None:
    """Add the columns and tables; an approved work item counts as open."""
    for name, default in COLUMNS.items():
        kind = sa.BigInteger() if name in TIMES else sa.Text() if name == "terms" else TEXT
        op.add_column(
            "work_items",
            sa.Column(name, kind, nullable=default is None, server_default=default),
        )
    _one_open_item(OPEN_NOW)
    op.create_table(
        "work_item_events",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("work_item_id", TEXT, nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("comment", TEXT, nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "work_item_id", "sequence", name=op.f("pk_work_item_events")
        ),
    )
    op.create_table(
        "work_item_evidence",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("evidence_id", TEXT, nullable=False),
        sa.Column("work_item_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("media_type", TEXT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("added_by", TEXT, nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "evidence_id", name=op.f("pk_work_item_evidence")),
    )
    op.create_index("ix_work_item_evidence_item", "work_item_evidence", ["tenant", "work_item_id"])
    op.create_table(
        "delegations",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("delegation_id", TEXT, nullable=False),
        sa.Column("delegator", TEXT, nullable=False),
        sa.Column("delegate", TEXT, nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("is_approver", sa.Boolean(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "delegation_id", name=op.f("pk_delegations")),
    )


def downgrade() -> None:
    """Drop what was added, and the approvals: the earlier program knows none."""
    op.drop_table("delegations")
    op.drop_table("work_item_evidence")
    op.drop_table("work_item_events")
    op.execute("DELETE FROM work_items WHERE kind = 'approval'")
    op.execute("UPDATE work_items SET state = 'rejected' WHERE state IN ('withdrawn', 'approved')")
    op.execute("UPDATE operations SET state = 'skipped' WHERE state = 'referred'")
    _one_open_item(OPEN_BEFORE)
    for name in COLUMNS:
        op.drop_column("work_items", name)


def _one_open_item(condition: str) -> None:
    op.drop_index("uq_work_items_open", "work_items")
    op.create_index(
        "uq_work_items_open",
        "work_items",
        ["tenant", "kind", "subject_id", "entitlement"],
        unique=True,
        sqlite_where=sa.text(condition),
        postgresql_where=sa.text(condition),
    )
