"""What a PATCH does to the members of a group, without reading the members it has.

Only a path filter on something else than ids needs them, and who calls is asked for these alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from scim.filters import And, Comparison, Filter, Operator, Or, parse_path
from scim.handlers import PatchOperation
from scim.text import LONGEST_ID, forbidden_character

_URN = "urn:ietf:params:scim:schemas:core:2.0:Group".lower()


@dataclass(frozen=True)
class MemberDelta:
    """The net effect of all operations on ``members``; the same id is never in two of the sets."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    replace: tuple[str, ...] | None = None
    """The new list as a whole; ``add`` and ``remove`` are empty then."""
    rest: list[PatchOperation] = field(default_factory=list)
    """The operations on other attributes, in their order."""


Selector = Callable[[Filter, frozenset[str] | None], Sequence[str]]
"""Returns the ids of the present members whom a path filter selects; the second argument are the
only ids that it can select, None where they can be any."""


def member_changes(
    operations: Sequence[PatchOperation], select: Selector | None = None
) -> MemberDelta:
    """Return what the operations add to, remove from or put in place of a group's members.

    Every shape that clients send is understood: lists, one object, bare ids, filters by ``value``,
    value lists with ``remove``, objects without path. A ``remove`` with an empty list changes
    nothing: no group is emptied because a value was not understood.

    :param select: looks at the members; without it, filters are on ``value`` alone.
    :raises InvalidValue: a member without ``value``, or null to be removed.
    :raises InvalidPath: ``add`` with a filter, or a filter that needs *select*.
    :raises NoTarget: ``remove`` without path, or ``replace`` of members who are not there.
    :raises Mutability: a part of a member would change.
    """
    changes = _Changes(select)
    rest: list[PatchOperation] = []
    for operation in operations:
        for part in _split(operation):
            if part.path is None or not _is_members(part.path):
                rest.append(part)
            else:
                changes.apply(part)
    return MemberDelta(
        add=tuple(changes.added) if changes.whole is None else (),
        remove=tuple(changes.removed) if changes.whole is None else (),
        replace=tuple(changes.whole) if changes.whole is not None else None,
        rest=rest,
    )


class _Changes:
    """Ids added and removed so far, or the whole list once it was replaced; dicts keep order."""

    def __init__(self, select: Selector | None) -> None:
        self._select = select
        self.added: dict[str, None] = {}
        self.removed: dict[str, None] = {}
        self.whole: dict[str, None] | None = None

    def apply(self, operation: PatchOperation) -> None:
        """Apply one operation on ``members``."""
        parsed = parse_path(operation.path or "")
        if parsed.filter is not None:
            self._apply_to_selected(operation, parsed.filter, parsed.path.sub_attribute)
        elif operation.op == "remove":
            self._remove_listed(operation)
        elif not operation.has_value:
            raise InvalidValue(f"{operation.op} {operation.path}: value is missing.")
        elif operation.op == "add":
            self._add(_ids(operation.value))
        else:
            self.whole = dict.fromkeys(_ids(operation.value))

    def _apply_to_selected(
        self, operation: PatchOperation, filter_: Filter, sub_attribute: str | None
    ) -> None:
        whole = sub_attribute is None or sub_attribute.lower() == "value"
        if operation.op == "remove" and whole:
            # With ids alone nobody has to look: who is no member stays none.
            self._remove(_ids_in_filter(filter_) or self._selected(operation, filter_))
        elif sub_attribute is not None:
            raise Mutability(f"{operation.path}: remove the member and add another one.")
        elif operation.op == "replace" and operation.has_value:
            selected = self._selected(operation, filter_)
            if not selected:
                raise NoTarget(f"{operation.path} matches no member.")
            joining = _ids(operation.value)
            self._remove([one for one in selected if one not in joining])
            self._add(joining)
        else:
            raise InvalidPath(
                f"{operation.path}: members selected by a filter can be removed or replaced. To "
                "add members, leave the filter out."
            )

    def _selected(self, operation: PatchOperation, filter_: Filter) -> Sequence[str]:
        if self._select is None:
            raise InvalidPath('Members are selected by their id: members[value eq "..."].')
        found = self._select(filter_, _candidates(filter_))
        return [one for one in found if self._is_still_there(one)]

    def _is_still_there(self, scim_id: str) -> bool:
        return scim_id in self.whole if self.whole is not None else scim_id not in self.removed

    def _add(self, ids: Sequence[str]) -> None:
        if self.whole is not None:
            self.whole |= dict.fromkeys(ids)
            return
        for scim_id in ids:
            self.removed.pop(scim_id, None)
            self.added[scim_id] = None

    def _remove(self, ids: Sequence[str]) -> None:
        for scim_id in ids:
            if self.whole is not None:
                self.whole.pop(scim_id, None)
            else:
                self.added.pop(scim_id, None)
                self.removed[scim_id] = None

    def _remove_listed(self, operation: PatchOperation) -> None:
        if not operation.has_value:
            self.whole = {}
        elif operation.value is None:
            raise InvalidValue(
                "remove members: null names nobody. List the members, or leave value out to "
                "remove all."
            )
        else:
            self._remove(_ids(operation.value))


def _split(operation: PatchOperation) -> Iterator[PatchOperation]:
    """Give ``members`` within a path-less value an operation of its own."""
    if operation.path is not None:
        yield operation
        return
    if operation.op == "remove":
        raise NoTarget("remove needs a path.")
    if not isinstance(operation.value, dict):
        yield operation
        return
    others = {key: value for key, value in operation.value.items() if not _is_members(key)}
    for key, value in operation.value.items():
        if key not in others:
            yield PatchOperation(operation.op, key, value)
    if others:
        yield replace(operation, value=others)


def _is_members(path: str) -> bool:
    name = path.strip().lower().removeprefix(f"{_URN}:")
    return name == "members" or name.startswith(("members[", "members.", "members "))


def _ids(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [_id(element) for element in values]


def _id(element: Any) -> str:
    if isinstance(element, dict):
        element = next((v for k, v in element.items() if k.lower() == "value"), None)
    if not isinstance(element, str) or not element or forbidden_character(element):
        raise InvalidValue("Each member needs its id as value.")
    if len(element) > LONGEST_ID:
        raise InvalidValue(f"The id of a member has {LONGEST_ID} characters at most.")
    return element


def _ids_in_filter(filter_: Filter) -> list[str]:
    """Return the ids that a filter lists, nothing where it says more than that."""
    if isinstance(filter_, Or):
        left, right = _ids_in_filter(filter_.left), _ids_in_filter(filter_.right)
        return left + right if left and right else []
    found = _id_in(filter_)
    return [found] if found is not None else []


def _candidates(filter_: Filter) -> frozenset[str] | None:
    """Return the only ids that a filter can select, None where they can be any."""
    if isinstance(filter_, And | Or):
        left, right = _candidates(filter_.left), _candidates(filter_.right)
        if isinstance(filter_, Or):
            return None if left is None or right is None else left | right
        return right if left is None else left if right is None else left & right
    found = _id_in(filter_)
    return None if found is None else frozenset({found})


def _id_in(filter_: Filter) -> str | None:
    is_id = (
        isinstance(filter_, Comparison)
        and filter_.operator is Operator.EQ
        and str(filter_.path).lower() == "value"
        and isinstance(filter_.value, str)
    )
    # A longer one is nobody's either way, and no key of an index.
    return str(filter_.value)[:LONGEST_ID] if is_id and isinstance(filter_, Comparison) else None
