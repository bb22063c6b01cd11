"""The address of who delegates, by which they are known where their own access is decided on.

Revision: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column."""
    op.add_column(
        "delegations", sa.Column("delegator_email", TEXT, nullable=False, server_default="")
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("delegations", "delegator_email")
