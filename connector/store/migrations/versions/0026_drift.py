"""What is expected of DocuSign, what was found to differ, and when people last signed in.

Revision: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and the column."""
    op.create_table(
        "expectations",
        _text("tenant"),
        _text("user_id"),
        sa.Column("expected", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "user_id", name="pk_expectations"),
    )
    op.create_table(
        "known_entitlements",
        _text("tenant"),
        _text("scim_id"),
        _text("name"),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("managed_by_scim", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scim_id", name="pk_known_entitlements"),
    )
    _create_findings()
    op.add_column("users", sa.Column("last_login_at", sa.BigInteger))


def _create_findings() -> None:
    op.create_table(
        "findings",
        *(_text(name) for name in ("tenant", "finding_id", "drift_key")),
        sa.Column("kind", sa.Text, nullable=False),
        *(_text(name) for name in ("subject_kind", "subject_id", "account_id")),
        *(_text(name) for name in ("entitlement", "attribute")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("expected", "actual")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("state", "remedy")),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.Column("last_seen_at", sa.BigInteger, nullable=False),
        *(_text(name) for name in ("first_run_id", "last_run_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("evidence", "suggestion")),
        _text("decided_by", nullable=True),
        sa.Column("decided_at", sa.BigInteger),
        *(_text(name, nullable=True) for name in ("reason", "plan_id", "problem")),
        sa.Column("closed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "finding_id", name="pk_findings"),
    )
    op.create_index("ix_findings_state", "findings", ["tenant", "state", "kind"])
    op.create_index("ix_findings_seen", "findings", ["tenant", "first_seen_at", "finding_id"])
    op.create_index("ix_findings_subject", "findings", ["tenant", "subject_id"])
    is_open = sa.text("state IN ('open', 'reverting')")
    op.create_index(
        "uq_findings_open",
        "findings",
        ["tenant", "drift_key"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )


def downgrade() -> None:
    """Drop the tables and the column."""
    op.drop_column("users", "last_login_at")
    for name in ("findings", "known_entitlements", "expectations"):
        op.drop_table(name)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, nullable=nullable)
