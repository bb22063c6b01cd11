"""Customers over the REST API, for the operator's administrators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.services.tenants import catalogue as tenant_catalogue
from connector.settings import ConsoleSettings
from tests.connector import Connector, connected
from tests.programs import problem, program

SETTINGS = {
    "user_id": "00000000-0000-4000-8000-0000000000ee",
    "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000ac", "alias": "main"}],
}


@pytest.fixture
def operated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    monkeypatch.setattr(tenant_catalogue, "LOOK_EVERY_S", 0.0)
    made = connected(tmp_path / "c.db")
    settings = made.application.settings
    console = ConsoleSettings(operator_tenant="default")
    made.application.settings = replace(settings, console=console)
    yield made
    made.close()


def test_a_customer_is_added_changed_and_suspended(operated: Connector) -> None:
    robot = program(operated, "administrator")
    added = robot.post("/tenants", {"name": "acme", "settings": SETTINGS})
    assert added.status_code == 201, added.text
    assert added.json["settings"] == SETTINGS
    shown = robot.get("/tenants/acme")
    etag = shown.headers["ETag"]
    more = {**SETTINGS, "scim": {"max_page_size": 150}}
    done = robot.post("/tenants/acme/settings", {"settings": more}, if_match=etag)
    assert done.status_code == 200, done.text
    assert operated.application.tenant("acme").settings.scim.max_page_size == 150
    late = robot.post("/tenants/acme/settings", {"settings": SETTINGS}, if_match=etag)
    problem(late, 412, "changed-meanwhile")
    assert robot.post("/tenants/acme/suspend", {"reason": "unpaid"}).json["state"] == "suspended"
    listed = robot.read("/tenants")["items"]
    assert [(one["name"], one["verdict"]) for one in listed] == [
        ("acme", "suspended"),
        ("default", "good"),
    ]
    assert robot.post("/tenants/acme/resume").json["state"] == "active"


def test_all_that_is_wrong_is_told(operated: Connector) -> None:
    robot = program(operated, "administrator")
    wrong = robot.post("/tenants", {"name": "acme", "settings": {"user_id": "x", "accounts": []}})
    problem(wrong, 422, "invalid")
    assert "tenants.acme.user_id" in wrong.json["detail"]
    assert "tenants.acme.accounts" in wrong.json["detail"]


def test_nobody_else_finds_anything(operated: Connector) -> None:
    problem(program(operated, "operator").get("/tenants"), 403, "forbidden")
    settings = operated.application.settings
    operated.application.settings = replace(settings, console=ConsoleSettings())
    problem(program(operated, "administrator", login="boss").get("/tenants"), 404, "not-found")
