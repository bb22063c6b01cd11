"""Two customers side by side: with the credentials, ids, sessions and forms of one, nobody sees or
changes anything of the other, at whatever path there is.

The paths are those that the applications themselves list: a new one is walked from its first day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count, product
from typing import Any, cast

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from connector.api.app import create_api
from connector.console.app import create_console
from connector.domain.authentication.api_clients import Method
from connector.domain.authentication.console import ConsoleRole
from connector.domain.consent.links import Way
from connector.services.context import Actor, person
from tests.connector import BASE, Connector, connected
from tests.visitors import Visitor, add_account, ask_for_approval, guarded, lively, visitor

ACTOR = Actor("user:root", "cli", "c1")
ACCOUNT = "00000000-0000-4000-8000-0000000000ac"
PASSING = {"facts", "audit_events", "audit_details", "audit_heads", "audit_actors"}
PASSING |= {"audit_people", "console_failures", "locks", "budgets", "budget_calls"}
"""Tables that note attempts, and what is told a moment later."""


@dataclass
class Sides:
    """The customer who is attacked, and what the other one has in their hands."""

    connector: Connector
    ids: Mapping[str, str]
    """Of things of the customer who is attacked, by the name they have in paths."""
    marks: frozenset[str]
    """What may appear in no answer."""
    token: str
    """Of the intruder's API client."""
    secret: str
    personal: str
    session: Visitor
    """The intruder, signed in to their own console as an administrator."""

    @property
    def http(self) -> Client:
        """Somebody without cookies, at another address each time."""
        return Everywhere(self.connector.http.application, use_cookies=False)

    def kept(self) -> str:
        """Return everything that the attacked customer has, but for notes of attempts."""
        with self.connector.application.store.read("default") as uow:
            return str([row for row in uow.holdings.walk() if row[0] not in PASSING])

    def require_no_leak(self, answer: TestResponse, where: str) -> None:
        text = answer.get_data(as_text=True)
        # What was asked for may be named in an answer that says that there is no such thing, and in
        # the audit of whoever asked.
        is_echo = answer.status_code >= 300 or "/audit" in where or "/Bulk" in where
        asked = set(self.ids.values()) if is_echo else set()
        leaked = [mark for mark in self.marks - asked if mark in text]
        assert leaked == [], f"{where} answers {answer.status_code} with {leaked}"


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    connector = connected(tmp_path_factory.mktemp("sides") / "connector.db", **guarded())
    application = connector.application
    things = lively(connector)
    approval = things.get("approval") or ask_for_approval(connector, things["user"])
    ann = person(
        "ann",
        source="cli",
        correlation_id="c",
        email="ann@staff.example",
        roles=[ConsoleRole.ADMINISTRATOR],
    )
    now = connector.clock.now()
    delegation = connector.services.delegations.begin(
        ann, "bob", now, now + timedelta(days=1), reason="holidays"
    )
    add_account(connector, "vera", "administrator")
    document = {
        "user_id": "00000000-0000-4000-8000-0000000000ee",
        "accounts": [{"account_id": ACCOUNT, "alias": "theirs"}],
    }
    application.tenancy.add("acme", document, ACTOR)
    add_account(connector, "zoe", "administrator", tenant="acme")
    zoe = visitor(connector, "/acme/console")
    assert zoe.sign_in("zoe").status_code == 303
    _, token = application.clients.add("acme", "iga")
    _, secret = application.clients.add("acme", "okta", method=Method.OAUTH)
    personal = application.personal_tokens.add("acme", "zoe", "robot", ACTOR)[1]
    group = connector.group()
    with application.store.read("default") as uow:
        sequence = uow.audit.head().sequence
    ids = {
        "item_id": approval,
        "user_id": things["user"],
        "account_id": things["account"],
        "delegation_id": delegation.delegation_id,
        "evidence_id": "00000000-0000-4000-8000-0000000000ef",
        "sequence": str(sequence),
        "form": "jsonl",
        "act": "done",
        "filename": "console.css",
        "scim_id": things["user"],
        "group_id": group,
        "profile_id": things["profile"],
        "task_id": things["task"],
    }
    marks = {things["user"], things["account"], group, approval, things["task"]}
    marks |= {"ada.lovelace", "grace.hopper", delegation.delegation_id, "vera"}
    yield Sides(connector, ids, frozenset(marks), token, secret, personal, zoe)
    connector.close()


