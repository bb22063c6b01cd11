"""Resource types, and what a client sent turned into a resource by its schemas.

Names get the schema's spelling, types are checked by marshmallow fields generated from the schema,
and everything wrong is told at once.

Unassigned (RFC 7643 §2.5): ``null`` and ``""`` become None, or ``[]`` for a multi-valued attribute,
and the key stays: an absent key was not asserted, an empty one was cleared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import marshmallow

from scim.errors import InvalidSyntax, InvalidValue
from scim.fields import Complex, field_for, schema_for
from scim.filters import AttributePath
from scim.handlers import Resource
from scim.schemas import COMMON_ATTRIBUTES, Attribute, Schema, Target, find_schema, resolve
from scim.spelling import spell, spell_value

_EXTERNAL_ID = next(a for a in COMMON_ATTRIBUTES if a.name == "externalId")
_NOT_UNKNOWN = {"schemas", "id", "meta"}
_MAX_PROBLEMS = 20
"""Problems told in one detail; a body of 100,000 wrong members needs no longer list."""


@dataclass(frozen=True)
class ResourceType:
    """A type of resource: where it is served and what its schemas are (RFC 7643 §6)."""

    name: str
    endpoint: str
    """Path under the base address, such as ``/Users``."""
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    description: str = ""

    @property
    def read_only(self) -> bool:
        """Whether clients can write nothing of it."""
        return all(attribute.read_only for attribute in self.schema.attributes)

    def resolve(self, path: AttributePath) -> Target | None:
        """Return what *path* names in a resource of this type, or None for nothing."""
        return resolve(path, self.schema, self.extensions)


@dataclass(frozen=True)
class Accepted:
    """A resource as a client asserted it, readOnly attributes left out."""

    resource: Resource
    ignored: frozenset[str] = frozenset()
    """Names that no schema has, as paths; the caller logs them."""
    version: str | None = None
    """``meta.version`` of the body, which some clients send instead of ``If-Match``."""


def accept_resource(resource_type: ResourceType, document: object) -> Accepted:
    """Return the resource in the body of a POST or PUT.

    ``schemas`` is never refused: the type follows from the endpoint, unknown URNs are ignored, and
    extension data counts whether or not its URN is listed.

    :raises InvalidSyntax: the body is no object, or has two keys that differ only in case.
    :raises InvalidValue: values of the wrong type or required ones missing, all in one detail.
    """
    if not isinstance(document, dict):
        raise InvalidSyntax("The request body must be a JSON object.")
    ignored: set[str] = set()
    spelled = _spell_resource(resource_type, document, ignored)
    resource = _load(resource_type, spelled)
    held = [extension.id for extension in resource_type.extensions if resource.get(extension.id)]
    return Accepted(
        {"schemas": [resource_type.schema.id, *held], **resource},
        frozenset(ignored),
        _body_version(document),
    )


def accept_value(attribute: Attribute, value: object, path: str) -> Any:
    """Return *value* as a value of *attribute*: the whole list where it is multi-valued.

    :raises InvalidValue: it has the wrong type; the detail names *path*.
    :raises InvalidSyntax: two keys differ only in case.
    """
    try:
        return field_for(attribute).deserialize(spell_value(attribute, value, path))
    except marshmallow.ValidationError as error:
        raise InvalidValue(_detail({path: error.messages})) from None


def is_same(attribute: Attribute, old: Any, new: Any) -> bool:
    """Return whether a client gives a value as it is; readOnly parts are not theirs to give."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return bool(old == new)
    given = (item.name for item in attribute.sub_attributes if not item.read_only)
    return all(old.get(name) == new.get(name) for name in given)


@lru_cache(maxsize=16)
def with_writable_groups(schema: Schema) -> Schema:
    """Return the schema with ``groups`` readWrite, where it has them (RFC 7643 §4.1.2 has them
    readOnly)."""
    if schema.find("groups") is None:
        return schema
    writable = schema.with_attribute("groups", mutability="readWrite")
    return writable.with_attribute("groups.value", mutability="readWrite")


@lru_cache(maxsize=64)
def _core_of(schema: Schema) -> marshmallow.Schema:
    return schema_for((_EXTERNAL_ID, *schema.attributes))


@lru_cache(maxsize=64)
def _extension_of(schema: Schema) -> Complex:
    return Complex(schema.attributes)


def _load(resource_type: ResourceType, spelled: dict[str, Any]) -> Resource:
    # marshmallow would read the dot in "2.0" as a path, so extensions are read one by one.
    readers = {
        e.id: _extension_of(e).deserialize for e in resource_type.extensions if e.id in spelled
    }
    core = {name: value for name, value in spelled.items() if name not in readers}
    problems: dict[Any, Any] = {}
    resource: Resource = {}
    try:
        resource |= _core_of(resource_type.schema).load(core)
    except marshmallow.ValidationError as error:
        problems |= error.messages_dict
    for urn, read in readers.items():
        try:
            resource[urn] = read(spelled[urn])
        except marshmallow.ValidationError as error:
            problems[urn] = error.messages
    if problems:
        raise InvalidValue(_detail(problems))
    return resource


def _spell_resource(
    resource_type: ResourceType, document: dict[str, Any], ignored: set[str]
) -> dict[str, Any]:
    core = {k: v for k, v in document.items() if not find_schema(k, resource_type.extensions)}
    spelled = spell(core, lambda name: _known(resource_type, name), "", ignored)
    ignored -= {name for name in ignored if name.lower() in _NOT_UNKNOWN}
    for key, value in document.items():
        extension = find_schema(key, resource_type.extensions)
        if extension is None:
            continue
        if extension.id in spelled:
            raise InvalidSyntax(f"{key} is given twice, in different case.")
        if isinstance(value, dict):
            value = spell(value, extension.find, extension.id, ignored)  # noqa: PLW2901
        spelled[extension.id] = value
    return spelled


def _known(resource_type: ResourceType, name: str) -> Attribute | None:
    if name.lower() == "externalid":
        return resource_type.schema.find(name) or _EXTERNAL_ID
    return resource_type.schema.find(name)


def _body_version(document: Mapping[str, Any]) -> str | None:
    meta = document.get("meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    return version if isinstance(version, str) and version else None


def _detail(messages: Mapping[Any, Any]) -> str:
    problems = [f"{path.lstrip('.')} {text}" for path, text in _flatten(messages, "")]
    shown = problems[:_MAX_PROBLEMS]
    if len(problems) > len(shown):
        shown.append(f"and {len(problems) - len(shown)} more problems")
    return "; ".join(shown) + "."


def _flatten(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _flatten(
                inner, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
            )
    elif isinstance(messages, list):
        for message in messages:
            yield from _flatten(message, path)
    else:
        text = str(messages)
        yield path, "is required" if text == "Missing data for required field." else text
