"""How far a run is, whether it found anything to do, and what its log lines bear.

Revision: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("job_runs", sa.Column("done", sa.Integer))
    op.add_column("job_runs", sa.Column("total", sa.Integer))
    op.add_column(
        "job_runs",
        sa.Column("is_idle", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "job_runs", sa.Column("correlation_id", _text(), nullable=False, server_default="")
    )


def downgrade() -> None:
    """Drop the columns."""
    for name in ("correlation_id", "is_idle", "total", "done"):
        op.drop_column("job_runs", name)


def _text() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
