"""SQL expressions of attribute values, and the comparisons of RFC 7644 §3.4.2.2 over them.

Every condition made here is true or false, never NULL: SCIM has no third truth value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Integer, Numeric

from connector.domain.model import fold
from connector.errors import InvalidFilterError
from connector.store.columns import TEXT
from connector.store.folding import Folded
from connector.store.statements import after_prefix
from scim.datetimes import format_datetime
from scim.filters import Operator
from scim.schemas import Attribute

LARGEST_INTEGER = 2**63 - 1
"""Of SQLite; what is larger is compared as a float."""


class Form(Enum):
    """How an expression holds its value."""

    TEXT = "text"
    FOLDED = "text, folded already and perhaps indexed"
    EXACT = "text of a caseExact attribute in an indexed column"
    TIME_TEXT = "dateTime as documents write it"
    INSTANT = "dateTime column"
    BOOLEAN = "boolean"
    NUMBER = "number"


@dataclass(frozen=True)
class Value:
    """An SQL expression for one value of an attribute, NULL where there is none."""

    expression: ColumnElement[Any]
    form: Form


_TEXTS = (Form.TEXT, Form.FOLDED, Form.EXACT, Form.TIME_TEXT)
_INDEXED = (Form.FOLDED, Form.EXACT)


class Test:
    """What one value has to pass: to be there at all."""

    wants_text = False
    """Whether a dateTime is looked at as it is written."""

    def __call__(self, value: Value) -> ColumnElement[bool]:
        """Return the condition; NULL and "" are no values (RFC 7643 §2.5)."""
        if value.form in _TEXTS:
            return func.coalesce(value.expression, literal("", TEXT)) != literal("", TEXT)
        return value.expression.is_not(None)


assigned = Test()


class Compares(Test):
    """To compare with a literal; a missing value never does.

    :param wanted: as :func:`scim.evaluate.literal_for` returned it.
    """

    def __init__(self, operator: Operator, wanted: Any, attribute: Attribute) -> None:
        self._operator = operator
        self._wanted = wanted
        self._attribute = attribute
        self.wants_text = operator in (Operator.CO, Operator.SW, Operator.EW)

    def __call__(self, value: Value) -> ColumnElement[bool]:
        """Return the condition."""
        expression, operand = _sides(value, self._wanted, self._attribute)
        if isinstance(operand, str):
            held = _text_test(self._operator, expression, operand, value.form in _INDEXED)
        else:
            held = _ORDERED[self._operator](expression, operand)
        return and_(assigned(value), held)


def folded(value: Value, attribute: Attribute) -> ColumnElement[Any]:
    """Return the expression as the attribute compares: folded unless caseExact."""
    if value.form is Form.TEXT and attribute.type == "string" and not attribute.case_exact:
        return Folded(value.expression)
    return value.expression


def _sides(value: Value, wanted: Any, attribute: Attribute) -> tuple[ColumnElement[Any], Any]:
    expression = folded(value, attribute)
    if isinstance(wanted, datetime) and value.form is Form.TIME_TEXT:
        return func.rtrim(expression, "Z", type_=TEXT), _time_text(wanted)
    if isinstance(wanted, str):
        refuse_unstorable(wanted)
        exact = attribute.case_exact or attribute.type != "string"
        return expression, wanted if exact else fold(wanted)
    if value.form is Form.NUMBER:
        return expression, literal(_number(wanted), Numeric(asdecimal=False))
    return expression, wanted


def _time_text(moment: datetime) -> str:
    # Documents write milliseconds. A finer literal sorts rightly after its own milliseconds
    # because the mark of the zone is cut from both.
    text = format_datetime(moment)[:-1]
    rest = moment.microsecond % 1000
    return f"{text}{rest:03d}" if rest else text


def _number(wanted: int | Decimal) -> int | float:
    if isinstance(wanted, int) and abs(wanted) <= LARGEST_INTEGER:
        return wanted
    return float(wanted)


def refuse_unstorable(text: str) -> None:
    """Refuse what no database takes as text.

    :raises InvalidFilterError: NUL, or half a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidFilterError("The filter contains half a surrogate pair.") from None
    if "\x00" in text:
        raise InvalidFilterError("The filter contains the character NUL.")


def _text_test(
    operator: Operator, expression: ColumnElement[Any], wanted: str, indexed: bool
) -> ColumnElement[bool]:
    operand = literal(wanted, TEXT)
    if operator in _ORDERED:
        return _ORDERED[operator](expression, operand)
    if not wanted:
        return true()
    length = len(wanted)
    if operator is Operator.CO:
        return _Position(expression, operand) > 0
    if operator is Operator.EW:
        return func.substr(expression, func.length(expression) - length + 1) == operand
    starts = func.substr(expression, 1, length) == operand
    if not indexed:
        return starts
    # The range is what an index can answer.
    return and_(expression >= operand, expression < literal(after_prefix(wanted), TEXT), starts)


class _Position(FunctionElement[int]):
    """Where a text stands in another, counted from 1; 0 for nowhere. Not LIKE, which knows
    wildcards and, on SQLite, its own idea of letters."""

    type = Integer()
    inherit_cache = True


@compiles(_Position, "sqlite")
def _sqlite_position(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_Position, "postgresql")
def _postgresql_position(element: _Position, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


_ORDERED: dict[Operator, Callable[[Any, Any], ColumnElement[bool]]] = {
    Operator.EQ: lambda left, right: left == right,
    Operator.NE: lambda left, right: left != right,
    Operator.GT: lambda left, right: left > right,
    Operator.GE: lambda left, right: left >= right,
    Operator.LT: lambda left, right: left < right,
    Operator.LE: lambda left, right: left <= right,
}
