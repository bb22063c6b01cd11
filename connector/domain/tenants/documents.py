"""Settings of a tenant as plain data: single values by their path, and what differs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.writing import counted
from connector.errors import InvalidRequestError

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def with_value(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with one value at a path such as ``scim.max_page_size`` or
    ``accounts[0].alias``; None takes it out, so that its default holds.

    :raises InvalidRequestError: there is no such place.
    """
    steps = _steps(path)
    copy: dict[str, Any] = _put(document, steps, value, path)
    return copy


def value_at(document: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path, None where there is none."""
    value: Any = document
    try:
        for step in _steps(path):
            value = value[step]
    except (InvalidRequestError, KeyError, IndexError, TypeError):
        return None
    return value


def _steps(path: str) -> Sequence[str | int]:
    found = list(_STEP.finditer(path))
    if not found or "".join(_spelled(path)) != path:
        raise InvalidRequestError(
            f"{path!r} is no path of a setting; write it as scim.max_page_size or "
            "accounts[0].alias."
        )
    return [int(match[2]) if match[2] is not None else match[1] for match in found]


def _spelled(path: str) -> list[str]:
    parts: list[str] = []
    for match in _STEP.finditer(path):
        is_name = match[1] is not None
        parts.append(("." if parts and is_name else "") + match[0])
    return parts


def _put(data: Any, steps: Sequence[str | int], value: Any, path: str) -> Any:
    step, *rest = steps
    if isinstance(step, int):
        items = list(data) if isinstance(data, list) else []
        if step > len(items):
            raise InvalidRequestError(f"{path}: the list has only {counted(len(items), 'item')}.")
        items += [None] * (step + 1 - len(items))
        items[step] = _put(items[step], rest, value, path) if rest else value
        return [item for item in items if item is not None]
    copy = dict(data) if isinstance(data, Mapping) else {}
    if rest:
        copy[step] = _put(copy.get(step), rest, value, path)
    elif value is None:
        copy.pop(step, None)
    else:
        copy[step] = value
    return copy


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[str]:
    """Return the paths whose values differ, sorted."""
    one, other = dict(_flat(before, "")), dict(_flat(after, ""))
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def _flat(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        return [
            found
            for key, inner in value.items()
            for found in _flat(inner, f"{path}.{key}" if path else str(key))
        ]
    if isinstance(value, list) and value:
        return [
            found for place, inner in enumerate(value) for found in _flat(inner, f"{path}[{place}]")
        ]
    return [(path, value)]
