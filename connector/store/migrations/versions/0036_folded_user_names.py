"""Names of users as comparisons want them: each membership has its member's compared.

Revision: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the column and fill it."""
    op.add_column("users", sa.Column("user_name_key", TEXT, nullable=False, server_default=""))
    op.execute("UPDATE users SET user_name_key = fold(user_name)")


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("users", "user_name_key")
