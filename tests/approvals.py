"""Makers for tests of approvals: people, rules, and a connector whose policy asks first."""

from __future__ import annotations

from typing import Any

from connector.domain.console import ConsoleRole
from connector.services.context import Principal, person
from tests.connector import DOCUSIGN, Connector, ok


def somebody(login: str, *roles: ConsoleRole, **more: Any) -> Principal:
    """Return a person who acts."""
    return person(login, source="console", correlation_id="test", roles=roles, **more)


def approver(login: str = "dora", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.APPROVER, **more)


def operator(login: str = "olga", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.OPERATOR, **more)


def administrator(login: str = "root", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.ADMINISTRATOR, **more)


def asking_first(entitlement: str, **more: Any) -> dict[str, Any]:
    """Return the rule that an entitlement needs an approval."""
    return {"match": entitlement, "fulfilment": "approval", **more}


def ask(connector: Connector, user_id: str, entitlement: str) -> Any:
    """Ask over SCIM for an entitlement; return the user as SCIM then shows it."""
    value = [{"value": entitlement}]
    return ok(
        connector.patch(f"/Users/{user_id}", {"op": "add", "path": "entitlements", "value": value})
    )


def pending(user: Any) -> list[tuple[str, str, str]]:
    """Return type, entitlement and direction of what SCIM shows as pending."""
    return [
        (item["type"], item.get("entitlement", ""), item.get("direction", ""))
        for item in user[f"{DOCUSIGN}User"].get("pending", ())
    ]


def held(user: Any) -> set[str]:
    """Return the entitlements that SCIM shows."""
    return {item["value"] for item in user.get("entitlements", ())}
