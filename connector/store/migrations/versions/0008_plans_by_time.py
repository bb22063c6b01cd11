"""Plans by the time at which they were recorded, for replaying them against another policy.

Revision: 0008
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("ix_plans_created", "plans", ["tenant", "created_at", "plan_id"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_plans_created", "plans")
