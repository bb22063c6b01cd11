"""Nothing but a reason to tell SQLite's planner about every index, which follows each upgrade.

See :mod:`connector.store.statistics`. Revision: 0029
"""

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave the tables as they are."""


def downgrade() -> None:
    """Leave the tables as they are."""
