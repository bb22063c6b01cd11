"""The processes that run, and with which configuration.

Revision: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "processes",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("process_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("machine", TEXT, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("config_path", TEXT, nullable=False),
        sa.Column("checksum", TEXT, nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "process_id", name=op.f("pk_processes")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("processes")
