"""The profile of Okta's app user: its attributes, where SCIM has them, and what feeds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connector.exports.attributes import Leaf, sources_of, writable_leaves

_CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_BASE = {
    "userName": "userName",
    "name.givenName": "givenName",
    "name.familyName": "familyName",
    "emails": "email",
}
"""Attributes that every SCIM app of Okta has already, with the names that they have there."""
_WORK_EMAIL = "emails[type eq 'work'].value"


def parts() -> Mapping[str, Any]:
    """Return ``attributes``: the app user's, with the mapping of each."""
    sources = sources_of("okta")
    return {
        "attributes": [
            _attribute(leaf, sources[leaf.path])
            for leaf in writable_leaves()
            if leaf.path in sources
        ]
    }


def _attribute(leaf: Leaf, expression: str) -> Mapping[str, Any]:
    return {
        "variable": _BASE.get(leaf.path) or _variable(leaf.local_path),
        "title": _title(leaf.local_path),
        "description": leaf.description,
        "externalName": _WORK_EMAIL if leaf.path == "emails" else leaf.local_path,
        "externalNamespace": leaf.extension.id if leaf.extension else _CORE_USER,
        "isBase": leaf.path in _BASE,
        "required": leaf.attribute.required,
        "expression": expression,
    }


def _title(path: str) -> str:
    """Return the label of a field: ``name.middleName`` becomes ``Middle name``."""
    words = re.sub(r"(?=[A-Z])", " ", _variable(path)).lower()
    return words.removesuffix(" value").capitalize()


def _variable(path: str) -> str:
    """Return a name without dots: ``manager.value`` becomes ``managerValue``."""
    first, *rest = path.removeprefix("name.").split(".")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)
