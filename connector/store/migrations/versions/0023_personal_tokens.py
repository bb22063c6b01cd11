"""Personal tokens, with which people and their programs use the REST API.

Revision: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "console_tokens",
        _text("tenant"),
        _text("token_id"),
        _text("login"),
        _text("name"),
        _text("token_hash"),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        _text("created_by"),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("last_used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "token_id", name="pk_console_tokens"),
    )
    op.create_index(
        "ix_console_tokens_hash", "console_tokens", ["tenant", "token_hash"], unique=True
    )
    op.create_index("ix_console_tokens_login", "console_tokens", ["tenant", "login"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("console_tokens")


def _text(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, nullable=False)
