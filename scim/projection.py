"""``attributes`` and ``excludedAttributes`` (RFC 7644 §3.9), obeying ``returned``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from scim.filters import AttributePath
from scim.handlers import Projection, Rendered, Resource
from scim.resources import ResourceType
from scim.schemas import COMMON_ATTRIBUTES, Attribute, Schema

_Names = dict[str, set[str]]
"""Attribute names in lower case, each with its sub-attributes; ``""`` means all of it."""

_COMMON = {attribute.name: attribute for attribute in COMMON_ATTRIBUTES}


def parse_names(texts: Iterable[str]) -> tuple[AttributePath, ...]:
    """Return the paths in comma-separated lists of names.

    Nothing is refused: clients ask for names of their own making, such as
    ``emails.work.primary.value``, which then simply select nothing.
    """
    names = (name.strip() for text in texts for name in text.split(","))
    return tuple(_path(name) for name in names if name)


def project_all(
    found: Iterable[tuple[ResourceType, Rendered]], projection: Projection
) -> list[bytes]:
    """Return the documents of resources, of each what the client asked to see."""
    if not projection:
        return [rendered.document for _, rendered in found]
    projectors: dict[str, Projector] = {}
    documents = []
    for resource_type, rendered in found:
        projector = projectors.get(resource_type.name)
        if projector is None:
            projector = Projector(projection, resource_type)
            projectors[resource_type.name] = projector
        documents.append(orjson.dumps(projector.project(orjson.loads(rendered.document))))
    return documents


class Projector:
    """Shows of resources of one type what the client asked to see of them; ``id`` and ``schemas``
    always are. What depends on the request alone is worked out once for all of a page."""

    def __init__(self, projection: Projection, resource_type: ResourceType) -> None:
        paths = projection.attributes or projection.excluded
        core = resource_type.schema
        names = _group(paths, core)
        if _names_whole(paths, core):
            default = (item.name for item in core.attributes if item.returned == "default")
            names |= {name.lower(): {""} for name in default}
        self._visible = _kept if projection.attributes else _remaining
        self._is_choice = bool(projection.attributes)
        self._core = core
        self._names = names
        with_urn = [path for path in paths if path.schema]
        self._extensions = {
            extension.id.lower(): (
                extension,
                _names_whole(paths, extension),
                _group(with_urn, extension),
            )
            for extension in resource_type.extensions
        }

    def project(self, document: Resource) -> Resource:
        """Return what the client asked to see of a resource."""
        projected: Resource = {}
        for name, value in document.items():
            if name.lower() in self._extensions:
                shown = self._extension(name, value)
            else:
                attribute = self._core.find(name) or _COMMON.get(name)
                shown = self._visible(attribute, name, value, self._names)
            if shown is not None:
                projected[name] = shown
        return projected

    def _extension(self, name: str, value: Any) -> Any:
        extension, is_whole, names = self._extensions[name.lower()]
        if is_whole:
            return value if self._is_choice else None
        shown = {
            name: part
            for name, inner in value.items()
            if (part := self._visible(extension.find(name), name, inner, names)) is not None
        }
        return shown or None


def _path(text: str) -> AttributePath:
    urn, name = "", text
    if text.lower().startswith("urn:"):
        urn, _, name = text.rpartition(":")
    attribute, _, sub_attribute = name.partition(".")
    return AttributePath(attribute, sub_attribute or None, urn or None)


def _group(paths: Iterable[AttributePath], schema: Schema) -> _Names:
    """Group the names that belong to one schema; those without URN belong to the core schema."""
    names: _Names = {}
    for path in paths:
        if path.schema is None or path.schema.lower() == schema.id.lower():
            names.setdefault(path.attribute.lower(), set()).add((path.sub_attribute or "").lower())
    return names


def _names_whole(paths: Iterable[AttributePath], schema: Schema) -> bool:
    """Return whether the URN of a schema alone stands among the names, which means all of it."""
    return any(str(path).lower() == schema.id.lower() for path in paths)


def _kept(attribute: Attribute | None, name: str, value: Any, names: _Names) -> Any:
    """Return what ``attributes`` leaves of a value, or None."""
    if attribute is not None and attribute.returned == "always":
        return value
    subs = names.get(name.lower())
    if subs is None or (attribute is not None and attribute.returned == "never"):
        return None
    if "" in subs:
        return value
    always = _always(attribute)
    return _each(value, lambda sub: sub in subs or sub in always)


def _remaining(attribute: Attribute | None, name: str, value: Any, names: _Names) -> Any:
    """Return what ``excludedAttributes`` leaves of a value, or None."""
    if attribute is not None and attribute.returned == "always":
        return value
    if attribute is not None and attribute.returned in ("never", "request"):
        return None
    subs = names.get(name.lower(), set())
    if "" in subs:
        return None
    if not subs or (attribute is not None and not attribute.is_complex):
        return value
    always = _always(attribute)
    return _each(value, lambda sub: sub not in subs or sub in always)


def _always(attribute: Attribute | None) -> set[str]:
    subs = attribute.sub_attributes if attribute else ()
    return {sub.name.lower() for sub in subs if sub.returned == "always"}


def _each(value: Any, shown: Callable[[str], bool]) -> Any:
    """Apply a choice of sub-attributes to an object or to each object of a list."""
    if isinstance(value, list):
        parts = [_each(element, shown) for element in value]
        return [part for part in parts if part is not None] or None
    if not isinstance(value, Mapping):
        return None
    return {name: part for name, part in value.items() if shown(name.lower())} or None
