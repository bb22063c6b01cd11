"""Runs that wait for calls, of all tenants, found without a look at any other.

Revision: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    waits = sa.text("state = 'waiting'")
    op.create_index(
        "ix_job_runs_waiting",
        "job_runs",
        ["tenant", "job", "started_at"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_job_runs_waiting", "job_runs")
