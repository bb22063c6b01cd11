"""Attribute mappings as Microsoft Entra ID writes them, in its table and in its job's schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.exports.attributes import sources_of

_TARGETS = {
    "emails": 'emails[type eq "work"].value',
    "roles": 'roles[primary eq "True"].value',
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value": (
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
    ),
}
"""Entra's own name of an attribute, where it is not the SCIM path."""
_MATCHING = {"userName": 1}
_OPTIONAL = "roles"
"""Entra lists it only once somebody has added it to the application's attributes."""
_GROUP = {"displayName": "[displayName]", "externalId": "[objectId]", "members": "[members]"}


def parts() -> Mapping[str, Any]:
    """Return ``users`` and ``groups``, each the rows of a table of mappings, and ``app_roles``, the
    rows that only those add who give roles by app roles."""
    sources = dict(sources_of("entra"))
    app_roles = [_row(_TARGETS[_OPTIONAL], sources.pop(_OPTIONAL))]
    users = [_row(_TARGETS.get(path, path), source) for path, source in sources.items()]
    groups = [_row(path, source, matching="displayName") for path, source in _GROUP.items()]
    return {"users": users, "groups": groups, "app_roles": app_roles}


def _row(target: str, source: str, matching: str = "") -> Mapping[str, Any]:
    plain = source.startswith("[")
    return {
        "mappingType": "Direct" if plain else "Expression",
        "source": source.strip("[]") if plain else source,
        "target": target,
        "matchingPrecedence": 1 if target == matching else _MATCHING.get(target, 0),
    }
