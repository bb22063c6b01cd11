"""Named pure functions that a mapping may apply to a value, each from one value to another.

A transform gets a value that is not ``None`` and may return ``None`` for "nothing in it".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Transform = Callable[[Any], Any]


def trim(value: Any) -> Any:
    """Return text without the white space around it; other values as they are."""
    return value.strip() if isinstance(value, str) else value


def lower_email(value: Any) -> Any:
    """Return an address in lower case, for organizations that write them so."""
    return value.strip().lower() if isinstance(value, str) else value


def full_name(parts: Any) -> str:
    """Return the non-empty parts of a name joined by single spaces."""
    items: Iterable[Any] = [parts] if isinstance(parts, str) else parts
    return " ".join(str(item).strip() for item in items if item and str(item).strip())


def work_value(elements: Any) -> Any:
    """Return the ``value`` of the primary element, else of the work one, else of the first.

    Primary comes first because a client that adds a new address beside the one it was shown
    marks it so, which un-marks the old one (RFC 7644 §3.5.2).
    """
    if isinstance(elements, Mapping):
        elements = [elements]
    if not isinstance(elements, list):
        return elements
    candidates = [item for item in elements if isinstance(item, Mapping) and item.get("value")]
    ranked = sorted(candidates, key=_rank)
    return ranked[0]["value"] if ranked else None


def _rank(element: Mapping[str, Any]) -> int:
    """Order the elements of ``emails``: primary first, then work, then as they came."""
    work = str(element.get("type", "")).lower() == "work"
    return -2 * bool(element.get("primary")) - work


def as_work_value(value: Any) -> list[dict[str, Any]]:
    """Return the one primary work element with this value."""
    return [{"value": value, "type": "work", "primary": True}]


TRANSFORMS: Mapping[str, Transform] = {
    item.__name__: item for item in (trim, lower_email, full_name, work_value, as_work_value)
}
"""By the name under which a mapping calls it."""
