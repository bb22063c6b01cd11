"""The addresses that users had before the ones they have.

Revision: 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table; nothing says what was changed before."""
    op.create_table(
        "earlier_addresses",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant", "user_id", "email_key", name=op.f("pk_earlier_addresses")
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("earlier_addresses")
