"""Accounts and sessions of the console, and attempts to sign in that failed.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "console_accounts",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("password_changed_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("tenant", "login", name="pk_console_accounts"),
    )
    op.create_table(
        "console_sessions",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("session_hash", TEXT, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "session_hash", name="pk_console_sessions"),
    )
    op.create_index("ix_console_sessions_login", "console_sessions", ["tenant", "login"])
    op.create_index("ix_console_sessions_seen", "console_sessions", ["tenant", "last_seen_at"])
    op.create_table(
        "console_failures",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", name="pk_console_failures"),
    )
    op.create_index("ix_console_failures_end", "console_failures", ["tenant", "ends_at"])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("console_failures", "console_sessions", "console_accounts"):
        op.drop_table(name)
