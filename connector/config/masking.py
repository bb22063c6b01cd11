"""The settings as plain data that may be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connector.settings import Secret, Settings

MASK = "********"


def masked(settings: Settings) -> dict[str, Any]:
    """Return every setting by name, defaults included, with secrets as asterisks."""
    shown: dict[str, Any] = _plain(settings)
    shown["database"]["url"] = _masked_url(settings.database.url)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value


def _masked_url(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return MASK
