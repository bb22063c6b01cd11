"""Job title and company of each membership: DocuSign has them by account.

Revision: 0027
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

_COLUMNS = ("job_title", "company")


def upgrade() -> None:
    """Add the columns; they are filled when a membership is read again."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    for name in _COLUMNS:
        op.add_column("memberships", sa.Column(name, text))


def downgrade() -> None:
    """Drop the columns."""
    for name in _COLUMNS:
        op.drop_column("memberships", name)
