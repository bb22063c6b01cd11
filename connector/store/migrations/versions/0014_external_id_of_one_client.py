"""An external id that one client alone gave stands in the document by its own name.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MARKED, PLAIN = '{"`":', '{"externalId":'

resources = sa.table("resources", *(sa.column(name) for name in ("document", "scopes")))


def upgrade() -> None:
    """Write the name that readers see."""
    _begin_with(PLAIN, instead_of=MARKED)


def downgrade() -> None:
    """Write the mark again."""
    _begin_with(MARKED, instead_of=PLAIN)


def _begin_with(beginning: str, *, instead_of: str) -> None:
    rest = sa.func.substr(resources.c.document, len(instead_of) + 1)
    given_by_one = (resources.c.scopes != "", ~resources.c.scopes.contains(","))
    op.execute(
        sa.update(resources)
        .where(*given_by_one, resources.c.document.startswith(instead_of, autoescape=True))
        .values(document=sa.literal(beginning) + rest)
    )
