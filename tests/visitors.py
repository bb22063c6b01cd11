"""Somebody at the console, by HTTP and without a browser; and an organization worth looking at."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from argon2 import PasswordHasher
from werkzeug.test import Client, TestResponse

from connector.domain.authentication.console import ConsoleRole
from connector.domain.drift.difference import DriftKind
from connector.services.authentication.console_accounts import ConsoleAccounts
from connector.services.context import person
from simulator.state import groups
from simulator.state.model import Status
from tests.connector import ORGANIZATION_ADMIN, Connector

PASSWORD = "four quiet green lamps"
HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ROOT = person(
    "root",
    source="cli",
    correlation_id="c0",
    roles=[ConsoleRole.ADMINISTRATOR],
    email="root@staff.example",
)
GLOBEX = {
    "user_id": "00000000-0000-4000-8000-0000000000ee",
    "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a2", "alias": "globex-eu"}],
}
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Visitor:
    """A browser without a screen: cookies, links and forms."""

    http: Client
    base: str = "/console"

    def get(self, path: str = "/", **headers: str) -> TestResponse:
        return self.http.get(self.base + path, headers=headers)

    def token(self, path: str) -> str:
        """Return the CSRF token of the forms of a page."""
        text = self.get(path).get_data(as_text=True)
        return unescape(_CSRF.search(text)[1])

    def post(self, path: str, *, page: str = "/", **fields: Any) -> TestResponse:
        """Send a form with the token of *page*."""
        return self.http.post(self.base + path, data={"csrf_token": self.token(page), **fields})

    def sign_in(self, login: str, password: str = PASSWORD, **query: str) -> TestResponse:
        return self.http.post(
            f"{self.base}/sign-in",
            query_string=query,
            data={"csrf_token": self.token("/sign-in"), "login": login, "password": password},
        )


def visitor(connector: Connector, base: str = "/console") -> Visitor:
    """Return somebody who is not signed in."""
    return Visitor(Client(connector.http.application, use_cookies=True), base)


def add_account(connector: Connector, login: str, *roles: str, tenant: str = "default") -> None:
    """Create a local account with these roles; its password costs no time to check."""
    application = connector.application
    if "console_accounts" not in vars(application):
        application.console_accounts = ConsoleAccounts(application.store, application.clock, HASHER)
    name = login.capitalize() + " Example"
    connector.application.console_accounts.add(
        tenant,
        login,
        PASSWORD,
        map(ConsoleRole, roles),
        ROOT,
        display_name=name,
        email=login if "@" in login else f"{login}@staff.example",
    )


def signed_in(connector: Connector, *roles: str, login: str = "ann") -> Visitor:
    """Return somebody who is signed in with these roles."""
    add_account(connector, login, *roles)
    who = visitor(connector)
    assert who.sign_in(login).status_code == 303
    return who


def ask_for_admin(connector: Connector, user_id: str, op: str = "add") -> str:
    """Ask over SCIM for the organization-admin role and return the id of the task."""
    value = [{"value": ORGANIZATION_ADMIN}]
    done = connector.patch(f"/Users/{user_id}", {"op": op, "path": "roles", "value": value})
    assert done.status_code == 200, done.json
    asked = (user_id, ORGANIZATION_ADMIN)
    items = connector.services.work_items.list()
    return next(i.work_item_id for i in items if (i.subject_id, i.entitlement) == asked)


def guarded(match: str = "*Approver*", **more: Any) -> dict[str, Any]:
    """Return the setting that lets profiles of these names wait for an approval."""
    rule = {"match": match, "fulfilment": "approval", "risk": "high", "owner": "finance@x.example"}
    return {"entitlements": ({**rule, **more},)}


def profile_named(connector: Connector, name: str) -> str:
    """Return the id of a permission profile of the first account."""
    account = connector.world.account
    found = next(item for item in account.profiles.values() if name in item.name)
    return f"{account.account_id}.{found.profile_id}"


def ask_for_approval(connector: Connector, user_id: str, name: str = "Approver") -> str:
    """Ask over SCIM for a profile that :func:`guarded` guards; return the id of the approval."""
    value = [{"value": profile_named(connector, name)}]
    connector.patch(f"/Users/{user_id}", {"op": "add", "path": "entitlements", "value": value})
    items = connector.services.approvals.list()
    return next(item.work_item_id for item in items if item.subject_id == user_id)


def ask_to_forget(connector: Connector) -> str:
    """Ask for somebody who left long ago to be erased; return the id of the erasure."""
    leaver = connector.world.member(status=Status.CLOSED).user
    return connector.services.erasures.request(leaver.user_id, "Letter 117", ROOT).erasure_id


def lively(connector: Connector) -> dict[str, str]:
    """Let things happen, as they do in a week; return the ids of what is worth a page."""
    ada = connector.create(
        "ada.lovelace@northwind.example",
        name={"givenName": "Ada", "familyName": "Lovelace"},
        displayName="Ada Lovelace",
        entitlements=[{"value": connector.entitlement(0, 1)}],
    )["id"]
    group = connector.group()
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": ada}]})
    task = ask_for_admin(connector, ada)
    for number in range(4):
        member = list(connector.world.account.roster)[10 + number]
        if not member.user.is_organization_admin and member.status.name == "ACTIVE":
            ask_for_admin(connector, member.user.user_id)
    leaver = connector.create(
        "grace.hopper@northwind.example", name={"givenName": "Grace", "familyName": "Hopper"}
    )["id"]
    connector.patch(f"/Users/{leaver}", {"op": "replace", "path": "active", "value": False})
    account = connector.world.account.account_id
    found = {"user": ada, "task": task, "account": account, "profile": connector.entitlement(0, 1)}
    if connector.services.settings.entitlements:
        found["approval"] = ask_for_approval(connector, ada)
    return found


def joined_by_hand(connector: Connector) -> str:
    """Let somebody join a group in DocuSign itself; return the id of the finding."""
    account, state = connector.world.account, connector.world.state
    connector.reconcile()
    joined = account.groups[connector.group(0, 1).partition(".g")[2]]
    groups.add_member(state, account, joined.group_id, connector.world.member().user.user_id)
    connector.sync()
    connector.reconcile()
    found = connector.findings()
    return next(item.finding_id for item in found if item.kind is DriftKind.NATIVE_GRANT)


def operate(connector: Connector) -> None:
    """Let the console be the operator's, with another customer."""
    application = connector.application
    operated = replace(application.settings.console, operator_tenant="default")
    application.settings = replace(application.settings, console=operated)
    if application.catalogue.find("globex") is None:
        application.tenancy.add("globex", GLOBEX, ROOT)
