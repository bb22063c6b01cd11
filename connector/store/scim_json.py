"""Looks into stored documents: the JSON functions of SQLite and of PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Numeric, case, cast, column, func, literal
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.selectable import FromClause
from sqlalchemy.types import Boolean, Integer, Text

from connector.store.columns import TEXT
from connector.store.scim_values import Form, Value
from scim.schemas import Attribute

Expression = ColumnElement[Any]

_FORMS = {
    "boolean": Form.BOOLEAN,
    "integer": Form.NUMBER,
    "decimal": Form.NUMBER,
    "dateTime": Form.TIME_TEXT,
}


class JsonFunctions(Protocol):
    """How one database reads JSON."""

    def document(self, text: Expression) -> Expression:
        """Return JSON to look into."""

    def text(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the string at a path."""

    def number(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the number at a path."""

    def boolean(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the truth value at a path."""

    def elements(self, base: Expression, keys: Sequence[str]) -> FromClause:
        """Return the list at a path as rows of ``value`` and ``key``, its place."""


def json_value(
    functions: JsonFunctions, base: Expression, keys: Sequence[str], attribute: Attribute
) -> Value:
    """Return the attribute's value at a path, by its type."""
    form = _FORMS.get(attribute.type, Form.TEXT)
    if form is Form.BOOLEAN:
        return Value(functions.boolean(base, keys), form)
    if form is Form.NUMBER:
        return Value(functions.number(base, keys), form)
    return Value(functions.text(base, keys), form)


class SqliteJson:
    """``json_extract`` and ``json_each``. An element that is no object is its own SQL value."""

    def document(self, text: Expression) -> Expression:
        """Return the text: SQLite parses it where it is used."""
        return text

    def text(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the string at a path."""
        return func.json_extract(base, _path(keys), type_=TEXT) if keys else base

    def number(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the number at a path."""
        number = Numeric(asdecimal=False)
        return func.json_extract(base, _path(keys), type_=number) if keys else base

    def boolean(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the truth value at a path."""
        return func.json_extract(base, _path(keys), type_=Boolean()) if keys else base

    def elements(self, base: Expression, keys: Sequence[str]) -> FromClause:
        """Return the list at a path as rows."""
        each = func.json_each(base, _path(keys))
        return each.table_valued(column("value", Text), column("key", Integer)).alias()


def _path(keys: Sequence[str]) -> str:
    # Quoted, because URNs contain dots and colons. Names come from schemas, never from clients.
    return "$" + "".join(f'."{key}"' for key in keys)


class PostgresqlJson:
    """``jsonb`` operators. Wrong types give NULL, never an error."""

    def document(self, text: Expression) -> Expression:
        """Return the parsed document."""
        return cast(text, JSONB)

    def text(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the string at a path."""
        return base.op("#>>", return_type=TEXT)(_keys(keys)).collate("C")

    def number(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the number at a path."""
        found = base.op("#>>", return_type=TEXT)(_keys(keys))
        return case((self._kind(base, keys) == "number", cast(found, Numeric(asdecimal=False))))

    def boolean(self, base: Expression, keys: Sequence[str]) -> Expression:
        """Return the truth value at a path."""
        found = base.op("#>>", return_type=TEXT)(_keys(keys))
        return case((self._kind(base, keys) == "boolean", cast(found, Boolean)))

    def elements(self, base: Expression, keys: Sequence[str]) -> FromClause:
        """Return the list at a path as rows."""
        found = base.op("#>", return_type=JSONB)(_keys(keys))
        rows = case((self._kind(base, keys) == "array", found))
        return (
            func.jsonb_array_elements(rows)
            .table_valued(column("value", JSONB), with_ordinality="key")
            .render_derived()
        )

    def _kind(self, base: Expression, keys: Sequence[str]) -> Expression:
        return func.jsonb_typeof(base.op("#>", return_type=JSONB)(_keys(keys)))


def _keys(keys: Sequence[str]) -> Expression:
    return literal(list(keys), ARRAY(Text))


FUNCTIONS: dict[str, JsonFunctions] = {"sqlite": SqliteJson(), "postgresql": PostgresqlJson()}
