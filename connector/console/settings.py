"""Settings and rules as they are in force, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

from flask import Blueprint, render_template

from connector.config import masked, masked_section
from connector.console.here import application, is_operator, may_try, tenant, tenant_name
from connector.domain.tenants.records import TenantSource
from connector.services.rules.in_force import rules_in_force
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
    sections = {
        f"tenants.{name}": _rows(
            masked_section(services.settings), services.settings, TenantSettings(name)
        )
    }
    stale: Sequence[str] = ()
    if is_operator() or len(application().catalogue.entries()) == 1:
        settings, usual = application().settings, Settings()
        stale = application().outdated()
        shown = masked(settings)
        shown.pop("tenants")
        everywhere = {
            part: _rows(shown[part], getattr(settings, part), getattr(usual, part))
            for part in shown
        }
        sections = {**everywhere, **sections}
    source = application().catalogue.get(name).source
    return render_template(
        "settings.html",
        sections=sections,
        stale=stale,
        rules=rules_in_force(services.context, services.user_mapping),
        in_file=source is TenantSource.FILE,
    )


def _rows(values: Mapping[str, Any], section: Any, usual: Any) -> list[Row]:
    """Return the rows of a section.

    :param values: what is shown of it.
    """
    defaults = dict(_flat(masked_section(_defaults(section, usual))))
    return [(name, text, defaults.get(name) == text) for name, text in _flat(values)]


def _defaults(value: Any, usual: Any = MISSING) -> Any:
    """Return what would hold if nothing more were said than that there is such a section, or such
    an element of a list or a mapping: these have the defaults of their class."""
    if isinstance(value, tuple) and any(map(is_dataclass, value)):
        return [_defaults(element) for element in value]
    if isinstance(value, Mapping) and any(map(is_dataclass, value.values())):
        return {name: _defaults(element) for name, element in value.items()}
    if not is_dataclass(value):
        return usual
    known = {}
    for part in fields(value):
        default = _default(part) if usual is MISSING else getattr(usual, part.name)
        if default is not MISSING:
            known[part.name] = _defaults(getattr(value, part.name), default)
    return known


def _default(part: Field[Any]) -> Any:
    return part.default if part.default_factory is MISSING else part.default_factory()


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
