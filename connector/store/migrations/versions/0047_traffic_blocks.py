"""Until when a budget is closed by DocuSign's traffic management, which is neither limit.

Revision: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("budgets", sa.Column("blocked_until", sa.BigInteger))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("budgets", "blocked_until")