def paths(app: Flask, ids: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Walk the methods and paths of an application, filled in with ids of the other customer."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, _filled(rule, ids)


def _filled(rule: Rule, ids: Mapping[str, str]) -> str:
    # What this test has no example of gets some id of the other customer.
    values: dict[str, Any] = {
        name: int(ids[name]) if name == "sequence" else ids.get(name, ids["item_id"])
        for name in rule.arguments
    }
    url = rule.build(values)
    assert url is not None
    return url[1]


def scim_paths(ids: Mapping[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Walk what SCIM offers: (method, path, body)."""
    members = {"Users": ids["user_id"], "Groups": ids["group_id"]}
    members |= {"Entitlements": ids["profile_id"], "Roles": "organization-admin"}
    for kind, scim_id in members.items():
        yield "GET", f"/{kind}", None
        yield "GET", f'/{kind}?filter=id eq "{scim_id}"', None
        yield "POST", f"/{kind}/.search", {"filter": f'id eq "{scim_id}"'}
        yield "GET", f"/{kind}/{scim_id}", None
        yield "PUT", f"/{kind}/{scim_id}", {"userName": "x@example.com", "displayName": "x"}
        operations = [{"op": "replace", "path": "displayName", "value": "stolen"}]
        yield "PATCH", f"/{kind}/{scim_id}", {"Operations": operations}
        yield "DELETE", f"/{kind}/{scim_id}", None
    yield "GET", "/Tombstones", None
    yield "GET", f"/Requests/{ids['item_id']}", None
    yield "GET", f'/?filter=id eq "{ids["user_id"]}"', None
    yield "POST", "/.search", {"filter": f'id eq "{ids["user_id"]}"'}
    path = f"/Users/{ids['user_id']}"
    yield "POST", "/Bulk", {"Operations": [{"method": "DELETE", "path": path}]}


class Everywhere(Client):
    """Sends each request from another address, so that nobody is turned away for guessing."""

    numbers = count(1)

    def open(self, *arguments: Any, **options: Any) -> TestResponse:
        number = next(self.numbers)
        address = f"10.0.{number // 250}.{number % 250}"
        return super().open(*arguments, environ_overrides={"REMOTE_ADDR": address}, **options)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_scim_gives_nothing_away(sides: Sides) -> None:
    http, before = sides.http, sides.kept()
    for method, path, body in scim_paths(sides.ids):
        foreign = http.open(BASE + path, method=method, json=body, headers=bearer(sides.token))
        assert foreign.status_code == 401, f"{method} {path}"
        own = f"/acme{BASE}{path}"
        answer = http.open(own, method=method, json=body, headers=bearer(sides.token))
        sides.require_no_leak(answer, f"{method} {own}")
        if sides.ids["user_id"] in path and method != "POST" and "filter" not in path:
            assert answer.status_code in (404, 502), f"{method} {own} answers {answer.status_code}"
    assert sides.kept() == before


def test_a_token_of_the_other_customer_is_none(sides: Sides) -> None:
    http = sides.http
    kinds = ("/Users", "/Groups", "/Schemas", "/ResourceTypes")
    for tenant, token in product(("", "/acme"), (sides.token, sides.connector.token)):
        is_own = (tenant == "/acme") == (token == sides.token)
        for kind in kinds:
            status = http.get(f"{tenant}{BASE}{kind}", headers=bearer(token)).status_code
            assert status == (200 if is_own else 401), f"{tenant} {kind}"


def test_the_console_of_another_customer_is_closed(sides: Sides) -> None:
    app, before = create_console(sides.connector.application), sides.kept()
    cookies = "; ".join(
        f"{cookie.key}={cookie.value}" for cookie in sides.session.http._cookies.values()
    )
    stranger = sides.http
    for method, path in paths(app, sides.ids):
        answer = stranger.open(f"/console{path}", method=method, headers={"Cookie": cookies})
        sides.require_no_leak(answer, f"{method} /console{path}")
        is_public = path.startswith("/sign-in")
        assert is_public or answer.status_code in (302, 303, 400, 401), f"{method} {path}"
    assert sides.kept() == before


def test_one_s_own_console_shows_and_changes_nothing_of_another_s(sides: Sides) -> None:
    app, before = create_console(sides.connector.application), sides.kept()
    http = sides.session.http
    for method, path in paths(app, sides.ids):
        if path.startswith("/sign-"):
            continue
        fields = {"csrf_token": sides.session.token("/absences"), "comment": "mine", "back": "/"}
        fields |= {"decision": "approve", "checksum": "x"}
        data = fields if method == "POST" else None
        answer = http.open(f"/acme/console{path}", method=method, data=data)
        sides.require_no_leak(answer, f"{method} /acme/console{path}")
        assert answer.status_code < 500, f"{method} {path}"
    assert sides.kept() == before


def test_a_form_of_one_console_is_refused_by_the_other(sides: Sides) -> None:
    mine = sides.session.token("/absences")
    vera = visitor(sides.connector)
    assert vera.sign_in("vera").status_code == 303
    form = {"csrf_token": mine, "to": "zoe", "reason": "mine"}
    answer = vera.http.post("/console/absences", data=form)
    assert answer.status_code == 400
    assert "cannot be accepted" in answer.get_data(as_text=True)


def test_the_rest_api_gives_nothing_away(sides: Sides) -> None:
    app, before = create_api(sides.connector.application), sides.kept()
    http = sides.http
    for method, path in paths(app, sides.ids):
        body = {"comment": "mine"} if method == "POST" else None
        public = path in ("/", "/docs", "/openapi.json")
        for mount in ("/api/v1", "/acme/api/v1"):
            answer = http.open(
                mount + path, method=method, json=body, headers=bearer(sides.personal)
            )
            sides.require_no_leak(answer, f"{method} {mount}{path}")
            if mount == "/api/v1" and not public:
                assert answer.status_code == 401, f"{method} {path}"
            if mount == "/acme/api/v1" and sides.ids["item_id"] in path:
                assert answer.status_code in (404, 422), f"{method} {path} {answer.text}"
    assert sides.kept() == before


def test_a_secret_gets_a_token_of_its_own_customer_only(sides: Sides) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": "okta",
        "client_secret": sides.secret,
    }
    http = sides.http
    assert http.post("/oauth/token", data=form).status_code == 401
    granted = http.post("/acme/oauth/token", data=form)
    assert granted.status_code == 200
    token = granted.json["access_token"]
    assert http.get(f"/acme{BASE}/Users", headers=bearer(token)).status_code == 200
    assert http.get(f"{BASE}/Users", headers=bearer(token)).status_code == 401


def test_a_consent_link_is_answered_for_its_own_customer_only(sides: Sides) -> None:
    url = sides.connector.services.consent.link(Way.INDIVIDUAL)
    state = url.partition("state=")[2].partition("&")[0]
    answer = sides.connector.http.get(
        "/acme/consent/callback", query_string={"state": state, "code": "x"}
    )
    assert answer.status_code == 400
    assert "belongs to no link" in answer.get_data(as_text=True)


def test_every_application_is_walked(sides: Sides) -> None:
    """What is served beside SCIM, console and API: a new path here wants a test above."""
    main = cast(Flask, sides.connector.http.application)
    served = {rule.rule for rule in main.url_map.iter_rules()}
    assert served == {
        "/",  # leads to the console
        "/scim/v2",
        "/scim/v2/<scim_rest:rest>",
        "/<tenant>/scim/v2",
        "/<tenant>/scim/v2/<scim_rest:rest>",
        "/oauth/token",
        "/<tenant>/oauth/token",
        "/consent/callback",
        "/<tenant>/consent/callback",
        "/healthz",
        "/readyz",
        "/metrics",
    }
