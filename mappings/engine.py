"""Applies a mapping: SCIM attributes to the fields of a DocuSign person, and back.

``fields`` are strings by the name of the field; an empty string is an absent value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mappings.model import CORE_USER, FieldMapping, Source, UserMapping
from mappings.transforms import TRANSFORMS

Fields = Mapping[str, str]
Resource = Mapping[str, Any]


def to_directory(
    resource: Resource,
    mapping: UserMapping,
    current: Fields | None = None,
    kept_before: Mapping[str, Any] | None = None,
) -> dict[str, str]:
    """Return the fields of the person that *resource* asks for.

    :param current: what DocuSign has. With it the first source that differs from it wins; without
        it, the first that has a value.
    :param kept_before: what is kept now (:func:`kept_attributes`): a value that is kept beside
        another one in DocuSign differs from it, and is no change while it stays as it is.
    """
    own = (kept_before or {}).get(CORE_USER, {})
    wanted: dict[str, str] = {}
    for field in mapping.fields:
        wanted[field.name] = _wanted(field, resource, wanted, current, own)
    return wanted if current is None else wanted | _omitted_parts(mapping, wanted, current)


def _wanted(
    field: FieldMapping,
    resource: Resource,
    wanted: Fields,
    current: Fields | None,
    own: Mapping[str, Any],
) -> str:
    present = [
        (source, value)
        for source in field.sources
        if (value := _incoming(source, resource, wanted)) != ""
    ]
    if current is None:
        return present[0][1] if present else ""
    known = current.get(field.name, "")
    if not present:
        return known if field.required else ""
    changed = (
        value
        for number, (source, value) in enumerate(present)
        if _may_change(source, field, current, stands_in=number > 0)
        and _differs(field, value, _baseline(source, field, current, own))
    )
    return next(changed, known)


def _may_change(source: Source, field: FieldMapping, current: Fields, *, stands_in: bool) -> bool:
    """Return whether another value of a source is a change of the field.

    What is kept for the client changes nothing beside a source that says more: a new displayName
    renames nobody whose name is known. An address that stood in for a missing name is followed by
    the name; the name of anybody else is not the address's concern.
    """
    if source.keep_when_different:
        return not stands_in
    if source.from_fields and source is not field.sources[0]:
        return current.get(field.name, "") == _joined(source, current)
    return True


def _omitted_parts(mapping: UserMapping, wanted: Fields, current: Fields) -> dict[str, str]:
    """Return as they are the parts of which a field is made, where none of them is given.

    DocuSign makes parts of a full name by itself, and where empty parts are sent beside it, they
    win.
    """
    parts: dict[str, str] = {}
    for field in mapping.fields:
        names = field.sources[0].from_fields
        if not any(wanted.get(name) for name in names):
            parts |= {name: current.get(name, "") for name in names}
    return parts


def _differs(field: FieldMapping, value: str, baseline: str) -> bool:
    if field.case_exact:
        return value != baseline
    return value.casefold() != baseline.casefold()


def _baseline(source: Source, field: FieldMapping, current: Fields, own: Mapping[str, Any]) -> str:
    """Return what the source would give if the client had changed nothing."""
    if source.from_fields:
        return _joined(source, current)
    if source.attribute and source.keep_when_different and source.attribute in own:
        return _text(own[source.attribute])
    return current.get(field.name, "")


def _incoming(source: Source, resource: Resource, wanted: Fields) -> str:
    if source.from_fields:
        return _joined(source, wanted)
    value = get_attribute(resource, source.attribute or "")
    return _text(_apply(source.to_directory, value))


def _joined(source: Source, fields: Fields) -> str:
    return _text(_apply(source.to_directory, [fields.get(name, "") for name in source.from_fields]))


def _apply(names: Iterable[str], value: Any) -> Any:
    for name in names:
        if value is None:
            return None
        value = TRANSFORMS[name](value)
    return value


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def attribute_giving(resource: Resource, mapping: UserMapping, name: str, value: str) -> str | None:
    """Return the SCIM attribute from which a field of the person has its value, where one gives
    just that; else the most telling one, None for a field that no attribute feeds."""
    field = next((field for field in mapping.fields if field.name == name), None)
    if field is None:
        return None
    giving = (
        source.attribute
        for source in field.sources
        if source.attribute and _incoming(source, resource, {}) == value
    )
    return next(giving, next(iter(field.attributes), None))


def to_scim(fields: Fields, mapping: UserMapping) -> dict[str, Any]:
    """Return the SCIM attributes that show *fields*; empty ones are left out (RFC 7643 §2.5)."""
    part: dict[str, Any] = {}
    for field in mapping.fields:
        value = fields.get(field.name, "")
        for source in field.sources if value else ():
            if source.attribute:
                set_attribute(part, source.attribute, _apply(source.to_scim, value))
    return part


def kept_attributes(
    resource: Resource,
    mapping: UserMapping,
    wanted: Fields,
    *,
    current: Fields | None = None,
    kept_before: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return by schema URN what DocuSign cannot hold and the connector keeps for the client.

    :param wanted: what :func:`to_directory` made of *resource*.
    :param kept_before: what is kept now: a value that merely repeats what was shown is not kept.
    """
    kept: dict[str, Any] = {}
    for schema, names in mapping.kept.items():
        given = _extension(resource, schema)
        values = {name: given[name] for name in names if not _empty(given.get(name))}
        if values:
            kept[schema] = values
    own = _different(resource, mapping, wanted, current or {}, kept_before or {})
    if own:
        kept[CORE_USER] = {**kept.get(CORE_USER, {}), **own}
    return kept


def _extension(resource: Resource, schema: str) -> Mapping[str, Any]:
    """Return the attributes of a schema; those of the core schema stand at the top."""
    found = resource if schema == CORE_USER else resource.get(schema)
    return found if isinstance(found, Mapping) else {}


def _different(
    resource: Resource,
    mapping: UserMapping,
    wanted: Fields,
    current: Fields,
    kept_before: Mapping[str, Any],
) -> dict[str, Any]:
    own_before = kept_before.get(CORE_USER, {})
    own: dict[str, Any] = {}
    for field in mapping.fields:
        for source in field.sources:
            name = source.attribute
            if name is None or not source.keep_when_different:
                continue
            value = _text(_apply(source.to_directory, get_attribute(resource, name)))
            echoed = name not in own_before and value == current.get(field.name)
            if value and value != wanted.get(field.name) and not echoed:
                own[name] = value
    return own


def _empty(value: Any) -> bool:
    """Return whether a value is unassigned: null, empty text, list or object (RFC 7643 §2.5)."""
    return value is None or (isinstance(value, str | list | dict) and not value)


def get_attribute(resource: Resource, path: str) -> Any:
    """Return the value at ``name``, ``name.sub`` or ``urn:schema:name``, or None."""
    value: Any = resource
    for key in _keys(path):
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def set_attribute(resource: dict[str, Any], path: str, value: Any) -> None:
    """Put *value* at ``name``, ``name.sub`` or ``urn:schema:name``."""
    *parents, last = _keys(path)
    for key in parents:
        resource = resource.setdefault(key, {})
    resource[last] = value


def _keys(path: str) -> list[str]:
    """Split a path; the dot in ``2.0`` of a URN separates nothing."""
    schema, _, name = path.rpartition(":")
    return ([schema] if schema else []) + name.split(".")
