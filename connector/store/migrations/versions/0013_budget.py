"""DocuSign's limits and the calls that were made, shared by all processes.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "budgets",
        _key("tenant"),
        _key("budget"),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("call_limit", sa.Integer),
        sa.Column("remaining", sa.Integer),
        sa.Column("reset_at", sa.BigInteger),
        sa.Column("closed_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "budget", name="pk_budgets"),
    )
    op.create_table(
        "budget_calls",
        _key("tenant"),
        _key("budget"),
        sa.Column("hour", sa.BigInteger, nullable=False),
        _key("purpose"),
        sa.Column("calls", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "budget", "hour", "purpose", name="pk_budget_calls"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("budget_calls", "budgets"):
        op.drop_table(name)


def _key(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, nullable=False)
