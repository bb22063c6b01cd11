"""The addresses by which people of the console and the REST API are known.

Revision: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

addresses = sa.table("login_addresses", *map(sa.column, ("tenant", "login", "email_key")))
_FROM = ("console_accounts", "console_sessions")


def upgrade() -> None:
    """Create the table, and fill it with the addresses of today; nothing says what was before."""
    op.create_table(
        "login_addresses",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("login", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "login", "email_key", name=op.f("pk_login_addresses")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_login_addresses_email", "login_addresses", ["tenant", "email_key"])
    connection = op.get_bind()
    found = set()
    for name in _FROM:
        people = sa.table(name, *map(sa.column, ("tenant", "login", "email")))
        for tenant, login, email in connection.execute(sa.select(people)):
            if email:
                found.add((tenant, login.casefold(), email.casefold()))
    if found:
        rows = [
            {"tenant": tenant, "login": login, "email_key": email_key}
            for tenant, login, email_key in sorted(found)
        ]
        connection.execute(sa.insert(addresses), rows)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("login_addresses")
