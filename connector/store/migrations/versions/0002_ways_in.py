"""Credentials of API clients beside bearer tokens: their method, a label, narrower scopes.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns; what is there is a bearer token."""
    op.add_column(
        "api_tokens", sa.Column("method", sa.Text(), nullable=False, server_default="token")
    )
    op.add_column("api_tokens", sa.Column("label", TEXT, nullable=True))
    op.add_column("api_tokens", sa.Column("scopes", sa.Text(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Drop the columns, and the credentials that are no bearer tokens."""
    op.execute("DELETE FROM api_tokens WHERE method <> 'token'")
    for name in ("method", "label", "scopes"):
        op.drop_column("api_tokens", name)
