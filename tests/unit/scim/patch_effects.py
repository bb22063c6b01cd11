"""What each kind of PATCH operation does to a document, as plain Python on a plain dict.

Nothing of ``scim`` is used.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


class RefusedError(Exception):
    """The request is wrong; the argument is the scimType."""


@dataclass(frozen=True)
class Chosen:
    """A value filter: its text, what it selects, and the element that it describes, if it does."""

    text: str
    selects: Callable[[Document], bool]
    describes: Document | None


def put(holder: Document, name: str, value: Any) -> None:
    if value in (None, "", [], {}):
        holder.pop(name, None)
    else:
        holder[name] = value


def same(one: Document, other: Document) -> bool:
    if one.get("value", "").casefold() != other.get("value", "").casefold():
        return False
    types = [e["type"].casefold() for e in (one, other) if "type" in e]
    return len(set(types)) < 2


def check_list(elements: list[Document]) -> None:
    if sum(e.get("primary") is True for e in elements) > 1:
        raise RefusedError("invalidValue")


def _settle(document: Document, name: str, elements: list[Document], fresh: list[Document]) -> None:
    """Store a list in which at most one element is primary: the one that has just become it."""
    primary = [e for e in elements if e.get("primary") is True]
    if len(primary) > 1:
        new = [e for e in primary if any(e is one for one in fresh)]
        if len(new) != 1:
            raise RefusedError("invalidValue")
        for element in primary:
            element["primary"] = element is new[0]
    put(document, name, elements)


def add(document: Document, name: str, given: list[Document]) -> None:
    check_list(given)
    elements, fresh = document.get(name, []), []
    for element in copy.deepcopy(given):
        known = next((e for e in elements if same(e, element)), None)
        if known is None:
            elements = [*elements, element]
            fresh.append(element)
        elif "primary" in element:
            known["primary"] = element["primary"]
            fresh.append(known)
    _settle(document, name, elements, fresh)


def replace(document: Document, name: str, given: list[Document]) -> None:
    check_list(given)
    elements, old = copy.deepcopy(given), document.get(name, [])
    if len(elements) == 1 and old and not {"type", "primary"} & elements[0].keys():
        # IdentityIQ's habit: one element that has nothing but its value keeps type and primary.
        source = next((e for e in old if e.get("primary")), old[0])
        elements = [elements[0] | {k: source[k] for k in ("type", "primary") if k in source}]
    put(document, name, elements)


def _described(chosen: Chosen, *, creates: bool) -> Document:
    if chosen.describes is None or not creates:
        raise RefusedError("noTarget")
    return dict(chosen.describes)


def set_part(
    document: Document, name: str, chosen: Chosen, part: str, value: Any, *, creates: bool
) -> None:
    elements = document.get(name, [])
    selected = [e for e in elements if chosen.selects(e)]
    if not selected:
        made = _described(chosen, creates=creates) | {part: value}
        elements, selected = [*elements, made], [made]
    for element in selected:
        element[part] = value
    _settle(document, name, elements, selected)


def set_whole(
    document: Document, name: str, chosen: Chosen, given: Document, op: str, *, creates: bool
) -> None:
    elements = document.get(name, [])
    if not any(map(chosen.selects, elements)):
        made = _described(chosen, creates=creates) | given
        _settle(document, name, [*elements, made], [made])
        return
    result, fresh = [], []
    for element in elements:
        if not chosen.selects(element):
            result.append(element)
            continue
        inherited = {k: element[k] for k in ("type", "primary") if k in element}
        keeps = {} if {"type", "primary"} & given.keys() else inherited
        fresh.append({**(element if op == "add" else keeps), **given})
        result.append(fresh[-1])
    _settle(document, name, result, fresh)


def remove(document: Document, name: str, selects: Callable[[Document], bool]) -> None:
    put(document, name, [e for e in document.get(name, []) if not selects(e)])


def remove_part(document: Document, name: str, chosen: Chosen, part: str) -> None:
    if part == "value":
        remove(document, name, chosen.selects)
        return
    for element in document.get(name, []):
        if chosen.selects(element):
            element.pop(part, None)
    put(document, name, [e for e in document.get(name, []) if e])
