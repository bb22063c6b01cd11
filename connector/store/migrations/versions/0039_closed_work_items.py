"""Finds work items by when they ended.

Revision: 0039
"""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_work_items_closed", "work_items", ["tenant", "state", "closed_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_work_items_closed", "work_items")
