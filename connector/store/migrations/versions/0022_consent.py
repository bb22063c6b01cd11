"""Lasting states of consent, links in a table of their own, grants by authorization code.

Revision: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables. Links that were open are made anew: they were kept as a fact."""
    op.create_table(
        "consents",
        _key("tenant"),
        _key("user_id"),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("checked_at", sa.BigInteger, nullable=False),
        _key("cause"),
        _key("said"),
        sa.Column("granted", sa.Text, nullable=False),
        sa.Column("missing", sa.Text, nullable=False),
        sa.Column("in_claimed_domain", sa.Boolean),
        sa.Column("is_connection", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", name="pk_consents"),
    )
    op.create_index("ix_consents_state", "consents", ["tenant", "state"])
    op.create_index("ix_consents_checked", "consents", ["tenant", "checked_at"])
    op.create_table(
        "consent_links",
        _key("tenant"),
        _key("link_id"),
        sa.Column("way", sa.Text, nullable=False),
        _key("user_id"),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("used_at", sa.BigInteger),
        _key("verifier"),
        _key("made_by"),
        sa.PrimaryKeyConstraint("tenant", "link_id", name="pk_consent_links"),
    )
    op.create_index("ix_consent_links_made", "consent_links", ["tenant", "made_at"])
    op.create_table(
        "code_grants",
        _key("tenant"),
        _key("user_id"),
        _key("refresh_token"),
        _key("access_token"),
        sa.Column("access_until", sa.BigInteger, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("connected_at", sa.BigInteger, nullable=False),
        _key("connected_by"),
        sa.Column("refreshed_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("accounts", sa.Text, nullable=False),
        _key("account_id", nullable=True),
        sa.PrimaryKeyConstraint("tenant", name="pk_code_grants"),
    )
    op.execute("DELETE FROM facts WHERE key = 'consent_states'")


def downgrade() -> None:
    """Drop the tables."""
    for name in ("code_grants", "consent_links", "consents"):
        op.drop_table(name)


def _key(name: str, *, nullable: bool = False) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, nullable=nullable)
