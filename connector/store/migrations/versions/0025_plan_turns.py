"""Queues of changes in front of users and groups.

Revision: 0025
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, and let the changes that wait stand in the order in which they came."""
    op.create_table(
        "plan_turns",
        _key("tenant"),
        _key("plan_id"),
        _key("resource"),
        sa.Column("turn", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "plan_id", "resource", name="pk_plan_turns"),
    )
    op.create_index("ix_plan_turns_resource", "plan_turns", ["tenant", "resource", "turn"])
    op.create_index("ix_plan_turns_turn", "plan_turns", ["tenant", "turn"])
    _fill()


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("plan_turns")


def _fill() -> None:
    plans: sa.TableClause = sa.table(
        "plans", *map(sa.column, ("tenant", "plan_id", "context", "state", "created_at"))
    )
    turns = sa.table("plan_turns", *map(sa.column, ("tenant", "plan_id", "resource", "turn")))
    connection = op.get_bind()
    waiting = connection.execute(
        sa.select(plans.c.tenant, plans.c.plan_id, plans.c.context)
        .select_from(plans)
        .where(plans.c.state.in_(("open", "queued")))
        .order_by(plans.c.created_at, plans.c.plan_id)
    ).all()
    for turn, plan in enumerate(waiting, 1):
        for resource in sorted(set(json.loads(plan.context).get("locks", ()))):
            row = {
                "tenant": plan.tenant,
                "plan_id": plan.plan_id,
                "resource": resource,
                "turn": turn,
            }
            connection.execute(sa.insert(turns).values(row))


def _key(name: str) -> sa.Column[str]:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.Column(name, text, nullable=False)
