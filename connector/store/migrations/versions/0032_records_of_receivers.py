"""What receivers of webhooks call the records that they made, to which later messages are added.

Revision: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was sent before made a record for each message."""
    record = sa.Column("record", sa.Text, nullable=False, server_default="")
    op.add_column("notifications", record)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("notifications", "record")
