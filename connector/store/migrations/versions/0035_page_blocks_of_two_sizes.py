"""Page blocks of two sizes, so that totals and places are found by fewer counters.

Revision: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COUNTS = """
INSERT INTO page_blocks ({columns})
SELECT {values}, sum(CASE WHEN visible THEN 1 ELSE 0 END)
FROM resources GROUP BY tenant, kind, seq / {size}
"""


def upgrade() -> None:
    """Count what there is anew."""
    op.drop_table("page_blocks")
    _create(sa.Column("size", sa.Integer(), autoincrement=False, nullable=False))
    for size in (16_384, 512):
        _count(
            size, "tenant, kind, size, block, visible_count", f"tenant, kind, {size}, seq / {size}"
        )


def downgrade() -> None:
    """Count in blocks of one size."""
    op.drop_table("page_blocks")
    _create()
    _count(1024, "tenant, kind, block, visible_count", "tenant, kind, seq / 1024")


def _create(*more: sa.Column[int]) -> None:
    names = ["tenant", "kind", *(column.name for column in more), "block"]
    op.create_table(
        "page_blocks",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        *more,
        sa.Column("block", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("visible_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*names, name=op.f("pk_page_blocks")),
        sqlite_with_rowid=False,
    )


def _count(size: int, columns: str, values: str) -> None:
    op.execute(sa.text(_COUNTS.format(columns=columns, values=values, size=size)))
