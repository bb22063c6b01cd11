"""Since when changes wait, and whether somebody was told.

Revision: 0028
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what waits already has waited since it was recorded."""
    since = sa.Column("since", sa.BigInteger, nullable=False, server_default="0")
    op.add_column("plan_turns", since)
    op.add_column("plan_turns", sa.Column("told_at", sa.BigInteger))
    op.execute(
        "UPDATE plan_turns SET since = (SELECT plans.created_at FROM plans "
        "WHERE plans.tenant = plan_turns.tenant AND plans.plan_id = plan_turns.plan_id) "
        "WHERE EXISTS (SELECT 1 FROM plans "
        "WHERE plans.tenant = plan_turns.tenant AND plans.plan_id = plan_turns.plan_id)"
    )


def downgrade() -> None:
    """Drop the columns."""
    op.drop_column("plan_turns", "told_at")
    op.drop_column("plan_turns", "since")
