"""From the fields of the guided form to the settings of a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROLES = ("viewer", "approver", "operator", "administrator")


def document_of(given: Mapping[str, str], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a form means. What stands in no field keeps its default.

    :param more: further settings, over which the fields win.
    """
    document = dict(more)
    for name in ("user_id", "organization_id"):
        if text := _text(given, name).lower():
            document[name] = text
    if accounts := [
        _account(line) for line in _text(given, "accounts").splitlines() if line.strip()
    ]:
        document["accounts"] = accounts
    if baseline := _text(given, "baseline_profile"):
        document["provisioning"] = {
            **_section(document, "provisioning"),
            "baseline_profile": baseline,
        }
    groups = {role: _listed(_text(given, f"group_{role}")) for role in ROLES}
    if any(groups.values()):
        named = {role: names for role, names in groups.items() if names}
        document["console_groups"] = {**_section(document, "console_groups"), **named}
    if share := _text(given, "share_pct"):
        document["budget"] = {**_section(document, "budget"), "share_pct": share}
    return document


def _text(given: Mapping[str, str], name: str) -> str:
    return str(given.get(name) or "").strip()


def _account(line: str) -> dict[str, str]:
    account_id, _, alias = line.strip().partition(" ")
    return {"account_id": account_id.lower(), **({"alias": alias.strip()} if alias else {})}


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}
