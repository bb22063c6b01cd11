"""Tenants of the database: added, changed, suspended, removed, each with its audit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.domain.tenants.records import INSTALLATION, TenantState
from connector.errors import (
    ConfigError,
    ConflictingWriteError,
    InvalidRequestError,
    NotFoundError,
    UniquenessError,
)
from connector.services.context import Actor
from connector.services.tenants import catalogue as tenant_catalogue
from connector.services.tenants.administration import TenantService
from connector.settings import Secret
from tests.connector import Connector, connected
from tests.databases import new_sqlite

ACTOR = Actor("user:ann", "cli", "c1")
FREE = "00000000-0000-4000-8000-0000000000ac"


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tenant_catalogue, "LOOK_EVERY_S", 0.0)


@pytest.fixture
def connector(tmp_path: Path) -> Iterator[Connector]:
    database = new_sqlite(tmp_path / "connector.db")
    made = connected(replace(database, encryption_key=Secret("k" * 40)))
    made.application.require_bound_accounts()
    yield made
    made.close()


@pytest.fixture
def tenancy(connector: Connector) -> TenantService:
    return connector.application.tenancy


def document(account_id: str = FREE, **more: Any) -> dict[str, Any]:
    accounts = [{"account_id": account_id, "alias": "main"}]
    return {"user_id": "00000000-0000-4000-8000-0000000000ee", "accounts": accounts, **more}


def actions(connector: Connector, tenant: str) -> list[str]:
    with connector.application.store.read(tenant) as uow:
        return [event.action for event in uow.audit.events()]


def test_an_added_tenant_is_served_and_audited_twice(
    connector: Connector, tenancy: TenantService
) -> None:
    tenancy.add("acme", document(), ACTOR)
    assert connector.application.tenant("acme").settings.accounts[0].account_id == FREE
    assert actions(connector, INSTALLATION) == ["tenant.added"]
    assert actions(connector, "acme") == ["tenant.added"]
    event = tenancy.history("acme")[0]
    assert event.actor == "user:ann"
    assert event.data["accounts"] == [FREE]


def test_all_that_is_wrong_is_told_at_once(connector: Connector, tenancy: TenantService) -> None:
    taken = connector.application.settings.tenants["default"].accounts[0].account_id
    wrong = document(taken, jobs={"schedule": {"sink": {"every_s": 5}}})
    with pytest.raises(ConfigError) as caught:
        tenancy.add("acme", wrong, ACTOR)
    told = "\n".join(caught.value.problems)
    assert f"{taken} belongs to the tenant 'default', for life" in told
    assert "tenants.acme.jobs.schedule.sink: there is no such job" in told
    assert len(caught.value.problems) == 2
    with pytest.raises(NotFoundError):
        tenancy.get("acme")


def test_names_are_given_once(tenancy: TenantService) -> None:
    tenancy.add("acme", document(), ACTOR)
    with pytest.raises(UniquenessError):
        tenancy.add("acme", document(FREE.replace("ac", "ad")), ACTOR, adopt=True)
    with pytest.raises(UniquenessError):
        tenancy.add("default", document(FREE.replace("ac", "ad")), ACTOR, adopt=True)


def test_an_account_belongs_to_one_tenant_until_it_lets_go(
    connector: Connector, tenancy: TenantService
) -> None:
    tenancy.add("acme", document(), ACTOR)
    with pytest.raises(ConfigError, match="belongs to the tenant 'acme'"):
        tenancy.add("beta", document(), ACTOR)
    tenancy.change("acme", document(FREE.replace("ac", "ad")), ACTOR)
    tenancy.add("beta", document(), ACTOR)
    assert connector.application.tenant("beta").settings.accounts[0].account_id == FREE


def test_an_account_with_data_is_let_go_on_a_word_only(
    connector: Connector, tenancy: TenantService
) -> None:
    declared = connector.application.settings.tenants["default"]
    first, second = (item.account_id for item in declared.accounts[:2])
    # The tenant of the file moves into the database, with its data.
    given = document(first, user_id=declared.user_id, organization_id=declared.organization_id)
    given["accounts"] = [
        {"account_id": item.account_id, "alias": item.alias} for item in declared.accounts
    ]
    connector.application.settings.tenants.pop("default")  # type: ignore[attr-defined]
    with pytest.raises(InvalidRequestError, match="--adopt"):
        tenancy.add("default", given, ACTOR)
    tenancy.add("default", given, ACTOR, adopt=True)
    fewer = {**given, "accounts": [given["accounts"][0], *given["accounts"][2:]]}
    with pytest.raises(ConfigError, match=f"account {second}"):
        tenancy.change("default", fewer, ACTOR)
    tenancy.change("default", fewer, ACTOR, let_go=True)
    services = connector.application.tenant("default")
    assert services.bindings.forget_account(second, ACTOR) > 0
    tenancy.add("beta", document(second), ACTOR)


def test_a_change_names_what_differs_and_hides_secrets(
    connector: Connector, tenancy: TenantService
) -> None:
    channel = {"name": "hook", "kind": "webhook", "url": "https://example.com/hush"}
    tenancy.add("acme", document(notifications={"channels": [channel]}), ACTOR)
    shown = dict(tenancy.shown(tenancy.get("acme")))
    assert "hush" not in str(shown)
    shown["scim"] = {"max_page_size": 150}
    tenancy.change("acme", shown, ACTOR)
    settings = connector.application.tenant("acme").settings
    assert settings.scim.max_page_size == 150
    assert settings.notifications.channels[0].url == Secret("https://example.com/hush")
    event = tenancy.history("acme")[0]
    assert event.data["settings"] == ["scim.max_page_size"]
    assert event.data["values"] == {"scim.max_page_size": [None, 150]}
    with connector.application.store.read(INSTALLATION) as uow:
        assert "hush" not in str(uow.tenants.find("acme"))


def test_the_same_settings_again_change_nothing(tenancy: TenantService) -> None:
    before = tenancy.add("acme", document(), ACTOR)
    assert tenancy.change("acme", document(), ACTOR) == before
    assert [event.action for event in tenancy.history("acme")] == ["tenant.added"]


def test_two_people_do_not_overwrite_each_other(tenancy: TenantService) -> None:
    seen = tenancy.add("acme", document(), ACTOR)
    tenancy.change("acme", document(scim={"max_page_size": 150}), ACTOR, revision=seen.revision)
    with pytest.raises(InvalidRequestError, match="Somebody else changed"):
        tenancy.change("acme", document(use_organization=False), ACTOR, revision=seen.revision)


def test_suspended_and_resumed(connector: Connector, tenancy: TenantService) -> None:
    tenancy.add("acme", document(), ACTOR)
    tenancy.suspend("acme", "unpaid", ACTOR)
    entry = connector.application.catalogue.get("acme")
    assert (entry.state, entry.is_active) == (TenantState.SUSPENDED, False)
    assert tenancy.resume("acme", ACTOR).state is TenantState.ACTIVE
    assert actions(connector, "acme") == ["tenant.added", "tenant.suspended", "tenant.resumed"]
    with pytest.raises(NotFoundError, match="stands in the configuration file"):
        tenancy.suspend("default", "no", ACTOR)


def test_a_removed_tenant_leaves_the_end_of_its_chain(
    connector: Connector, tenancy: TenantService
) -> None:
    tenancy.add("acme", document(), ACTOR)
    connector.application.clients.add("acme", "iiq")
    head = connector.application.tenant("acme").audit.head()
    others = tenancy.holdings("default")
    tenancy.begin_removal("acme", ACTOR)
    removal = tenancy.finish_removal("acme", ACTOR)
    assert removal.head == head
    assert removal.counts["api_clients"] == 1
    assert tenancy.holdings("acme") == {}
    assert tenancy.holdings("default") == others
    event = tenancy.history("acme")[0]
    assert event.action == "tenant.removed"
    assert event.data["hash"] == head.hash
    tenancy.add("acme", document(), ACTOR)


def test_a_removal_waits_for_what_is_under_way_and_goes_on_when_asked_again(
    connector: Connector, tenancy: TenantService
) -> None:
    tenancy.add("acme", document(), ACTOR)
    now = connector.clock.now()
    with connector.application.store.write("acme") as uow:
        uow.locks.acquire(["sync"], "other", now.replace(year=now.year + 1), now)
        uow.commit()
    with pytest.raises(ConflictingWriteError, match="still under way"):
        tenancy.begin_removal("acme", ACTOR)
    assert connector.application.catalogue.get("acme").state is TenantState.REMOVING
    with pytest.raises(InvalidRequestError, match="being removed"):
        tenancy.resume("acme", ACTOR)
    with connector.application.store.write("acme") as uow:
        uow.locks.release_owner("other")
        uow.commit()
    tenancy.begin_removal("acme", ACTOR)
    tenancy.finish_removal("acme", ACTOR)
    assert connector.application.catalogue.find("acme") is None


def test_a_tenant_of_the_file_is_not_removed(tenancy: TenantService) -> None:
    with pytest.raises(InvalidRequestError, match="stands in the configuration file"):
        tenancy.begin_removal("default", ACTOR)
    with pytest.raises(NotFoundError, match="neither"):
        tenancy.begin_removal("nobody", ACTOR)


def test_a_forgotten_tenant_keeps_its_data(connector: Connector, tenancy: TenantService) -> None:
    tenancy.add("acme", document(), ACTOR)
    connector.application.clients.add("acme", "iiq")
    tenancy.forget("acme", ACTOR)
    assert connector.application.catalogue.find("acme") is None
    assert tenancy.holdings("acme")["api_clients"] == 1
    with pytest.raises(ConfigError, match="belongs to the tenant 'acme'"):
        tenancy.add("beta", document(), ACTOR)
    tenancy.add("acme", document(), ACTOR, adopt=True)


def test_secrets_are_sealed_anew(connector: Connector, tenancy: TenantService) -> None:
    channel = {"name": "hook", "kind": "webhook", "url": "https://example.com/hush"}
    tenancy.add("acme", document(notifications={"channels": [channel]}), ACTOR)
    tenancy.add("plain", document(FREE.replace("ac", "ad")), ACTOR)
    before = tenancy.get("acme").document
    assert tenancy.reseal(ACTOR) == 1
    assert tenancy.get("acme").document != before
    channels = connector.application.tenant("acme").settings.notifications.channels
    assert channels[0].url == Secret("https://example.com/hush")
