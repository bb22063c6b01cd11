"""One step of a PATCH: one attribute of one object changed in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from scim.errors import InvalidPath, InvalidValue, Mutability, NoTarget
from scim.evaluate import element_matches
from scim.filters import And, Comparison, Filter, Operator
from scim.resources import accept_value, is_same
from scim.schemas import Attribute, Target

Element = Any
"""An element of a multi-valued attribute: an object, or a plain value."""
MAX_ELEMENTS = 500
"""Values in one operation on a multi-valued attribute: each is compared with each."""


@dataclass(frozen=True)
class Step:
    """One attribute to change."""

    op: str
    """``add``, ``remove`` or ``replace``."""
    target: Target
    filter: Filter | None
    """Selects elements of the target's multi-valued attribute."""
    value: Any
    has_value: bool
    label: str
    """The path as the client wrote it, for messages."""
    creates: bool = True
    """Whether a filter that matches nothing describes an element to create."""


def change(step: Step, holder: dict[str, Any]) -> None:
    """Change the target's attribute in the object that holds it.

    :raises ScimError: see :func:`scim.patch.apply_patch`; *holder* may then be half changed.
    """
    if _is_settled(step, holder):
        return
    attribute = step.target.attribute
    if attribute.multi_valued:
        elements = _change_many(step, holder.get(attribute.name) or [])
        _store(holder, attribute.name, elements)
    elif step.filter is not None:
        raise InvalidPath(f"{step.label}: {attribute.name} holds one value only.")
    else:
        _store(holder, attribute.name, _change_one(step, holder.get(attribute.name)))


def _store(holder: dict[str, Any], name: str, value: Any) -> None:
    if value is None or value in ([], {}):
        holder.pop(name, None)
    else:
        holder[name] = value


def _is_settled(step: Step, holder: dict[str, Any]) -> bool:
    """Return whether a value that must not change is given as it is already.

    :raises Mutability: it is to be changed.
    """
    attribute, sub = step.target.attribute, step.target.sub_attribute
    guarded = attribute if attribute.mutability in ("readOnly", "immutable") else step.target.leaf
    current = holder.get(attribute.name)
    if sub is not None and isinstance(current, dict):
        current = current.get(sub.name)
    if step.op == "remove":
        if step.target.leaf.required:
            raise Mutability(f"{step.label} is required and cannot be removed.")
        if step.target.leaf.always_assigned:
            raise Mutability(
                f"{step.label} always has a value: replace it by the one it shall have."
            )
        if guarded.read_only or (guarded.mutability == "immutable" and not _lists(guarded, step)):
            raise Mutability(f"{step.label} is {guarded.mutability}.")
        return False
    if guarded.read_only:
        if current == step.value:
            return True
        raise Mutability(f"{step.label} is readOnly.")
    if guarded.mutability == "immutable" and current and not attribute.multi_valued:
        if is_same(
            step.target.leaf, current, accept_value(step.target.leaf, step.value, step.label)
        ):
            return True
        raise Mutability(f"{step.label} is immutable and has another value.")
    return False


def _lists(guarded: Attribute, step: Step) -> bool:
    """Return whether ``members.value`` with a list of values means elements of ``members``."""
    return guarded.name == "value" and step.target.attribute.multi_valued and bool(step.value)


def _change_one(step: Step, current: Any) -> Any:
    attribute, sub = step.target.attribute, step.target.sub_attribute
    if sub is not None:
        parts = dict(current or {})
        value = None if step.op == "remove" else accept_value(sub, step.value, step.label)
        _store(parts, sub.name, value)
        return parts
    if step.op == "remove":
        return None
    value = accept_value(attribute, step.value, step.label)
    if value is None and attribute.always_assigned:
        raise InvalidValue(f"{step.label} always has a value: give it one, or leave it out.")
    if not attribute.is_complex or value is None:
        return value
    merged = {**_still_true(attribute, current or {}, value), **value}
    return {name: part for name, part in merged.items() if part is not None}


