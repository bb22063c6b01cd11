"""Settings and rules as they are in force, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, render_template

from connector.config import masked, masked_section
from connector.console.here import application, is_operator, may_try, tenant, tenant_name
from connector.domain.tenants import TenantSource
from connector.services.inbox.rules_in_force import rules_in_force
from connector.settings import Settings, TenantSettings

blueprint = Blueprint("settings", __name__)

Row = tuple[str, str, bool]
"""A setting, its value, and whether it is the default."""


@blueprint.get("/settings")
@may_try(lambda person: person.may_administer)
def show() -> str:
    """Show the settings in force, secrets masked, without those of other tenants; those of the
    installation where no other customer is served, and to its operator."""
    services, name = tenant(), tenant_name()
    sections = {f"tenants.{name}": _rows(masked_section(services.settings), TenantSettings(name))}
    if is_operator() or len(application().catalogue.entries()) == 1:
        shown, usual = masked(application().settings), Settings()
        shown.pop("tenants")
        everywhere = {part: _rows(shown[part], getattr(usual, part)) for part in shown}
        sections = {**everywhere, **sections}
    source = application().catalogue.get(name).source
    return render_template(
        "settings.html",
        sections=sections,
        rules=rules_in_force(services.context, services.user_mapping),
        in_file=source is TenantSource.FILE,
    )


def _rows(values: Mapping[str, Any], usual: Any) -> list[Row]:
    defaults = dict(_flat(masked_section(usual)))
    return [(name, text, defaults.get(name) == text) for name, text in _flat(values)]


def _flat(values: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(values, dict) and values:
        for name, inner in values.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(values, list) and any(isinstance(item, dict) for item in values):
        for place, inner in enumerate(values):
            yield from _flat(inner, f"{path}[{place}]")
    else:
        yield path, _text(values)


def _text(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
