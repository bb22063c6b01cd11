"""Requests to be forgotten.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "erasures",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("erasure_id", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("requested_by", TEXT, nullable=False),
        sa.Column("requested_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("outcomes", sa.Text(), nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "erasure_id", name=op.f("pk_erasures")),
    )


def downgrade() -> None:
    """Drop it. What was erased stays erased; the audit still says so."""
    op.drop_table("erasures")