def _still_true(attribute: Attribute, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Leave out what we derived from a ``value`` that is about to change, such as displayName."""
    if "value" not in new or new["value"] == old.get("value"):
        return old
    derived = {sub.name for sub in attribute.sub_attributes if sub.read_only} | {"$ref"}
    return {name: part for name, part in old.items() if name not in derived}


def _change_many(step: Step, current: list[Element]) -> list[Element]:
    sub = step.target.sub_attribute
    if sub is not None and step.filter is None and _names_elements(step, sub):
        # roles.value with a list, or members.value with something to remove: whole elements.
        step = replace(step, target=replace(step.target, sub_attribute=None))
        sub = None
    if step.op == "remove":
        return _remove(step, current)
    if sub is not None:
        changed, touched = _set_sub(step, sub, current)
    elif step.filter is not None:
        changed, touched = _set_selected(step, step.filter, current)
    elif step.op == "add":
        changed, touched = _append(step, current)
    else:
        changed = touched = _replace_all(step, current)
    return _one_primary(changed, touched, step.label)


def _names_elements(step: Step, sub: Attribute) -> bool:
    if sub.name != "value":
        return False
    return isinstance(step.value, list | dict) or (step.op == "remove" and bool(step.value))


def _remove(step: Step, current: list[Element]) -> list[Element]:
    attribute, sub = step.target.attribute, step.target.sub_attribute
    if sub is not None and sub.name != "value":
        selected = _select(step, current)
        for element in selected:
            element.pop(sub.name, None)
        return [element for element in current if element]
    if step.filter is not None or sub is not None:
        selected = _select(step, current)
        return [e for e in current if not any(e is chosen for chosen in selected)]
    if not step.has_value or (not step.value and not is_membership(attribute)):
        return []
    if step.value is None:
        raise InvalidValue(
            f"{step.label}: null names no value. List the values, or leave value out to remove all."
        )
    listed = _bounded(step, accept_value(attribute, step.value, step.label))
    return [e for e in current if not any(_same(attribute, e, item) for item in listed)]


def _bounded(step: Step, elements: list[Element]) -> list[Element]:
    """Let a list through that can be compared with what is there in reasonable time.

    Members of a group do not come this way: they are changed without being read.

    :raises InvalidValue: it is longer.
    """
    if len(elements) > MAX_ELEMENTS:
        raise InvalidValue(f"{step.label} takes {MAX_ELEMENTS} values in one operation at most.")
    return elements


def _append(step: Step, current: list[Element]) -> tuple[list[Element], list[Element]]:
    attribute = step.target.attribute
    changed, touched = list(current), []
    for element in _bounded(step, accept_value(attribute, step.value, step.label)):
        known = next((e for e in changed if _same(attribute, e, element)), None)
        if known is None:
            changed.append(element)
            touched.append(element)
        elif isinstance(element, dict) and "primary" in element:
            known["primary"] = element["primary"]
            touched.append(known)
    return changed, touched


def _replace_all(step: Step, current: list[Element]) -> list[Element]:
    attribute = step.target.attribute
    elements: list[Element] = accept_value(attribute, step.value, step.label)
    if len(elements) == 1 and current:
        # IdentityIQ replaces emails by an element that has nothing but its value.
        old = next((e for e in current if isinstance(e, dict) and e.get("primary")), current[0])
        elements = [_inherit(attribute, elements[0], old)]
    return elements


def _inherit(attribute: Attribute, new: Element, old: Element) -> Element:
    """Keep ``type`` and ``primary`` of the old element where the new one names neither."""
    if not isinstance(new, dict) or not isinstance(old, dict) or is_membership(attribute):
        return new
    if "type" in new or "primary" in new:
        return new
    return {**new, **{name: old[name] for name in ("type", "primary") if name in old}}


def _set_selected(
    step: Step, filter_: Filter, current: list[Element]
) -> tuple[list[Element], list[Element]]:
    attribute = step.target.attribute
    given = accept_value(attribute, step.value, step.label)
    if len(given) > 1:
        raise InvalidValue(f"{step.label} takes one value.")
    selected = _select(step, current)
    if not given:
        return [e for e in current if not any(e is chosen for chosen in selected)], []
    if not selected:
        created = {**_from_filter(step, filter_), **given[0]}
        return [*current, created], [created]
    keep_old = step.op == "add"
    changed = [
        ({**e, **given[0]} if keep_old else _inherit(attribute, dict(given[0]), e))
        if any(e is chosen for chosen in selected)
        else e
        for e in current
    ]
    return changed, [e for e in changed if not any(e is old for old in current)]


def _set_sub(
    step: Step, sub: Attribute, current: list[Element]
) -> tuple[list[Element], list[Element]]:
    value = accept_value(sub, step.value, step.label)
    selected = _select(step, current)
    if step.filter is None and len(selected) > 1:
        raise InvalidPath(f"{step.label} names {len(selected)} values; choose one with a filter.")
    if not selected and value is not None:
        created = _from_filter(step, step.filter) if step.filter is not None else {}
        created[sub.name] = value
        return [*current, created], [created]
    for element in selected:
        if sub.mutability == "immutable" and element.get(sub.name) not in (None, value):
            raise Mutability(f"{step.label} is immutable: remove the element and add another.")
        _store(element, sub.name, value)
    return [element for element in current if element], selected


def _select(step: Step, current: Sequence[Element]) -> list[Element]:
    if step.filter is None:
        return list(current)
    attribute = step.target.attribute
    # Evaluated once on nothing, so that a wrong sub-attribute is an error in any case.
    element_matches(step.filter, {}, attribute)
    means_sole = attribute.sole_is_primary and step.op != "add" and len(current) == 1
    implied = {"primary": True} if means_sole else {}
    return [
        element
        for element in current
        if element_matches(
            step.filter,
            {**implied, **(element if isinstance(element, dict) else {"value": element})},
            attribute,
        )
    ]


def _from_filter(step: Step, filter_: Filter) -> dict[str, Any]:
    """Return the element that ``type eq "work"`` describes; Entra ID counts on its creation.

    :raises NoTarget: nothing is to be created, the filter is more than ``eq`` and ``and``, or it
        selects members.
    """
    if not step.creates:
        raise NoTarget(f"{step.label} matches no value.")
    attribute = step.target.attribute
    if isinstance(filter_, And):
        return {**_from_filter(step, filter_.left), **_from_filter(step, filter_.right)}
    if is_membership(attribute) or not attribute.is_complex:
        raise NoTarget(f"{step.label} matches no value.")
    if not isinstance(filter_, Comparison) or filter_.operator is not Operator.EQ:
        raise NoTarget(f"{step.label} matches no value, and describes none that could be created.")
    sub = attribute.find(filter_.path.attribute)
    if sub is None or filter_.value is None:
        raise NoTarget(f"{step.label} matches no value.")
    return {sub.name: accept_value(sub, filter_.value, step.label)}


def is_membership(attribute: Attribute) -> bool:
    """Return whether the elements refer to resources: then their ``value`` alone counts."""
    return attribute.find("$ref") is not None


def _same(attribute: Attribute, one: Element, other: Element) -> bool:
    """Return whether two elements are the same: by ``value`` and, where both have it, ``type``."""
    if not isinstance(one, dict) or not isinstance(other, dict):
        return bool(one == other)
    if "value" not in one or "value" not in other:
        return all(one.get(name) == part for name, part in other.items())
    if _folded(attribute, one["value"]) != _folded(attribute, other["value"]):
        return False
    if is_membership(attribute) or "type" not in one or "type" not in other:
        return True
    return bool(one["type"].lower() == other["type"].lower())


def _folded(attribute: Attribute, value: Any) -> Any:
    sub = attribute.find("value")
    return value if sub is None or sub.case_exact or not isinstance(value, str) else value.lower()


def _one_primary(elements: list[Element], touched: Sequence[Element], label: str) -> list[Element]:
    """Let a new primary element take the place of the old one (RFC 7644 §3.5.2)."""
    primary = [e for e in elements if isinstance(e, dict) and e.get("primary") is True]
    if len(primary) < 2:  # noqa: PLR2004
        return elements
    fresh = [e for e in primary if any(e is one for one in touched)]
    if len(fresh) != 1:
        raise InvalidValue(f"{label}: only one value can be primary.")
    for element in primary:
        element["primary"] = element is fresh[0]
    return elements
