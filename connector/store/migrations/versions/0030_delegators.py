"""Whether a delegation was made by a local account of the console, which is looked up.

Revision: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of delegations from before, the login tells."""
    is_local = sa.Column("is_local", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("delegations", is_local)
    op.execute(
        "UPDATE delegations SET is_local = (1 = 1) WHERE EXISTS (SELECT 1 FROM console_accounts "
        "WHERE console_accounts.tenant = delegations.tenant "
        "AND console_accounts.login = delegations.delegator)"
    )


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("delegations", "is_local")
