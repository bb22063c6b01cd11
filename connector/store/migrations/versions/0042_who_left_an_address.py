"""Who had an address before, found by the address.

Revision: 0042
"""

from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(
        "ix_earlier_addresses_email", "earlier_addresses", ["tenant", "email_key"], unique=False
    )


def downgrade() -> None:
    """Drop the index."""
    op.drop_index("ix_earlier_addresses_email", table_name="earlier_addresses")
