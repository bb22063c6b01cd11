"""Approvals that were denied are called so; only tasks are rejected.

Revision: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

items = sa.table("work_items", *map(sa.column, ("tenant", "work_item_id", "kind", "state")))
events = sa.table("work_item_events", *map(sa.column, ("tenant", "work_item_id", "act", "data")))


def upgrade() -> None:
    """Rename the state."""
    _rename("rejected", "denied")


def downgrade() -> None:
    """Give it its name back."""
    _rename("denied", "rejected")


def _rename(before: str, after: str) -> None:
    approvals = sa.select(items.c.work_item_id).where(
        items.c.tenant == events.c.tenant, items.c.kind == "approval", items.c.state == before
    )
    op.execute(
        sa.update(events)
        .where(events.c.act == "closed", events.c.work_item_id.in_(approvals))
        .values(data=sa.func.replace(events.c.data, f'"{before}"', f'"{after}"'))
    )
    op.execute(
        sa.update(items)
        .where(items.c.kind == "approval", items.c.state == before)
        .values(state=after)
    )
