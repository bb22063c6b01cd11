"""A program at the REST API, with the personal token of an account made for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.test import Client, TestResponse

from connector.domain.authentication.console import ConsoleRole
from tests.connector import Connector
from tests.visitors import ROOT, add_account

BASE = "/api/v1"
PROBLEM = "application/problem+json"


@dataclass
class Program:
    """Sends requests as somebody; no cookies."""

    http: Client
    token: str
    base: str = BASE

    def send(
        self, method: str, path: str, body: Any = None, *, headers: Any = (), **query: Any
    ) -> TestResponse:
        sent = dict(headers)
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        return self.http.open(
            self.base + path,
            method=method,
            json=body,
            headers=sent,
            query_string=query,
            environ_base={"REMOTE_ADDR": "192.0.2.7"},
        )

    def get(self, path: str, **query: Any) -> TestResponse:
        return self.send("GET", path, **query)

    def post(self, path: str, body: Any = None, **headers: str) -> TestResponse:
        """Send a request; keyword arguments are headers, ``if_match`` for ``If-Match``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", path, {} if body is None else body, headers=named)

    def read(self, path: str, **query: Any) -> Any:
        """Return what there is to read."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.json

    def walk(self, path: str, **query: Any) -> list[Any]:
        """Return the items of every page."""
        found: list[Any] = []
        cursor = ""
        while True:
            page = self.read(path, **query, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page["next_cursor"]
            if not cursor:
                return found


def stranger(connector: Connector, token: str = "", base: str = BASE) -> Program:
    """Return somebody with a token of their own making, or none."""
    return Program(Client(connector.http.application, use_cookies=False), token, base)


def program(connector: Connector, *roles: str, login: str = "robot") -> Program:
    """Return a program with an account of these roles."""
    add_account(connector, login, *roles)
    _, token = connector.application.personal_tokens.add("default", login, "tests", ROOT)
    return stranger(connector, token)


def problem(answer: TestResponse, status: int, name: str = "") -> str:
    """Return the detail of a problem that has this status and name."""
    body = answer.json
    assert answer.status_code == status, body
    assert answer.content_type == PROBLEM
    assert body["status"] == status and body["title"] and body["request_id"]
    expected = f"urn:docusign-iga:problem:{name}" if name else "about:blank"
    assert body["type"] == expected, body
    return str(body.get("detail", ""))


def token_for(connector: Connector, login: str, *roles: str, days: int = 30) -> str:
    """Return a further token of an account, with these of its roles."""
    return connector.application.personal_tokens.add(
        "default", login, "more", ROOT, roles=map(ConsoleRole, roles), days=days
    )[1]
