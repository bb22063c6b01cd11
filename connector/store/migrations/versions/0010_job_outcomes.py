"""What became of job runs: the kind of error, the calls they made, who started them.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("job_runs", sa.Column("cause", _text()))
    op.add_column("job_runs", sa.Column("calls", sa.Integer, nullable=False, server_default="0"))
    op.add_column("job_runs", sa.Column("actor", _text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the columns."""
    for name in ("actor", "calls", "cause"):
        op.drop_column("job_runs", name)


def _text() -> sa.Text:
    return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
