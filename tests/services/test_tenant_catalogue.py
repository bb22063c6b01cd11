"""Which tenants there are, and that every process follows a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from connector.domain.authentication.api_clients import Method
from connector.domain.tenants.records import INSTALLATION, TenantRecord, TenantSource, TenantState
from connector.errors import ConfigError, NotFoundError, TemporaryError
from connector.services.tenants import catalogue as tenant_catalogue
from connector.settings import TenantSettings
from tests.connector import Connector, connected, ok, refused

ACCOUNT = "00000000-0000-4000-8000-0000000000ac"
DOCUMENT = {
    "user_id": "00000000-0000-4000-8000-0000000000ee",
    "accounts": [{"account_id": ACCOUNT, "alias": "main"}],
}


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_catalogue, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    made = connected(tmp_path / "connector.db")
    yield made
    made.close()


def put(
    connector: Connector,
    name: str = "acme",
    state: TenantState = TenantState.ACTIVE,
    **document: Any,
) -> None:
    """Write a tenant as another process would."""
    now = connector.clock.now()
    with connector.application.store.write(INSTALLATION) as uow:
        revision = uow.tenants.count_change()
        uow.tenants.put(
            TenantRecord(
                name, state, {**DOCUMENT, **document}, revision, now, "ann", now, "ann", "unpaid"
            )
        )
        uow.commit()


def test_a_tenant_of_the_database_appears_without_a_restart(connector: Connector) -> None:
    with pytest.raises(NotFoundError, match=r"no tenant 'acme'\. Tenants: default"):
        connector.application.tenant("acme")
    put(connector)
    services = connector.application.tenant("acme")
    assert services.settings.name == "acme"
    assert services.settings.accounts[0].alias == "main"
    assert [entry.name for entry in connector.application.catalogue.entries()] == [
        "acme",
        "default",
    ]
    sources = [entry.source for entry in connector.application.catalogue.entries()]
    assert sources == [TenantSource.DATABASE, TenantSource.FILE]


def test_changed_settings_hold_for_the_next_request_only(connector: Connector) -> None:
    put(connector, scim={"max_page_size": 100})
    application = connector.application
    with application.request():
        before = application.tenant("acme")
        put(connector, scim={"max_page_size": 150})
        assert application.tenant("acme") is before
        assert application.tenant("acme").settings.scim.max_page_size == 100
    assert application.tenant("acme").settings.scim.max_page_size == 150


def test_unchanged_tenants_keep_their_services(connector: Connector) -> None:
    put(connector)
    before = connector.application.tenant("acme")
    put(connector, "other", accounts=[{"account_id": ACCOUNT.replace("ac", "ad")}])
    assert connector.application.tenant("acme") is before


def test_each_tenant_has_its_own_page_size(connector: Connector) -> None:
    put(connector, scim={"max_page_size": 120, "default_page_size": 120, "announce_async": True})
    found = ok(connector.http.get("/acme/scim/v2/ServiceProviderConfig"))
    assert found["filter"]["maxResults"] == 120
    assert "securityEvents" in found
    default = ok(connector.http.get("/scim/v2/ServiceProviderConfig"))
    assert default["filter"]["maxResults"] == 200
    assert "securityEvents" not in default


def test_a_suspended_tenant_is_told_so_and_keeps_its_data(connector: Connector) -> None:
    put(connector)
    _, token = connector.application.clients.add("acme", "iga")
    headers = {"Authorization": f"Bearer {token}"}
    assert connector.http.get("/acme/scim/v2/Users", headers=headers).status_code == 200
    put(connector, state=TenantState.SUSPENDED)
    answer = connector.http.get("/acme/scim/v2/Users", headers=headers)
    told = refused(answer, 403)
    assert "suspended" in told
    assert "unpaid" not in told
    assert connector.http.get("/acme/scim/v2/ServiceProviderConfig").status_code == 403
    assert connector.http.get("/acme/scim/v2/Users").status_code == 401
    page = connector.http.get("/acme/console/sign-in")
    assert page.status_code == 403
    assert "suspended" in page.text
    assert [one.settings.name for one in connector.application.tenants()] == ["default"]
    assert [client.client_id for client, _ in connector.application.clients.list("acme")] == ["iga"]
    put(connector)
    assert connector.http.get("/acme/scim/v2/Users", headers=headers).status_code == 200


def test_no_token_is_given_out_for_a_suspended_tenant(connector: Connector) -> None:
    put(connector)
    _, secret = connector.application.clients.add("acme", "okta", method=Method.OAUTH)
    form = {
        "grant_type": "client_credentials",
        "client_id": "okta",
        "client_secret": secret,
    }
    assert connector.http.post("/acme/oauth/token", data=form).status_code == 200
    put(connector, state=TenantState.SUSPENDED)
    answer = connector.http.post("/acme/oauth/token", data=form)
    assert answer.status_code == 403
    assert answer.json["error"] == "unauthorized_client"


def test_a_tenant_that_cannot_be_read_here_leaves_the_others_alone(connector: Connector) -> None:
    put(connector, "broken", user_id="${TENANT_NOBODY_SET_THIS}")
    put(connector, "good", accounts=[{"account_id": ACCOUNT.replace("ac", "ad")}])
    with pytest.raises(ConfigError) as caught:
        connector.application.tenant("broken")
    assert "tenants.broken.user_id: the environment variable TENANT_NOBODY" in str(
        caught.value.problems
    )
    names = [one.settings.name for one in connector.application.tenants()]
    assert names == ["default", "good"]


def test_a_tenant_in_file_and_database_is_refused_at_start(connector: Connector) -> None:
    put(connector, "default")
    connector.application.catalogue.look()
    with pytest.raises(ConfigError) as caught:
        connector.application.require_bound_accounts()
    assert caught.value.problems[0].startswith("tenants.default: is kept in the database too")
    assert connector.application.tenant("default").settings.user_id != DOCUMENT["user_id"]


def test_a_removed_tenant_is_gone_at_once(connector: Connector) -> None:
    put(connector)
    assert connector.application.tenant("acme")
    with connector.application.store.write(INSTALLATION) as uow:
        uow.tenants.remove("acme")
        uow.tenants.count_change()
        uow.commit()
    with pytest.raises(NotFoundError):
        connector.application.tenant("acme")
    assert connector.http.get("/acme/scim/v2/ServiceProviderConfig").status_code == 404


def test_a_database_that_cannot_be_asked_leaves_what_is_known(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connector)
    before = connector.application.tenant("acme")

    def fail(*_: object, **__: object) -> None:
        raise TemporaryError("The database is away.", retry_after_s=1.0)

    monkeypatch.setattr(connector.application.store, "read", fail)
    assert connector.application.tenant("acme") is before


def test_file_settings_are_taken_as_they_are(connector: Connector) -> None:
    declared = cast(dict[str, TenantSettings], connector.application.settings.tenants)
    other = replace(declared["default"], name="beta")
    declared["beta"] = other
    settings = connector.application.tenant("beta").settings
    assert (settings.name, settings.accounts) == ("beta", other.accounts)
