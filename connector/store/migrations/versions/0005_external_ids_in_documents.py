"""Documents have the clients' external ids, which each page joined from their own table.

Revision: 0005
"""

import json
import re
from itertools import groupby

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MARK, ESCAPED = "`", "\\u0060"
_OWN_ID = re.compile('"`[^"]*":"(?:[^"\\\\]|\\\\.)*",')

resources = sa.table("resources", *(sa.column(name) for name in ("document", "scopes")))
_KEY = ("tenant", "kind", "scim_id")
keyed = sa.table("resources", *(sa.column(name) for name in (*_KEY, "document", "scopes")))
ids = sa.table("external_ids", *(sa.column(name) for name in (*_KEY, "scope", "external_id")))


def upgrade() -> None:
    """Write each external id in front of its document."""
    op.add_column("resources", sa.Column("scopes", TEXT, nullable=False, server_default=""))
    connection = op.get_bind()
    escaped = sa.func.replace(resources.c.document, MARK, ESCAPED)
    stray = resources.c.document.contains(MARK)
    connection.execute(sa.update(resources).where(stray).values(document=escaped))
    found = connection.execute(sa.select(ids).order_by(*ids.c)).all()
    for key, given in groupby(found, key=lambda row: row[:3]):
        values = {row.scope: row.external_id for row in given}
        document = sa.literal(f"{{{_marked(values)}") + sa.func.substr(keyed.c.document, 2)
        connection.execute(
            sa.update(keyed)
            .where(*(keyed.c[name] == part for name, part in zip(_KEY, key, strict=True)))
            .values(document=document, scopes=",".join(values))
        )


def _marked(values: dict[str, str]) -> str:
    names = {scope: f"{MARK}{scope}" if len(values) > 1 else MARK for scope in values}
    return "".join(f'"{names[scope]}":{_quoted(value)},' for scope, value in values.items())


def _quoted(value: str) -> str:
    # The mark of 0003 is escaped like this one: what a client sent is never taken for ours.
    text = json.dumps(value, ensure_ascii=False)
    return text.replace(MARK, ESCAPED).replace("\x7f", "\\u007f")


def downgrade() -> None:
    """Take the external ids out of the documents."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(keyed).where(keyed.c.scopes != "")).all():
        without = _OWN_ID.sub("", row.document)
        same = (keyed.c[name] == getattr(row, name) for name in _KEY)
        connection.execute(sa.update(keyed).where(*same).values(document=without))
    op.drop_column("resources", "scopes")
