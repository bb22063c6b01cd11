"""When the connector itself last wrote the groups of a membership; see ``Membership``.

Revision: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing that was written before still has to be guarded."""
    op.add_column("memberships", sa.Column("groups_written_at", sa.BigInteger))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("memberships", "groups_written_at")
