"""A slow PATCH that is easy to check by eye, and the grammar of requests for it.

Each drawn operation is a pair: the JSON that a client would send, and what it means, as plain
Python on a plain dict. Nothing of ``scim`` is used: no path is parsed, no filter compiled.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.unit.scim import patch_effects as effects
from tests.unit.scim.patch_effects import Chosen, Document, RefusedError

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MANY = ("phoneNumbers", "ims")
"""Multi-valued attributes without a rule of their own."""
SUBS = ("value", "type", "display")


@dataclass(frozen=True)
class Drawn:
    """One operation: how it is written and what it does to a document."""

    sent: dict[str, Any]
    act: Callable[[Document], None]

    def __repr__(self) -> str:
        return json.dumps(self.sent)


def expected(before: Document, operations: list[Drawn]) -> Document:
    """Return what the operations make of a document.

    :raises RefusedError: one of them is wrong; then nothing counts.
    """
    after = copy.deepcopy(before)
    for operation in operations:
        operation.act(after)
    return after


# values -----------------------------------------------------------------------------------

TEXTS = st.sampled_from(["a", "A", "b", "Zoë", 'q"q', "x y", "a\\b", "%_", "\U0001f58b"])
TYPES = st.sampled_from(["work", "home", "Work"])
ELEMENTS = st.fixed_dictionaries(
    {"value": TEXTS},
    optional={"type": TYPES, "display": TEXTS, "primary": st.booleans()},
)


def any_case(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([text, text.upper(), text.lower(), text.capitalize()])


def kinds(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names).flatmap(any_case)


@st.composite
def written(draw: st.DrawFn, path: str) -> str:
    """Return a way to write the path of a core attribute."""
    prefix = draw(st.sampled_from(["", "", f"{USER_URN}:", f"{USER_URN.upper()}:"]))
    return prefix + draw(any_case(path))


# filters ----------------------------------------------------------------------------------


def _equal(name: str, wanted: Any) -> Callable[[Document], bool]:
    def selects(element: Document) -> bool:
        held = element.get(name)
        if isinstance(wanted, str):
            return isinstance(held, str) and held.casefold() == wanted.casefold()
        return held is wanted

    return selects


@st.composite
def _equals(draw: st.DrawFn) -> Chosen:
    name = draw(st.sampled_from(["type", "value", "primary"]))
    wanted = draw({"type": TYPES, "value": TEXTS, "primary": st.booleans()}[name])
    shown = json.dumps(wanted, ensure_ascii=draw(st.booleans()))
    if name == "primary":
        shown = draw(st.sampled_from([shown, f'"{shown.capitalize()}"']))
    text = f"{draw(any_case(name))} {draw(any_case('eq'))} {shown}"
    return Chosen(text, _equal(name, wanted), {name: wanted})


@st.composite
def _present(draw: st.DrawFn) -> Chosen:
    name = draw(st.sampled_from(SUBS))
    return Chosen(f"{name} {draw(any_case('pr'))}", lambda e: bool(e.get(name)), None)


def _both(left: Chosen, right: Chosen) -> Chosen:
    described = None
    if left.describes is not None and right.describes is not None:
        described = {**left.describes, **right.describes}
    return Chosen(
        f"({left.text}) and ({right.text})",
        lambda e: left.selects(e) and right.selects(e),
        described,
    )


def _either(left: Chosen, right: Chosen) -> Chosen:
    return Chosen(
        f"({left.text}) or ({right.text})",
        lambda e: left.selects(e) or right.selects(e),
        None,
    )


def _opposite(inner: Chosen) -> Chosen:
    return Chosen(f"not ({inner.text})", lambda e: not inner.selects(e), None)


FILTERS = st.recursive(
    _equals() | _equals() | _present(),
    lambda inner: (
        st.builds(_both, inner, inner) | st.builds(_either, inner, inner) | inner.map(_opposite)
    ),
    max_leaves=3,
)


# the grammar ------------------------------------------------------------------------------


@st.composite
def _on_list(draw: st.DrawFn) -> Drawn:
    name = draw(st.sampled_from(MANY))
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    given = draw(st.lists(ELEMENTS, min_size=0 if op == "replace" else 1, max_size=3))
    path = draw(written(name))
    sent: Document = {"op": draw(any_case(op)), "path": path, "value": given}
    if len(given) == 1 and draw(st.booleans()):
        sent["value"] = given[0]
    if op == "add":
        return Drawn(sent, lambda d: effects.add(d, name, given))
    if op == "replace":
        return Drawn(sent, lambda d: effects.replace(d, name, given))

    def listed(document: Document) -> None:
        effects.check_list(given)
        effects.remove(document, name, lambda e: any(effects.same(e, one) for one in given))

    return Drawn(sent, listed)


@st.composite
def _on_selected(draw: st.DrawFn, creates: bool) -> Drawn:
    name, chosen = draw(st.sampled_from(MANY)), draw(FILTERS)
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    part = draw(st.sampled_from(["", "value", "type", "display", "primary"]))
    path = f"{draw(written(name))}[{chosen.text}]" + (f".{draw(any_case(part))}" if part else "")
    sent: dict[str, Any] = {"op": draw(any_case(op)), "path": path}
    may_create = creates or op == "add"
    if op == "remove":
        if part:
            return Drawn(sent, lambda d: effects.remove_part(d, name, chosen, part))
        return Drawn(sent, lambda d: effects.remove(d, name, chosen.selects))
    if part:
        value = draw(st.booleans() if part == "primary" else TYPES if part == "type" else TEXTS)
        sent["value"] = value
        return Drawn(
            sent, lambda d: effects.set_part(d, name, chosen, part, value, creates=may_create)
        )
    given = draw(ELEMENTS)
    sent["value"] = given
    return Drawn(sent, lambda d: effects.set_whole(d, name, chosen, given, op, creates=may_create))


def _in(document: Document, *keys: str) -> Document:
    for key in keys:
        document = document.setdefault(key, {})
    return document


def _write(document: Document, keys: tuple[str, ...], value: Any) -> None:
    """Put a value at a place, or take it away; holders that are empty then go, too."""
    effects.put(_in(document, *keys[:-1]), keys[-1], value)
    for depth in range(len(keys) - 1, 0, -1):
        if not _in(document, *keys[:depth]):
            del _in(document, *keys[: depth - 1])[keys[depth - 1]]


SINGLE = {
    "title": ("title",),
    "externalId": ("externalId",),
    "name.givenName": ("name", "givenName"),
    "name.familyName": ("name", "familyName"),
    f"{ENTERPRISE}:department": (ENTERPRISE, "department"),
    f"{ENTERPRISE}:manager.value": (ENTERPRISE, "manager", "value"),
}


@st.composite
def on_single(draw: st.DrawFn) -> Drawn:
    """Return an operation on an attribute with one value."""
    path = draw(st.sampled_from(sorted(SINGLE)))
    keys = SINGLE[path]
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    sent: dict[str, Any] = {"op": draw(any_case(op)), "path": draw(any_case(path))}
    if op == "remove":
        return Drawn(sent, lambda d: _write(d, keys, None))
    value = draw(TEXTS | st.sampled_from(["", None]))
    sent["value"] = [value] if value and draw(st.booleans()) else value
    return Drawn(sent, lambda d: _write(d, keys, value))


@st.composite
def without_path(draw: st.DrawFn, *, lists: bool = True) -> Drawn:
    """Return an operation without path; *lists* says whether on the multi-valued, too."""
    op = draw(st.sampled_from(["add", "replace"]))
    value: Document = {}
    acts: list[Callable[[Document], None]] = []
    for path in draw(st.lists(st.sampled_from(sorted(SINGLE)), max_size=2, unique=True)):
        text = draw(TEXTS)
        value[path] = text
        acts.append(lambda d, keys=SINGLE[path], text=text: _write(d, keys, text))  # type: ignore[misc]
    change = effects.add if op == "add" else effects.replace
    for name in draw(st.lists(st.sampled_from(MANY), max_size=1 if lists else 0)):
        given = draw(st.lists(ELEMENTS, min_size=1, max_size=2))
        value[name] = given
        acts.append(lambda d, name=name, given=given: change(d, name, given))  # type: ignore[misc]
    # Passed over: what nobody knows, and what is readOnly.
    extra: list[Document] = [{}, {"nobody": 1}, {"groups": []}, {"meta": {"version": "x"}}]
    value |= draw(st.sampled_from(extra))

    def act(document: Document) -> None:
        for one in acts:
            one(document)

    return Drawn({"op": draw(any_case(op)), "value": value}, act)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"op": "remove"}, "noTarget"),
    ({"op": "add", "path": "nobody", "value": "a"}, "invalidPath"),
    ({"op": "add", "path": "name.nobody", "value": "a"}, "invalidPath"),
    ({"op": "add", "path": "urn:nothing:title", "value": "a"}, "invalidPath"),
    ({"op": "replace", "path": "phoneNumbers[", "value": "a"}, "invalidPath"),
    ({"op": "replace", "path": 'title[value eq "a"]', "value": "a"}, "invalidPath"),
    ({"op": "replace", "path": "id", "value": "other"}, "mutability"),
    ({"op": "add", "path": "groups", "value": [{"value": "g"}]}, "mutability"),
    ({"op": "remove", "path": "groups"}, "mutability"),
    ({"op": "remove", "path": "userName"}, "mutability"),
    ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
    ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
    ({"op": "add", "path": "title"}, "invalidValue"),
    ({"op": "replace", "value": "a"}, "invalidValue"),
    ({"op": "add", "path": "externalId", "value": "a\x00"}, "invalidValue"),
]


def _wrong(index: int) -> Drawn:
    sent, scim_type = WRONG[index]

    def refuse(_document: Document) -> None:
        raise RefusedError(scim_type)

    return Drawn(sent, refuse)


def operations(*, creates: bool) -> st.SearchStrategy[list[Drawn]]:
    """Return requests of one to four operations, some of them wrong.

    :param creates: whether ``replace`` creates what its filter describes.
    """
    return _some(_on_list() | _on_selected(creates) | on_single() | without_path())


def operations_on_a_person() -> st.SearchStrategy[list[Drawn]]:
    """Return such requests for what the connector keeps of a person."""
    return _some(on_single() | without_path(lists=False))


def _some(right: st.SearchStrategy[Drawn]) -> st.SearchStrategy[list[Drawn]]:
    some_wrong = st.sampled_from(range(len(WRONG))).map(_wrong)
    return st.lists(right, min_size=1, max_size=4) | st.tuples(right, some_wrong).map(list)


# members of a group -----------------------------------------------------------------------


@st.composite
def _on_members(draw: st.DrawFn, known: list[str]) -> Drawn:
    ids = draw(st.lists(st.sampled_from([*known, "nobody"]), max_size=3, unique=True))
    op = draw(st.sampled_from(["add", "remove", "replace"]))
    form = draw(st.sampled_from(["objects", "texts", "one", "filter", "without path", "null"]))
    sent: dict[str, Any] = {"op": draw(any_case(op)), "path": draw(any_case("members"))}
    sent["value"] = [{"value": one} for one in ids] if form != "texts" else ids
    if form == "one" and len(ids) == 1:
        sent["value"] = sent["value"][0]
    elif form == "filter" and op == "remove" and ids:
        del sent["value"]
        sent["path"] += "[" + " or ".join(f'value eq "{one}"' for one in ids) + "]"
    elif form == "without path" and op != "remove":
        sent = {"op": sent["op"], "value": {sent["path"]: sent["value"]}}
    elif form == "null" and op != "add":
        sent["value"], ids = None, []

    def act(document: Document) -> None:
        held = set(document["members"])
        if op == "remove" and sent.get("value", ()) is None:
            raise RefusedError("invalidValue")
        document["members"] = {
            "add": held | set(ids),
            "remove": held - set(ids),
            "replace": set(ids),
        }[op]

    return Drawn(sent, act)


def operations_on_members(known: list[str]) -> st.SearchStrategy[list[Drawn]]:
    """Return requests of one to three operations on ``members``, here a set of ids.

    Whoever is in the end a member and is not *known* is refused.
    """
    return st.lists(_on_members(known), min_size=1, max_size=3)


def expected_members(before: set[str], operations: list[Drawn], known: list[str]) -> set[str]:
    """Return the members that a group has then.

    :raises RefusedError: somebody unknown would join, or an operation is wrong.
    """
    members: set[str] = expected({"members": before}, operations)["members"]
    if not members <= set(known):
        raise RefusedError("invalidValue")
    return members
