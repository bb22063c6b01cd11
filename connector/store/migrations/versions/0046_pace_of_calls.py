"""Until when a budget is closed for the pace of the calls, and not for their number.

Revision: 0046
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("budgets", sa.Column("hurried_until", sa.BigInteger))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("budgets", "hurried_until")
