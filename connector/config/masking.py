"""The settings as plain data that may be shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connector.settings import MASK, Secret, Settings

Show = Callable[[str], str]


def masked(settings: Settings, show: Show = lambda _secret: MASK) -> dict[str, Any]:
    """Return every setting by name, defaults included, with secrets as asterisks.

    :param show: what stands for a secret instead.
    """
    shown: dict[str, Any] = _plain(settings, show)
    shown["database"]["url"] = _masked_url(settings.database.url)
    return shown


def masked_section(section: Any) -> dict[str, Any]:
    """Return one section of the settings, such as a tenant's, with secrets as asterisks."""
    shown: dict[str, Any] = _plain(section, lambda _secret: MASK)
    return shown


def flattened(settings: Settings, tenant: str, show: Show) -> dict[str, Any]:
    """Return what concerns one tenant, each value by its path, such as ``server.port``."""
    own = {name: one for name, one in settings.tenants.items() if name == tenant}
    shown = masked(replace(settings, tenants=own), show)
    tenants = shown.pop("tenants")
    flat: dict[str, Any] = {}
    _flatten("", {**shown, "tenant": tenants.get(tenant, {})}, flat)
    return flat


def _flatten(path: str, value: Any, flat: dict[str, Any]) -> None:
    if not isinstance(value, Mapping | list) or not value:
        flat[path] = value
        return
    items = value.items() if isinstance(value, Mapping) else enumerate(value)
    for name, inner in items:
        _flatten(f"{path}.{name}" if path else str(name), inner, flat)


def _plain(value: Any, show: Show) -> Any:
    if isinstance(value, Secret):
        return show(value.reveal())
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name), show) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(inner, show) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner, show) for inner in value]
    return value


def _masked_url(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return MASK
