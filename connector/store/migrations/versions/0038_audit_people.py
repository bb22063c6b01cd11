"""Whom the events of the audit name, besides whom they are about.

Revision: 0038
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BATCH = 500
NAMES = ("user_id", "to_user_id", "user_ids")
BY_PLAN = ("plan.failed", "plan.queued", "plan.delayed")
"""Of these only the plan says whom they concern."""

_KEY = ("tenant", "sequence")
events = sa.table("audit_events", *map(sa.column, (*_KEY, "action", "subject", "data")))
details = sa.table("audit_details", *map(sa.column, (*_KEY, "personal")))
operations = sa.table("operations", *map(sa.column, ("tenant", "plan_id", "operation")))
people = sa.table("audit_people", *map(sa.column, ("tenant", "user_id", "sequence")))


def upgrade() -> None:
    """Add the table, and look whom the events so far name."""
    op.create_table(
        "audit_people",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "user_id", "sequence", name=op.f("pk_audit_people")),
    )
    connection = op.get_bind()
    page = _page(connection, "", 0)
    while page:
        rows = [
            {"tenant": row.tenant, "user_id": user_id, "sequence": row.sequence}
            for row in page
            for user_id in sorted(_named(connection, row) - {row.subject, ""})
        ]
        if rows:
            connection.execute(sa.insert(people), rows)
        page = _page(connection, page[-1].tenant, page[-1].sequence)


def _page(connection: sa.Connection, tenant: str, sequence: int) -> list[Any]:
    """Return the next events that may name somebody."""
    beside = sa.and_(details.c.tenant == events.c.tenant, details.c.sequence == events.c.sequence)
    statement = (
        sa.select(events, details.c.personal)
        .select_from(events.outerjoin(details, beside))
        .where(
            sa.tuple_(events.c.tenant, events.c.sequence)
            > sa.tuple_(sa.literal(tenant), sa.literal(sequence)),
            sa.or_(
                events.c.data.contains("user_id"),
                details.c.personal.contains("user_id"),
                events.c.action.in_(BY_PLAN),
            ),
        )
        .order_by(events.c.tenant, events.c.sequence)
        .limit(BATCH)
    )
    return list(connection.execute(statement))


def _named(connection: sa.Connection, row: Any) -> set[str]:
    data = json.loads(row.data)
    found = _people(data) | _people(json.loads(row.personal or "null"))
    if not found and row.action in BY_PLAN:
        of_plan = sa.and_(
            operations.c.tenant == row.tenant, operations.c.plan_id == data.get("plan", "")
        )
        for step in connection.scalars(sa.select(operations.c.operation).where(of_plan)):
            found |= _people(json.loads(step))
    return found


def _people(data: Any) -> set[str]:
    if isinstance(data, list):
        return set().union(*map(_people, data))
    if not isinstance(data, dict):
        return set()
    found: set[str] = set()
    for name, value in data.items():
        if name not in NAMES:
            found |= _people(value)
        else:
            found.update([value] if isinstance(value, str) else value or ())
    return found


def downgrade() -> None:
    """Drop the table; it follows from the events."""
    op.drop_table("audit_people")
