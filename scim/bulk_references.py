"""``bulkId:`` references in the data of bulk operations (RFC 7644 §3.7.2).

A string that is ``bulkId:`` and a name stands for the id of the resource that an operation with
that ``bulkId`` creates, wherever in ``data`` it stands; in the path of a PATCH it stands within
quotes: ``members[value eq "bulkId:ann"]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from scim.errors import InvalidSyntax

_WHOLE = re.compile(r"\AbulkId:(.+)\Z", re.DOTALL)
_QUOTED = re.compile(r'"bulkId:([^"]+)"')
_DEEPEST = 64
"""Levels of nesting in ``data``: far more than any resource has."""


def references_in(data: Any) -> frozenset[str]:
    """Return the bulkIds that *data* refers to.

    :raises InvalidSyntax: it is nested too deeply.
    """
    return frozenset(_walk(data))


def resolved(data: Any, ids: Mapping[str, str], key: str = "") -> Any:
    """Return *data* with the references among *ids* replaced; others stay."""
    if isinstance(data, dict):
        return {name: resolved(value, ids, name) for name, value in data.items()}
    if isinstance(data, list):
        return [resolved(value, ids) for value in data]
    if not isinstance(data, str):
        return data
    if key.lower() == "path":
        return _QUOTED.sub(lambda m: f'"{ids[m[1]]}"' if m[1] in ids else m[0], data)
    whole = _WHOLE.fullmatch(data)
    return ids.get(whole[1], data) if whole else data


def split(resource: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what of a resource can be created at once, and what has to wait for references.

    A value that refers to something waits as a whole: one element of a list, one attribute, and of
    an extension only the attributes concerned.
    """
    now: dict[str, Any] = {}
    later: dict[str, Any] = {}
    for name, value in resource.items():
        if not references_in(value):
            now[name] = value
        elif isinstance(value, list):
            now[name] = [element for element in value if not references_in(element)]
            later[name] = [element for element in value if references_in(element)]
        elif isinstance(value, dict) and name.lower().startswith("urn:"):
            now[name], later[name] = split(value)
        else:
            later[name] = value
    return now, later


def _walk(data: Any) -> Iterator[str]:
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise InvalidSyntax(f"data is nested more than {_DEEPEST} levels deep.")
        if isinstance(value, dict):
            waiting += [(name, inner, depth + 1) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [("", inner, depth + 1) for inner in value]
        elif isinstance(value, str):
            pattern = _QUOTED if key.lower() == "path" else _WHOLE
            yield from pattern.findall(value)
