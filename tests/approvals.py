"""Makers for tests of approvals: people, rules, and a connector whose policy asks first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connector.domain.authentication.console import ConsoleRole
from connector.domain.planning import ActualUser, DesiredUser
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItem
from connector.ports import UnitOfWork
from connector.services.context import Actor, Principal, person
from connector.services.inbox.approvals import ApprovalView
from connector.services.provisioning.wishes import unchanged
from tests.connector import DOCUSIGN, Connector, ok

ADDRESS = "ann.lee@acme.test"
APPROVE, DENY = Verdict.APPROVE, Verdict.DENY
JOB = Actor("job:people", "job", "test")
DAY = 86_400


def somebody(login: str, *roles: ConsoleRole, **more: Any) -> Principal:
    """Return a person who acts; their address is made of the login, unless given."""
    more.setdefault("email", f"{login.lower()}@staff.example")
    return person(login, source="console", correlation_id="test", roles=roles, **more)


def approver(login: str = "dora", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.APPROVER, **more)


def operator(login: str = "olga", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.OPERATOR, **more)


def administrator(login: str = "root", **more: Any) -> Principal:
    return somebody(login, ConsoleRole.ADMINISTRATOR, **more)


def add_account(connector: Connector, login: str, *roles: ConsoleRole, email: str = "") -> None:
    """Create a local account of the console."""
    connector.application.console_accounts.add(
        "default",
        login,
        "four quiet green lamps",
        roles,
        administrator(),
        email=email or f"{login}@staff.example",
    )


def disable(connector: Connector, login: str) -> None:
    connector.application.console_accounts.disable("default", login, administrator())


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


def waiting(
    connector: Connector, asked_for: str, address: str = ADDRESS, **attributes: Any
) -> tuple[dict[str, Any], WorkItem]:
    """Return somebody new and the approval that waits for them."""
    user = connector.create(address, **attributes)
    ask(connector, user["id"], asked_for)
    (item,) = [
        item for item in connector.services.approvals.list() if item.subject_id == user["id"]
    ]
    return user, item


def decide(
    connector: Connector, item: WorkItem, verdict: Verdict, by: Principal, **options: Any
) -> ApprovalView:
    return connector.services.approvals.decide(item.work_item_id, verdict, by, **options)


def asked_by(connector: Connector, by: Actor, user_id: str, entitlement: str) -> WorkItem:
    """Return the approval of what a person asks for, as when they revert drift."""
    account_id, _, profile_id = entitlement.partition(".")

    def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
        wanted = frozenset({(account_id, profile_id)})
        return replace(unchanged(uow, actual, by), profiles=wanted)

    connector.services.users.update(user_id, wish, by)
    (item,) = connector.services.approvals.list()
    return item
