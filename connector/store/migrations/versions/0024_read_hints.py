"""What is to be read again from DocuSign before the next full aggregation.

Revision: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "read_hints",
        _key("tenant"),
        _key("account_id"),
        _key("user_id"),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("hinted_at", sa.BigInteger, nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("run_id", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "account_id", "user_id", name="pk_read_hints"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("read_hints")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, _TEXT, nullable=False)
