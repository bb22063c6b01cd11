"""``fold(text)`` for PostgreSQL: the same answer as Python's ``str.casefold``.

PostgreSQL's own folding depends on its version and on the locale of the database; ours decides
which addresses are the same, so it must not. SQLite calls Python itself.
"""

from __future__ import annotations

import sys


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
