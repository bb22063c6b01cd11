"""``docusign-iga client``: who may call, with what, and for how long."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from connector.cli.context import CommandContext
from connector.clock import SystemClock
from connector.config.tenants import StoredTenants
from connector.domain.authentication.api_clients import Method
from connector.sealing import Sealer
from connector.services.authentication.api_clients import ApiClientService, InvalidTokenError
from connector.services.tenants.catalogue import TenantCatalogue
from connector.settings import TenantSettings


@pytest.fixture
def clients(monkeypatch, sqlite_store):
    clock = SystemClock()
    service = ApiClientService(sqlite_store, clock)
    catalogue = TenantCatalogue(
        sqlite_store, {"default": TenantSettings()}, StoredTenants(Sealer([]))
    )
    application = SimpleNamespace(clients=service, clock=clock, catalogue=catalogue)
    monkeypatch.setattr(CommandContext, "application", application)
    return service


def test_a_token_is_shown_once(run, clients):
    token = json.loads(run("client", "add", "iiq", "--json").stdout)["token"]
    assert clients.authenticate("default", token).client_id == "iiq"
    assert token not in run("client", "list").output


def test_clients_are_listed_with_their_tokens(run, clients):
    run("client", "add", "auditor", "--read-only", "--expires", "90d")
    run("client", "add", "iiq")
    run("client", "rotate", "iiq", "--grace", "2h")
    found = json.loads(run("client", "list", "--json").stdout)
    assert [(each["client"], each["scopes"]) for each in found] == [
        ("auditor", ["read"]),
        ("iiq", ["read", "write"]),
    ]
    assert [token["state"] for token in found[1]["tokens"]] == ["valid", "valid"]
    assert found[0]["last_write_at"] is None
    shown = run("client", "list").stdout
    assert "valid until" in shown
    assert "reads only" in shown, "a client that never writes does not look dead"
    assert "never" in shown
    assert "token: valid until revoked" in shown


def test_the_list_shows_dialects_and_when_an_access_token_was_fetched(run, clients):
    run("client", "add", "okta", "--method", "oauth", "--read-only", "--dialect", "okta")
    assert "access token" not in run("client", "list").stdout
    [(okta, [secret])] = clients.list("default")
    key = replace(secret, token_id="t2", token_hash="h2", method=Method.ACCESS_TOKEN)
    with clients._store.write("default") as uow:
        uow.clients.add_token(key)
        uow.commit()
    shown = run("client", "list").stdout
    assert re.search(r"okta +│ +okta ", shown)
    assert f"last access token {key.created_at:%Y-%m-%d %H:%M}" in shown
    [listed] = json.loads(run("client", "list", "--json").stdout)
    assert listed["last_access_token_at"].startswith(f"{key.created_at:%Y-%m-%dT%H:%M}")
    assert okta.settings == listed["settings"]


def test_habits_of_a_client_are_kept(run, clients):
    run("client", "add", "entra", "--set", "check_body_version=true")
    [(client, _)] = clients.list("default")
    assert client.settings == {"check_body_version": True}


def test_a_client_gets_a_secret_and_scopes(run, clients):
    arguments = ["--method", "oauth", "--scope", "read", "--scope", "write:users", "--json"]
    added = json.loads(run("client", "add", "okta", *arguments).stdout)
    rotated = json.loads(run("client", "rotate", "okta", "--json").stdout)
    for secret in (added["secret"], rotated["secret"]):
        client = clients.authenticate_secret("default", Method.OAUTH, "okta", secret)
        assert client.scopes == {"read", "write:users"}
    assert "oauth: valid until" in run("client", "list").stdout


def test_a_client_may_be_known_by_what_others_gave_it(run, clients):
    first, second = "ab" * 32, "cd" * 32
    arguments = ["--method", "mtls", "--fingerprint", ":".join(["AB"] * 32), "--json"]
    added = json.loads(run("client", "add", "midpoint", *arguments).stdout)
    assert added == {"client": "midpoint", "method": "mtls", "bound_to": first}
    run("client", "rotate", "midpoint", "--fingerprint", second)
    for fingerprint in (first, second):
        found = clients.authenticate_bound("default", Method.MTLS, fingerprint)
        assert found.client_id == "midpoint"
    shown = run("client", "add", "entra", "--method", "jwt", "--subject", "app").stdout
    assert "entra is now known by app." in shown
    assert clients.authenticate_bound("default", Method.JWT, "app").client_id == "entra"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--method", "jwt"], 1),
        (["--method", "mtls", "--fingerprint", "ab"], 1),
        (["--method", "mtls", "--subject", "app"], 2),
        (["--subject", "app"], 2),
    ],
)
def test_a_client_is_known_by_what_goes_with_its_method(run, clients, arguments, status):
    assert run("client", "add", "x", *arguments).exit_code == status


def test_a_revoked_client_is_out(run, clients):
    token = json.loads(run("client", "add", "iiq", "--json").stdout)["token"]
    assert run("client", "revoke", "iiq").exit_code == 0
    with pytest.raises(InvalidTokenError):
        clients.authenticate("default", token)
    assert "revoked" in run("client", "list").stdout


def test_refusals_are_messages(run, clients):
    assert "There is no tenant 'other'" in run("client", "list", "--tenant", "other").stderr
    unknown = run("client", "revoke", "nobody")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert run("client", "add", "x", "--expires", "soon").exit_code == 2


def test_a_client_is_added_to_the_configured_database(run):
    added = run("client", "add", "iiq")
    assert added.exit_code == 0, added.output
    assert json.loads(run("client", "list", "--json").stdout)[0]["client"] == "iiq"


def test_a_client_is_given_a_dialect_and_single_settings(run):
    run("db", "upgrade")
    assert run("client", "add", "okta", "--dialect", "okta").exit_code == 0
    changed = run("client", "set", "okta", "unknown_members=strict", "check_body_version=true")
    assert changed.exit_code == 0, changed.output
    (shown,) = json.loads(run("client", "list", "--json").stdout)
    assert shown["settings"] == {
        "dialect": "okta",
        "unknown_members": "strict",
        "check_body_version": True,
    }


def test_a_setting_that_is_none_is_named(run):
    run("client", "add", "okta")
    for arguments in (("set", "okta", "put=merge"), ("add", "new", "--set", "dialect=octa")):
        result = run("client", *arguments)
        assert result.exit_code == 1
        assert "put: no such setting" in result.output or "dialect: one of" in result.output
