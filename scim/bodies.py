"""Request bodies: JSON, PatchOp and SearchRequest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from scim.errors import InvalidSyntax, InvalidValue, PayloadTooLarge
from scim.handlers import PatchOperation

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
_SEARCHED = (
    *("attributes", "excludedAttributes", "filter", "sortBy", "sortOrder"),
    *("startIndex", "count", "cursor"),
)
_OPS = ("add", "remove", "replace")
_BOM = b"\xef\xbb\xbf"


def parse_json(body: bytes) -> Any:
    """Return the data of a JSON body; a byte order mark is passed over.

    :raises InvalidSyntax: it is empty, no JSON, not UTF-8, too deep, or repeats a key.
    """
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise InvalidSyntax("The request body is empty.")
    try:
        # orjson is strict: UTF-8 only, no lone surrogates, no NaN, a bounded depth.
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidSyntax(f"The request body is not valid JSON: {error}.") from None
    try:
        # It keeps the last of two equal keys without a word; only the standard library can tell.
        return json.loads(body, object_pairs_hook=_unique)
    except RecursionError:
        raise InvalidSyntax("The request body is nested too deeply.") from None
    except ValueError:
        raise InvalidSyntax("The request body has a number of too many digits.") from None


def parse_patch(document: Any, max_operations: int) -> tuple[PatchOperation, ...]:
    """Return the operations of a PatchOp body (RFC 7644 §3.5.2).

    ``schemas`` is not looked at: ConductorOne sends a wrong one.

    :raises InvalidSyntax: there are no operations, or one is malformed.
    :raises PayloadTooLarge: there are more than *max_operations*.
    """
    if not isinstance(document, dict):
        raise InvalidSyntax("The request body must be a PatchOp object.")
    operations = member(document, "Operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("A PatchOp needs a list of Operations.")
    if len(operations) > max_operations:
        raise PayloadTooLarge(f"A PATCH may have {max_operations} operations at most.")
    return tuple(_operation(one, number) for number, one in enumerate(operations, start=1))


def merging(document: Any) -> tuple[PatchOperation, ...]:
    """Return what a PUT that names only what it changes asks for, as a PATCH.

    :raises InvalidSyntax: the body is no object.
    """
    if not isinstance(document, dict):
        raise InvalidSyntax("The request body must be a JSON object.")
    return (PatchOperation("replace", None, document),)


def body_version(document: Any) -> str | None:
    """Return ``meta.version`` of a resource that a client sent, None where it has none."""
    meta = member(document, "meta") if isinstance(document, dict) else None
    version = member(meta, "version") if isinstance(meta, dict) else None
    return version if isinstance(version, str) and version else None


def require_schema(document: Any, urn: str) -> None:
    """Refuse a body that does not list the schema of its type (RFC 7643 §3).

    :raises InvalidSyntax: ``schemas`` lacks *urn*.
    """
    schemas = member(document, "schemas") if isinstance(document, dict) else None
    listed = schemas if isinstance(schemas, list) else []
    if urn.lower() not in (one.lower() for one in listed if isinstance(one, str)):
        raise InvalidSyntax(f"schemas must list {urn}.")


def parse_search(document: Any) -> Mapping[str, Any]:
    """Return the members of a SearchRequest (RFC 7644 §3.4.3).

    :raises InvalidSyntax: it is no object.
    :raises InvalidValue: ``attributes`` or ``excludedAttributes`` is no list of names.
    """
    if not isinstance(document, dict):
        raise InvalidSyntax("The request body must be a SearchRequest object.")
    search = {name: member(document, name) for name in _SEARCHED}
    for name in ("attributes", "excludedAttributes"):
        names = search.get(name) or []
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            raise InvalidValue(f"{name} must be a list of names.")
        search[name] = names
    return search


def member(document: Mapping[str, Any], name: str) -> Any:
    """Return the member of a message whose name is *name* in any case, or None."""
    if name in document:
        return document[name]
    return next((v for key, v in document.items() if key.lower() == name.lower()), None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        repeated = next(name for name, times in Counter(n for n, _ in pairs).items() if times > 1)
        raise InvalidSyntax(f"The request body has the key {repeated!r} twice.")
    return members


def _operation(document: Any, number: int) -> PatchOperation:
    if not isinstance(document, dict):
        raise InvalidSyntax(f"Operation {number} must be an object.")
    op, path = member(document, "op"), member(document, "path")
    if not isinstance(op, str) or op.lower() not in _OPS:
        raise InvalidSyntax(f"Operation {number}: op must be add, remove or replace.")
    if path is not None and not isinstance(path, str):
        raise InvalidSyntax(f"Operation {number}: path must be a string.")
    has_value = any(key.lower() == "value" for key in document)
    # An empty path is what some templates make of a missing one.
    return PatchOperation(op.lower(), path or None, member(document, "value"), has_value)
