"""The index of external ids tells whose each is.

Revision: 0041
"""

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

_KEY = ["tenant", "kind", "scope", "external_id"]


def upgrade() -> None:
    """Create the index anew, with the id."""
    _create([*_KEY, "scim_id"])


def downgrade() -> None:
    """Create it without."""
    _create(_KEY)


def _create(columns: list[str]) -> None:
    op.drop_index("ix_external_ids_value", "external_ids")
    op.create_index("ix_external_ids_value", "external_ids", columns)
