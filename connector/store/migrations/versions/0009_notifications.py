"""The outbox of notifications.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create it."""
    op.create_table(
        "notifications",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("delivery_id", TEXT, nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("recipient", TEXT, nullable=False),
        sa.Column("about", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "delivery_id", name=op.f("pk_notifications")),
    )
    op.create_index("ix_notifications_due", "notifications", ["tenant", "state", "next_attempt_at"])
    op.create_index("ix_notifications_about", "notifications", ["tenant", "about"])
    op.create_index("ix_notifications_subject", "notifications", ["tenant", "subject_id"])


def downgrade() -> None:
    """Drop it, with what has not been delivered."""
    op.drop_table("notifications")
