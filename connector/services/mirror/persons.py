"""From a client's document to the person that DocuSign shall have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.model import User
from connector.domain.plan import Person
from mappings import UserMapping, kept_attributes, to_directory


def person_fields(user: User) -> dict[str, str]:
    """Return the fields of a user that mappings know, by their name."""
    names = Person.__dataclass_fields__
    return {name: getattr(user, name) for name in names}


def attribute_names(mapping: UserMapping) -> dict[str, str]:
    """Return by field of a person, and by ``group_name``, the SCIM attribute by which clients know
    it: that which says most of it."""
    told = ((field.name, field.attributes) for field in mapping.fields)
    return {"group_name": "displayName"} | {name: known[0] for name, known in told if known}


def desired_person(
    resource: Mapping[str, Any],
    mapping: UserMapping,
    *,
    current: User | None = None,
    kept: Mapping[str, Any] | None = None,
) -> tuple[Person, dict[str, Any]]:
    """Return the person that *resource* asks for and the attributes to keep for the client.

    :param current: what DocuSign has, when a user is changed: of two attributes that feed one
        field, the one that differs from it is the change. Fields without a mapping stay.
    :param kept: what is kept now
        (:attr:`~connector.domain.ledger.resources.ClientAttributes.kept`).
    """
    before = person_fields(current) if current else None
    fields = to_directory(resource, mapping, before, kept)
    wanted = {"email": "", "user_name": ""} | (before or {}) | fields
    wanted_kept = kept_attributes(resource, mapping, wanted, current=before, kept_before=kept)
    return Person(**wanted), wanted_kept
