"""By what address somebody asked for an erasure, who is not to confirm it under another login.

Revision: 0031
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of requests from before, the login and a local account tell."""
    email = sa.Column("requested_email", sa.Text, nullable=False, server_default="")
    op.add_column("erasures", email)


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("erasures", "requested_email")
