"""Everything that the database has of one tenant: counted, walked over, deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Integer, LargeBinary, Text, delete, func, select, type_coerce
from sqlalchemy.types import TypeDecorator

from connector.store.statements import Session
from connector.store.tables import api_tokens, console_sessions, locks, metadata

_LEFT_OUT = {api_tokens.name, console_sessions.name, locks.name}
"""Tables that a walk passes by: they give access, or mean nothing elsewhere."""
_SECRET = re.compile(r"password|secret|token|sealed")
"""In the names of columns that give access."""
_INSTALLATION_ONLY = {"tenants", "tenant_accounts"}
"""Tables whose rows belong to the installation, not to a tenant."""


class SqlHoldings:
    """See :class:`connector.ports.HoldingsRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def count(self) -> Mapping[str, int]:
        """Return the number of rows by table, without the empty ones."""
        counts: dict[str, int] = {}
        for table in metadata.sorted_tables:
            statement = select(func.count()).where(table.c.tenant == self._tenant)
            if table.name in _INSTALLATION_ONLY:
                continue
            if number := self._connection.scalar(statement.select_from(table)):
                counts[table.name] = number
        return counts

    def walk(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Walk every row; see the port."""
        for table in metadata.sorted_tables:
            if table.name in _LEFT_OUT | _INSTALLATION_ONLY:
                continue
            columns = [
                _as_kept(column)
                for column in table.c
                if column.name != "tenant" and not _SECRET.search(column.name)
            ]
            rows = self._connection.execute(select(*columns).where(table.c.tenant == self._tenant))
            for row in rows.mappings():
                yield table.name, {str(name): value for name, value in row.items()}

    def delete(self) -> None:
        """Delete every row, the audit chain included."""
        for table in reversed(metadata.sorted_tables):
            if table.name not in _INSTALLATION_ONLY:
                self._connection.execute(delete(table).where(table.c.tenant == self._tenant))


def _as_kept(column: Any) -> Any:
    """Return the column as the table keeps it: text and numbers."""
    kind = column.type
    if isinstance(kind, TypeDecorator) and not isinstance(kind, LargeBinary):
        plain = Text() if isinstance(kind.impl_instance, Text) else Integer()
        return type_coerce(column, plain).label(column.name)
    return column
