"""The stored form of a resource: its text, its version and its times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import fold
from connector.ports import (
    BASE_URL_MARK,
    ENTITLEMENT,
    EXTERNAL_ID_MARK,
    GROUP,
    ROLE,
    TOMBSTONE,
    USER,
    ResourceRow,
)

Document = dict[str, Any]

_ENDPOINTS = {
    USER: "Users",
    GROUP: "Groups",
    ENTITLEMENT: "Entitlements",
    ROLE: "Roles",
    TOMBSTONE: "Tombstones",
}
_STRAY_MARK = re.compile(rf'(?<!"\$ref":")(?<!"location":"){BASE_URL_MARK}')


def render_row(
    kind: str,
    scim_id: str,
    schema: str,
    content: Document,
    attributes: ClientAttributes | None = None,
    *,
    digest: str = "",
    key: bytes = b"",
    created_at: datetime,
    last_modified_at: datetime,
) -> ResourceRow:
    """Return the row of a resource with this content, both keys taken from ``displayName``.

    :param digest: stands for what belongs to the version and is not in the document.
    :param key: keeps readers who do not see all of what the version covers from computing it.
    """
    body = {name: value for name, value in content.items() if not _unassigned(value)}
    extensions = sorted(name for name in body if name.startswith("urn:"))
    document = {"schemas": [schema, *extensions], "id": scim_id, **body}
    external_ids = attributes.external_ids if attributes else {}
    version = _version(document, external_ids, digest, key)
    document["meta"] = {
        "resourceType": kind,
        "created": timestamp(created_at),
        "lastModified": timestamp(last_modified_at),
        "location": location(kind, scim_id),
        "version": version,
    }
    name = fold(content.get("displayName", ""))
    return ResourceRow(
        kind=kind,
        scim_id=scim_id,
        document=_text(_marked(external_ids) | document),
        version=version,
        scopes=",".join(sorted(external_ids)),
        created_at=created_at,
        last_modified_at=last_modified_at,
        name_key=name,
        display_key=name,
    )


def _version(document: Document, external_ids: Mapping[str, str], digest: str, key: bytes) -> str:
    # Every client's external id counts: a version then stands for what any reader may see, and is
    # the same for all of them, so that it can be made when something is written.
    seed = orjson.dumps([document, external_ids, digest], option=orjson.OPT_SORT_KEYS)
    return f'W/"{hashlib.blake2b(seed, digest_size=8, key=key).hexdigest()}"'


def _marked(external_ids: Mapping[str, str]) -> Document:
    """Return the external ids by the names that they have in a document."""
    if len(external_ids) == 1:
        # As its own client reads it: a page of such documents is sent as it stands.
        [value] = external_ids.values()
        return {"externalId": value}
    return {f"{EXTERNAL_ID_MARK}{scope}": external_ids[scope] for scope in sorted(external_ids)}


def _text(document: Document) -> str:
    """Return the JSON text. A mark inside a value is escaped, so it is never taken for ours."""
    text = orjson.dumps(document).decode()
    text = _STRAY_MARK.sub(rf"\\u{ord(BASE_URL_MARK):04x}", text)
    if EXTERNAL_ID_MARK not in text:
        return text
    text = text.replace(EXTERNAL_ID_MARK, f"\\u{ord(EXTERNAL_ID_MARK):04x}")
    for name in document:
        if name.startswith(EXTERNAL_ID_MARK):
            escaped = name.replace(EXTERNAL_ID_MARK, f"\\u{ord(EXTERNAL_ID_MARK):04x}")
            text = text.replace(f'"{escaped}":', f'"{name}":', 1)
    return text


def _unassigned(value: Any) -> bool:
    return value is None or value in ("", [], {})


def present(**values: Any) -> Document:
    """Return the values that are assigned (RFC 7643 §2.5)."""
    return {name: value for name, value in values.items() if not _unassigned(value)}


def row_changed(old: ResourceRow | None, new: ResourceRow) -> bool:
    """Return whether a client could see a difference."""
    return old is None or (old.version, old.visible) != (new.version, new.visible)


def settle_times(old: ResourceRow | None, new: ResourceRow, now: datetime) -> ResourceRow:
    """Return *new* with the times it should have: ``created`` never moves, ``lastModified`` only
    when the content did. Delta aggregation rests on it."""
    if old is None:
        return _with_times(new, new.created_at, now)
    modified_at = now if row_changed(old, new) else old.last_modified_at
    return _with_times(new, old.created_at, modified_at)


def _with_times(row: ResourceRow, created_at: datetime, modified_at: datetime) -> ResourceRow:
    if (row.created_at, row.last_modified_at) == (created_at, modified_at):
        return row
    content = orjson.loads(row.document)
    content["meta"] |= {"created": timestamp(created_at), "lastModified": timestamp(modified_at)}
    return replace(
        row, document=_text(content), created_at=created_at, last_modified_at=modified_at
    )


def timestamp(moment: datetime) -> str:
    """Return the one form of a time: UTC with milliseconds and ``Z``."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def location(kind: str, scim_id: str) -> str:
    """Return the address of a resource behind the mark for the base URL."""
    return f"{BASE_URL_MARK}/{_ENDPOINTS[kind]}/{scim_id}"
