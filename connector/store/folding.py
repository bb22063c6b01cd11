"""Texts as they compare without case, the same answer as Python's ``str.casefold`` in a database.

PostgreSQL has it by a function ``fold(text)``. Its own folding depends on its version and on the
locale of the database; ours decides which addresses are the same, so it must not. SQLite calls
Python itself.
"""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from connector.store.columns import TEXT


class Folded(FunctionElement[str]):
    """A text as it compares without case."""

    type = TEXT
    inherit_cache = True


@compiles(Folded, "postgresql")
def _postgresql_folded(element: Folded, compiler: SQLCompiler, **options: Any) -> str:
    return f"fold({compiler.process(element.clauses, **options)})"


@compiles(Folded, "sqlite")
def _sqlite_folded(element: Folded, compiler: SQLCompiler, **options: Any) -> str:
    # fold is a function of Python, for which threads take turns; most texts are ASCII, as long in
    # bytes as in characters, and SQLite's own function does for them.
    text = compiler.process(element.clauses, **options)
    is_longer = f"length(CAST({text} AS BLOB)) <> length({text})"
    return f"CASE WHEN {is_longer} THEN fold({text}) ELSE lower({text}) END"


def create_fold() -> str:
    """Return the statement that creates the function from Python's table."""
    single = [(char, folded) for char, folded in _folded_characters() if len(folded) == 1]
    several = [(char, folded) for char, folded in _folded_characters() if len(folded) > 1]
    expansions = ", ".join(f"'{char}', '{folded}'" for char, folded in several)
    return f"""
        CREATE FUNCTION fold(value text) RETURNS text
        LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $fold$
        DECLARE
            expansions CONSTANT text[] := ARRAY[{expansions}];
        BEGIN
            IF octet_length(value) = length(value) THEN
                RETURN lower(value COLLATE "C");
            END IF;
            value := translate(
                value,
                '{"".join(char for char, _ in single)}',
                '{"".join(folded for _, folded in single)}'
            );
            FOR i IN 1 .. array_length(expansions, 1) BY 2 LOOP
                value := replace(value, expansions[i], expansions[i + 1]);
            END LOOP;
            RETURN value;
        END
        $fold$
    """


def _folded_characters() -> list[tuple[str, str]]:
    characters = map(chr, range(sys.maxunicode + 1))
    return [(char, char.casefold()) for char in characters if char != char.casefold()]
