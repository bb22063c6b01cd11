"""The attributes that are served, one by one, as products list them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from connector.scim_handlers.schemas import ENTITLEMENTS, GROUPS, ROLES, USERS
from scim.resources import ResourceType
from scim.schemas import COMMON_ATTRIBUTES, Attribute, Schema

OBJECT_TYPES: Mapping[str, ResourceType] = {
    "group": GROUPS,
    "entitlement": ENTITLEMENTS,
    "role": ROLES,
}
"""What can be held, by the name that SailPoint's products give the object type."""
_HELD_THROUGH = {"groups": "group", "entitlements": "entitlement", "roles": "role"}
"""The attributes of a User that hold it. SailPoint maps them only under exactly these names."""


@dataclass(frozen=True)
class Leaf:
    """An attribute that has a value of its own."""

    path: str
    """SCIM path: ``name.givenName``, or behind a schema URN and a colon."""
    attribute: Attribute
    extension: Schema | None = None
    parent_read_only: bool = False

    @property
    def type(self) -> str:
        """SCIM's type of the value; what is complex and multi-valued stays complex."""
        return self.attribute.type

    @property
    def multi_valued(self) -> bool:
        """Whether there may be several values."""
        return self.attribute.multi_valued

    @property
    def writable(self) -> bool:
        """Whether clients may write it."""
        return not (self.parent_read_only or self.attribute.read_only)

    @property
    def description(self) -> str:
        """What it is, in the words of the schema, else its path."""
        return self.attribute.description or self.path

    @property
    def local_path(self) -> str:
        """The path without the schema URN."""
        return self.path.removeprefix(f"{self.extension.id}:") if self.extension else self.path

    @property
    def holds(self) -> str:
        """The object type whose ids the values are, or nothing."""
        return "" if self.extension else _HELD_THROUGH.get(self.path, "")


def account_leaves() -> tuple[Leaf, ...]:
    """Return the attributes of a User."""
    return tuple(_leaves(USERS))


def object_leaves(object_type: str) -> tuple[Leaf, ...]:
    """Return the attributes of a Group, Entitlement or Role."""
    return tuple(_leaves(OBJECT_TYPES[object_type]))


def scalar_leaves(leaves: tuple[Leaf, ...]) -> tuple[Leaf, ...]:
    """Return those that SailPoint's products can show: no lists of objects but what is held.

    ``emails`` is left out with the lists; it always repeats ``userName``.
    """
    return tuple(leaf for leaf in leaves if leaf.type != "complex" or leaf.holds)


def writable_leaves() -> tuple[Leaf, ...]:
    """Return the attributes of a User that clients may write."""
    return tuple(leaf for leaf in account_leaves() if leaf.writable)


@lru_cache(maxsize=1)
def source_table() -> Mapping[str, Mapping[str, Any]]:
    """Return ``sources.yaml``: by path, then by product, where the value comes from."""
    text = files("connector.exports").joinpath("sources.yaml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    return table


def sources_of(product: str) -> Mapping[str, str]:
    """Return by path what feeds each attribute in *product*, in the schema's order."""
    table = source_table()
    return {
        leaf.path: table[leaf.path][product]
        for leaf in writable_leaves()
        if product in table[leaf.path]
    }


def _leaves(resource_type: ResourceType) -> Iterator[Leaf]:
    for attribute in COMMON_ATTRIBUTES:
        if attribute.name != "schemas":
            yield from _parts(attribute)
    for attribute in resource_type.schema.attributes:
        yield from _parts(attribute)
    for extension in resource_type.extensions:
        for attribute in extension.attributes:
            yield from _parts(attribute, extension)


def _parts(attribute: Attribute, extension: Schema | None = None) -> Iterator[Leaf]:
    path = f"{extension.id}:{attribute.name}" if extension else attribute.name
    if not attribute.is_complex or attribute.multi_valued:
        yield Leaf(path, attribute, extension)
        return
    for part in attribute.sub_attributes:
        yield Leaf(f"{path}.{part.name}", part, extension, attribute.read_only)
