"""How often a place that DocuSign does not show was asked for in vain.

Revision: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; hints from before count as not yet followed."""
    attempts = sa.Column("attempts", sa.Integer, nullable=False, server_default="0")
    op.add_column("read_hints", attempts)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("read_hints", "attempts")
