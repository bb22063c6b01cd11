"""Who holds a role that people attest, by role; so far it stands in kept attributes alone.

Revision: 0037
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BATCH = 1000


def upgrade() -> None:
    """Create the table and fill it."""
    made = op.create_table(
        "attested_roles",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "role", "user_id", name="pk_attested_roles"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attested_roles_user", "attested_roles", ["tenant", "user_id"])
    rows = _attested()
    for start in range(0, len(rows), BATCH):
        op.bulk_insert(made, rows[start : start + BATCH])


def _attested() -> list[dict[str, str]]:
    kept = sa.text(
        "SELECT tenant, scim_id, kept FROM client_attributes "
        "WHERE kind = 'User' AND kept LIKE '%\"_roles\":%'"
    )
    return [
        {"tenant": tenant, "role": role, "user_id": user_id}
        for tenant, user_id, text in op.get_bind().execute(kept)
        for role in json.loads(text).get("_roles", ())
    ]


def downgrade() -> None:
    """Drop the table; what it says stands in kept attributes too."""
    op.drop_table("attested_roles")
