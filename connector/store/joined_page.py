"""A page of stored documents as one text, made by the database.

A hundred rows one by one cost more than everything else about a page: each gives up the
interpreter's lock to read the row, and takes it again behind the other threads.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, LargeBinary, Select, Text, case, cast, func, literal_column, select
from sqlalchemy.sql import ClauseElement

from connector.ports import BASE_URL_MARK
from connector.store.columns import TEXT
from connector.store.statements import Prepared, Session

# Constants are written into the statement: a prepared one takes only the query's parameters.
_HEAD = literal_column("'{\"externalId\":'", TEXT)
_COMMA = literal_column("','", TEXT)
_SECOND = literal_column("2", Integer())
_MARK = literal_column(f"'{BASE_URL_MARK}'", TEXT)
_MARK_IN_JSON = literal_column(f"'\\u{ord(BASE_URL_MARK):04x}'", TEXT)
"""How the mark is written where it is a client's own character."""


class JoinedRead:
    """Aggregates a select of ``document`` and ``external_id``, in the order of that select."""

    def __init__(self, rows: Select[Any]) -> None:
        self._prepared = {
            "sqlite": Prepared(_in_sqlite(rows)),
            "postgresql": Prepared(_in_postgresql(rows)),
        }

    def fetch(self, session: Session, **parameters: Any) -> tuple[int, bytes]:
        """Return the number of documents, and the documents separated by commas."""
        prepared = self._prepared[session.connection.dialect.name]
        [(count, text)] = session.fetch(prepared, **parameters)
        return count, text.encode() if isinstance(text, str) else text or b""


def _in_sqlite(rows: Select[Any]) -> ClauseElement:
    found = rows.subquery()
    # In text SQLite counts characters from the beginning, in a blob it jumps to the byte.
    rest = func.substr(cast(found.c.document, LargeBinary), _SECOND)
    document = _with_external_id(found, func.json_quote(found.c.external_id), rest)
    joined = func.group_concat(document, _COMMA)
    return select(func.count(), cast(joined, LargeBinary)).select_from(found)


def _in_postgresql(rows: Select[Any]) -> ClauseElement:
    found = rows.subquery()
    rest = func.substr(found.c.document, _SECOND)
    quoted = cast(func.to_json(found.c.external_id), Text)
    document = _with_external_id(found, quoted, rest)
    joined = func.string_agg(document, _COMMA)
    return select(func.count(), joined).select_from(found)


def _with_external_id(found: Any, quoted: Any, rest: Any) -> Any:
    """Return the document with the external id as its first attribute, where there is one."""
    own = func.replace(quoted, _MARK, _MARK_IN_JSON)
    head = _HEAD.op("||")(own).op("||")(_COMMA)
    return case((found.c.external_id.is_(None), found.c.document), else_=head.op("||")(rest))
