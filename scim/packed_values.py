"""App roles as Microsoft Entra ID packs them: the whole role as JSON within the string ``value``.

{"value": "{\\"id\\": \\"06b0\\", \\"value\\": \\"admin\\"}"}
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from scim.bodies import member

_CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:user:"
_PACKED = ("roles", "entitlements")


def unpacked(document: Any) -> Any:
    """Return the body of a POST, PUT or PATCH in which each packed role is its ``value`` alone.

    What is packed in no way that we know stays as it is, to be refused by whoever reads it.
    """
    if not isinstance(document, Mapping):
        return document
    operations = member(document, "Operations")
    if isinstance(operations, list):
        return {
            key: [_operation(one) for one in operations] if key.lower() == "operations" else value
            for key, value in document.items()
        }
    return _resource(document)


def _operation(operation: Any) -> Any:
    if not isinstance(operation, Mapping):
        return operation
    path = member(operation, "path")
    if path and not (isinstance(path, str) and _is_packed(path)):
        return operation
    # Without a path the value is an object of attributes, as a resource is.
    return {
        key: (_values(value) if path else _resource(value)) if key.lower() == "value" else value
        for key, value in operation.items()
    }


def _resource(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {key: _values(value) if _is_packed(key) else value for key, value in document.items()}


def _is_packed(path: str) -> bool:
    name = path.strip().lower().removeprefix(_CORE_USER)
    return name.partition("[")[0].partition(".")[0] in _PACKED


def _values(value: Any) -> Any:
    if isinstance(value, list):
        return [_values(element) for element in value]
    if isinstance(value, Mapping):
        return {
            key: _values(part) if key.lower() == "value" else part for key, part in value.items()
        }
    return _unpack(value) if isinstance(value, str) else value


def _unpack(text: str) -> str:
    if not text.lstrip().startswith("{"):
        return text
    try:
        role = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    held = member(role, "value")
    return held if isinstance(held, str) and held else text
