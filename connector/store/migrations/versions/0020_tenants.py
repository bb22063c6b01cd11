"""Tenants that are kept in the database, and whose each account is.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0014"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "tenants",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_tenants")),
    )
    op.create_index("ix_tenants_revision", "tenants", ["tenant", "revision"])
    op.create_table(
        "tenant_accounts",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "account_id", name=op.f("pk_tenant_accounts")),
    )


def downgrade() -> None:
    """Drop them. Tenants that were only here are no longer known; their data stay."""
    for name in ("tenant_accounts", "tenants"):
        op.drop_table(name)
