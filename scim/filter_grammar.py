"""scim2-filter-parser's lexer and parser, extended where they stop short of RFC 7644 §3.4.2.2.

Kept are the library's tokens, productions and syntax tree. Changed is what it gets wrong:

- strings follow JSON (its pattern ends at the first quote, escaped or not);
- numbers may have a sign, more than one digit, a fraction and an exponent;
- ``true``, ``false``, ``null``, operators and ``and``, ``or``, ``not`` are read in any case and as
  whole words (``nullable`` is a name);
- ``and`` binds tighter than ``or`` (both have one rank in the library);
- values keep their JSON type in the syntax tree.
"""

# The bodies of the two classes below run in namespaces that sly prepares: the name of a token is
# its value there, and "_" attaches a pattern to a function. Checkers cannot know that.
# mypy: disable-error-code="misc,name-defined,untyped-decorator"
# ruff: noqa: F821, N802

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

import orjson
from scim2_filter_parser import ast
from scim2_filter_parser.lexer import SCIMLexer
from scim2_filter_parser.parser import SCIMParser, SCIMParserError

from scim.errors import InvalidFilter
from scim.text import forbidden_character

# Beyond this no attribute can have a value, and neither can a database column.
_MAX_NUMBER_LENGTH = 40
_MAX_NUMBER_EXPONENT = 30

_WORDS = {
    word: word.upper()
    for word in (
        *("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr"),
        *("and", "or", "not", "true", "false", "null"),
    )
}
_CONSTANTS: dict[str, bool | None] = {"TRUE": True, "FALSE": False, "NULL": None}


class FilterLexer(SCIMLexer):
    """Tokens of a filter; values of literals are Python values."""

    tokens = SCIMLexer.tokens

    # As words of their own these would also match the beginning of a name.
    del FALSE
    del TRUE
    del NULL

    @_(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
    def NUMBER(self, t: Any) -> Any:
        t.value = _number(t.value)
        return t

    @_(r"[a-zA-Z]+:[a-zA-Z0-9:\._-]+:")
    def SCHEMA_URI(self, t: Any) -> Any:
        t.value = t.value[:-1]
        return t

    @_(r"[a-zA-Z$][a-zA-Z0-9_$-]*")
    def ATTRNAME(self, t: Any) -> Any:
        t.type = _WORDS.get(t.value.lower(), "ATTRNAME")
        t.value = _CONSTANTS.get(t.type, t.value)
        return t

    @_(r'"(?:[^"\\]|\\.)*"')
    def COMP_VALUE(self, t: Any) -> Any:
        t.value = _string(t.value)
        return t

    def error(self, t: Any) -> None:
        """Refuse what begins no token."""
        raise InvalidFilter(f"Unexpected {t.value[0]!r} at position {t.index + 1} of the filter.")


class FilterParser(SCIMParser):
    """The library's productions with the RFC's precedence."""

    tokens = FilterLexer.tokens
    precedence = (
        ("left", OR),
        ("left", AND),
        ("right", NOT),
    )
    # sly collects productions from the body of the class alone, not from its bases.
    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    def error(self, p: Any) -> None:
        """Refuse what the grammar does not allow."""
        if p is None:
            raise InvalidFilter("The filter ends too early.")
        raise InvalidFilter(f"Unexpected {p.value!r} at position {p.index + 1} of the filter.")


def is_word(text: str) -> bool:
    """Return whether the language gives the word a meaning, so that it can be no name."""
    return text.lower() in _WORDS


def parse_with_library(text: str) -> ast.Filter:
    """Return the library's syntax tree of *text*.

    :raises InvalidFilter: the text does not follow the grammar.
    """
    try:
        tree = FilterParser().parse(FilterLexer().tokenize(text))
    except SCIMParserError as error:
        # Such as a value filter behind a sub-attribute, which the library's own rules refuse.
        raise InvalidFilter("The filter does not follow the grammar.") from error
    if tree is None:
        raise InvalidFilter("The filter is empty.")
    return cast(ast.Filter, tree)


def _number(text: str) -> int | Decimal:
    digits = text.lstrip("-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        raise InvalidFilter(f"{text} is not a JSON number: it begins with 0.")
    if len(text) > _MAX_NUMBER_LENGTH:
        raise InvalidFilter("A number in the filter is too long.")
    if digits.isdigit():
        return int(text)
    number = Decimal(text)
    if abs(number.adjusted()) > _MAX_NUMBER_EXPONENT:
        raise InvalidFilter("A number in the filter is out of range.")
    return number


def _string(text: str) -> str:
    try:
        value = str(orjson.loads(text))
    except ValueError:
        raise InvalidFilter(f"{text} is not a JSON string.") from None
    found = forbidden_character(value)
    if found:
        raise InvalidFilter(f"A string in the filter contains the control character {found}.")
    return value
