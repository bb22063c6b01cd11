"""U+007F stands for the base URL in stored documents, where U+E000 did.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

OLD, NEW = "\ue000", "\x7f"


def upgrade() -> None:
    """Write the new mark."""
    _exchange(OLD, NEW)


def downgrade() -> None:
    """Write the old mark."""
    _exchange(NEW, OLD)


def _exchange(old: str, new: str) -> None:
    """Replace the mark; where a text has the other one as its own character, that is escaped."""
    statement = sa.text(
        "UPDATE resources SET document = replace(replace(document, :new, :escaped), :old, :new)"
    )
    escaped = f"\\u{ord(new):04x}"
    op.get_bind().execute(statement, {"old": old, "new": new, "escaped": escaped})
