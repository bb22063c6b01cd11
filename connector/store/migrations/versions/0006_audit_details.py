"""Personal data of audit events beside the chain, and indexes for searching it.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the tables; events that are there keep their data in the chain."""
    op.add_column(
        "audit_events", sa.Column("personal_digest", TEXT, nullable=False, server_default="")
    )
    op.create_index(
        "ix_audit_events_correlation", "audit_events", ["tenant", "correlation_id", "sequence"]
    )
    op.create_index("ix_audit_events_at", "audit_events", ["tenant", "at"])
    op.create_table(
        "audit_details",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("salt", TEXT, nullable=False),
        sa.Column("personal", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "sequence", name=op.f("pk_audit_details")),
    )
    op.create_table(
        "audit_actors",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("pseudonym", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("salt", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pseudonym", name=op.f("pk_audit_actors")),
    )
    op.create_index("ix_audit_actors_name", "audit_actors", ["tenant", "name"])


def downgrade() -> None:
    """Drop them, and with them what is known of persons; the chain itself still holds."""
    op.drop_table("audit_actors")
    op.drop_table("audit_details")
    op.drop_index("ix_audit_events_at", "audit_events")
    op.drop_index("ix_audit_events_correlation", "audit_events")
    op.drop_column("audit_events", "personal_digest")
