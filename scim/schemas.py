"""Schemas and attributes with their characteristics (RFC 7643 §2.2 and §7), and look-up by name.

The standard schemas stand in ``core_schemas.json`` as the RFC defines them. An application keeps
what it really stores: ``USER.only("userName", "name.givenName")``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from typing import Any

import orjson

from scim.filters import AttributePath
from scim.text import LONGEST_TEXT

SCHEMA_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"

# JSON names of the characteristics and the fields that hold them, in the order of RFC 7643 §7.
_CHARACTERISTICS = {
    "name": "name",
    "type": "type",
    "subAttributes": "sub_attributes",
    "multiValued": "multi_valued",
    "description": "description",
    "required": "required",
    "canonicalValues": "canonical_values",
    "caseExact": "case_exact",
    "mutability": "mutability",
    "returned": "returned",
    "uniqueness": "uniqueness",
    "referenceTypes": "reference_types",
}
_LEFT_OUT_WHEN_EMPTY = {"subAttributes", "canonicalValues", "referenceTypes"}


@dataclass(frozen=True)
class Attribute:
    """One attribute; the defaults are those of RFC 7643 §2.2."""

    name: str
    type: str = "string"
    """string, boolean, decimal, integer, dateTime, binary, reference or complex."""
    multi_valued: bool = False
    description: str = ""
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    """readOnly, readWrite, immutable or writeOnly."""
    returned: str = "default"
    """always, never, default or request."""
    uniqueness: str = "none"
    """none, server or global."""
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple[Attribute, ...] = ()
    max_length: int = LONGEST_TEXT
    """Characters that a client may send; RFC 7643 §7 has no characteristic for it."""
    clearable: bool = True
    """Whether a PATCH can leave it without a value, where it is not required; as above."""
    sole_is_primary: bool = False
    """Whether a PATCH that takes or replaces the primary value means the only one there is, because
    it is not kept which one is primary; as above."""

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {sub.name.lower(): sub for sub in self.sub_attributes}

    def find(self, name: str) -> Attribute | None:
        """Return the sub-attribute of that name in any case, or None."""
        return self._by_name.get(name.lower())

    @property
    def is_complex(self) -> bool:
        """Whether the attribute has sub-attributes."""
        return self.type == "complex"

    @property
    def read_only(self) -> bool:
        """Whether clients cannot write it."""
        return self.mutability == "readOnly"

    @property
    def always_assigned(self) -> bool:
        """Whether no client can leave a resource without a value of it."""
        return self.required or not self.clearable

    def only(self, *names: str) -> Attribute:
        """Return a copy with just the named sub-attributes.

        :raises ValueError: there is no such sub-attribute.
        """
        return replace(self, sub_attributes=_pick(self.sub_attributes, names, self.name))

    def to_json(self) -> dict[str, Any]:
        """Return the attribute as ``/Schemas`` shows it."""
        body: dict[str, Any] = {}
        for key, field_name in _CHARACTERISTICS.items():
            value = getattr(self, field_name)
            if key == "subAttributes":
                value = [sub.to_json() for sub in value]
            if value or key not in _LEFT_OUT_WHEN_EMPTY:
                body[key] = list(value) if isinstance(value, tuple) else value
        return body

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Attribute:
        """Return the attribute of a schema document; what is left out takes its default."""
        fields = {_CHARACTERISTICS[key]: value for key, value in data.items()}
        for name in ("canonical_values", "reference_types"):
            fields[name] = tuple(fields.get(name, ()))
        fields["sub_attributes"] = tuple(map(cls.from_json, fields.get("sub_attributes", ())))
        return cls(**fields)


@dataclass(frozen=True)
class Schema:
    """A schema: its URN and its attributes."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def _by_name(self) -> dict[str, Attribute]:
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def find(self, name: str) -> Attribute | None:
        """Return the attribute of that name in any case, or None."""
        return self._by_name.get(name.lower())

    def only(self, *paths: str) -> Schema:
        """Return a copy with just the named attributes, in the schema's order.

        ``"name"`` keeps the whole of ``name``; ``"name.givenName"`` keeps that sub-attribute.

        :raises ValueError: there is no such attribute.
        """
        wanted: dict[str, list[str]] = {}
        for path in paths:
            name, _, sub_name = path.partition(".")
            wanted.setdefault(name.lower(), []).append(sub_name)
        kept = _pick(self.attributes, wanted, self.name)
        return replace(
            self,
            attributes=tuple(
                attribute
                if "" in (subs := wanted[attribute.name.lower()])
                else attribute.only(*subs)
                for attribute in kept
            ),
        )

    def with_attribute(self, path: str, **changes: Any) -> Schema:
        """Return a copy in which one attribute has other characteristics, named as the fields.

        ``USER.with_attribute("emails.type", canonical_values=("work",))``.

        :raises ValueError: there is no such attribute.
        """
        name, _, sub_name = path.partition(".")
        attribute = _pick(self.attributes, [name], self.name)[0]
        if sub_name:
            sub = attribute.only(sub_name).sub_attributes[0]
            subs = _swap(attribute.sub_attributes, sub, replace(sub, **changes))
            changed = replace(attribute, sub_attributes=subs)
        else:
            changed = replace(attribute, **changes)
        return replace(self, attributes=_swap(self.attributes, attribute, changed))

    def plus(self, *attributes: Attribute) -> Schema:
        """Return a copy with further attributes at its end."""
        return replace(self, attributes=self.attributes + attributes)

    def to_json(self) -> dict[str, Any]:
        """Return the schema as ``/Schemas`` shows it, without ``meta``."""
        return {
            "schemas": [SCHEMA_SCHEMA],
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "attributes": [attribute.to_json() for attribute in self.attributes],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        """Return the schema of a schema document."""
        return cls(
            id=data["id"],
            name=data["name"],
            description=data.get("description", ""),
            attributes=tuple(map(Attribute.from_json, data["attributes"])),
        )


def _pick(
    attributes: Sequence[Attribute], names: Iterable[str], owner: str
) -> tuple[Attribute, ...]:
    wanted = {name.lower() for name in names}
    picked = tuple(attribute for attribute in attributes if attribute.name.lower() in wanted)
    unknown = wanted - {attribute.name.lower() for attribute in picked}
    if unknown:
        raise ValueError(f"{owner} has no attribute {', '.join(sorted(unknown))}")
    return picked


def _swap(attributes: Sequence[Attribute], old: Attribute, new: Attribute) -> tuple[Attribute, ...]:
    return tuple(new if attribute is old else attribute for attribute in attributes)


@dataclass(frozen=True)
class Target:
    """What an attribute path names."""

    attribute: Attribute
    sub_attribute: Attribute | None = None
    extension: Schema | None = None
    """The extension that holds the attribute; its data stands under the extension's URN."""

    @property
    def leaf(self) -> Attribute:
        """The attribute whose type decides how a value compares."""
        return self.sub_attribute or self.attribute

    @property
    def json_path(self) -> tuple[str, ...]:
        """The keys that lead to the value, in the schema's spelling."""
        container = (self.extension.id,) if self.extension else ()
        part = (self.sub_attribute.name,) if self.sub_attribute else ()
        return (*container, self.attribute.name, *part)


def resolve(
    path: AttributePath, schema: Schema, extensions: Sequence[Schema] = ()
) -> Target | None:
    """Return what *path* names in a resource of these schemas, or None for nothing.

    Common attributes (RFC 7643 §3.1) are known everywhere. An attribute without URN is looked for
    in the core schema only.
    """
    extension = None
    if path.schema is None or path.schema.lower() == schema.id.lower():
        attribute = schema.find(path.attribute) or _COMMON.get(path.attribute.lower())
    else:
        extension = find_schema(path.schema, extensions)
        attribute = extension.find(path.attribute) if extension else None
    if attribute is None:
        return None
    if path.sub_attribute is None:
        return Target(attribute, None, extension)
    sub_attribute = attribute.find(path.sub_attribute)
    return Target(attribute, sub_attribute, extension) if sub_attribute else None


def find_schema(urn: str, schemas: Iterable[Schema]) -> Schema | None:
    """Return the schema of that URN, compared without case, or None."""
    lowered = urn.lower()
    return next((schema for schema in schemas if schema.id.lower() == lowered), None)


def _load() -> tuple[dict[str, Schema], tuple[Attribute, ...]]:
    document = orjson.loads(files("scim").joinpath("core_schemas.json").read_bytes())
    schemas = {data["id"]: Schema.from_json(data) for data in document["schemas"]}
    return schemas, tuple(map(Attribute.from_json, document["common"]))


_SCHEMAS, COMMON_ATTRIBUTES = _load()
"""``COMMON_ATTRIBUTES``: schemas, id, externalId and meta, which no schema document lists."""
_COMMON = {attribute.name.lower(): attribute for attribute in COMMON_ATTRIBUTES}

_CORE = "urn:ietf:params:scim:schemas:core:2.0:"
USER = _SCHEMAS[f"{_CORE}User"]
GROUP = _SCHEMAS[f"{_CORE}Group"]
ENTERPRISE_USER = _SCHEMAS["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
SERVICE_PROVIDER_CONFIG = _SCHEMAS[f"{_CORE}ServiceProviderConfig"]
RESOURCE_TYPE = _SCHEMAS[f"{_CORE}ResourceType"]
SCHEMA = _SCHEMAS[SCHEMA_SCHEMA]
ENTITLEMENT = _SCHEMAS[f"{_CORE}Entitlement"]
"""draft-ietf-scim-roles-entitlements-01."""
ROLE = _SCHEMAS[f"{_CORE}Role"]
"""draft-ietf-scim-roles-entitlements-01."""
