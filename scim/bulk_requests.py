"""Reads a bulk request (RFC 7644 §3.7): its form, and what its operations refer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from scim.bodies import member
from scim.bulk_references import references_in
from scim.errors import InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from scim.service import ScimConfig

METHODS = ("POST", "PUT", "PATCH", "DELETE")
BULK_ID = "bulkId:"
"""Stands before the name of a resource that another operation creates, in its place in a path."""


@dataclass(frozen=True)
class BulkOperation:
    """One element of ``Operations``."""

    method: str
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Any = None
    references: frozenset[str] = frozenset()
    """The bulkIds that path and data name."""
    problem: ScimError | None = None
    """Why it cannot be tried."""


@dataclass(frozen=True)
class BulkRequest:
    """A request whose form has been checked."""

    operations: Sequence[BulkOperation]
    fail_on_errors: int
    """Errors after which nothing more is tried; 0 means that everything is."""


def parse_bulk(document: Any, config: ScimConfig) -> BulkRequest:
    """Return the operations of a BulkRequest body.

    What is wrong with one operation becomes its ``problem``.

    :raises InvalidSyntax: it is no object with a list of operations.
    :raises InvalidValue: ``failOnErrors`` is no number.
    :raises PayloadTooLarge: there are more than :attr:`ScimConfig.bulk_max_operations`.
    """
    operations = member(document, "Operations") if isinstance(document, dict) else None
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("A BulkRequest needs a list of Operations.")
    if len(operations) > config.bulk_max_operations:
        raise PayloadTooLarge(
            f"A bulk request may have {config.bulk_max_operations} operations at most "
            f"(maxOperations); this one has {len(operations)}."
        )
    errors = member(document, "failOnErrors")
    if errors is not None and (not isinstance(errors, int) or errors < 0 or errors is True):
        raise InvalidValue("failOnErrors must be a positive integer.")
    seen: set[str] = set()
    return BulkRequest([_operation(one, seen) for one in operations], errors or 0)


def _operation(document: Any, seen: set[str]) -> BulkOperation:
    if not isinstance(document, dict):
        return BulkOperation("", "", problem=InvalidSyntax("An operation must be an object."))
    texts = {name: member(document, name) for name in ("method", "path", "bulkId", "version")}
    shown = {name: value if isinstance(value, str) else "" for name, value in texts.items()}
    operation = BulkOperation(
        shown["method"].upper(),
        shown["path"],
        shown["bulkId"] or None,
        shown["version"] or None,
        member(document, "data"),
    )
    try:
        for name, value in texts.items():
            if value is not None and not isinstance(value, str):
                raise InvalidSyntax(f"{name} must be a string.")
        _check(operation, seen)
        named = references_in(operation.data) | {
            segment.removeprefix(BULK_ID)
            for segment in path_segments(operation.path)
            if segment.startswith(BULK_ID)
        }
    except ScimError as error:
        return replace(operation, problem=error)
    return replace(operation, references=named)


def _check(operation: BulkOperation, seen: set[str]) -> None:
    if operation.method not in METHODS:
        raise InvalidSyntax(f"method must be one of {', '.join(METHODS)}.")
    if not operation.path:
        raise InvalidSyntax("path is required.")
    if operation.bulk_id is None:
        if operation.method == "POST":
            raise InvalidValue("bulkId is required with POST.")
        return
    if operation.bulk_id in seen:
        raise InvalidValue(f"bulkId {operation.bulk_id!r} is used twice.")
    seen.add(operation.bulk_id)


def path_segments(path: str) -> list[str]:
    """Return the parts of a path, decoded."""
    return [unquote(segment) for segment in path.split("/") if segment]
