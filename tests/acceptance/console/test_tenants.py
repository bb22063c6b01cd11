"""Customers in the console of the installation's operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.services.tenants import catalogue as tenant_catalogue
from connector.settings import ConsoleSettings, Secret
from tests.connector import Connector, connected
from tests.databases import new_sqlite
from tests.visitors import Visitor, add_account, signed_in, visitor

USER = "00000000-0000-4000-8000-0000000000ee"
ACCOUNT = "00000000-0000-4000-8000-0000000000ac"
FORM = {"name": "acme", "user_id": USER, "accounts": f"{ACCOUNT} main"}


@pytest.fixture
def connector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connector]:
    monkeypatch.setattr(tenant_catalogue, "LOOK_EVERY_S", 0.0)
    database = replace(new_sqlite(tmp_path / "c.db"), encryption_key=Secret("k" * 40))
    made = connected(database)
    settings = made.application.settings
    made.application.settings = replace(
        settings, console=ConsoleSettings(operator_tenant="default")
    )
    yield made
    made.close()


@pytest.fixture
def ann(connector: Connector) -> Visitor:
    return signed_in(connector, "administrator")


def test_a_customer_is_added_changed_suspended_and_resumed(
    connector: Connector, ann: Visitor
) -> None:
    assert ">Customers</a>" in ann.get("/").text
    more = "notifications:\n  channels: [{name: h, kind: webhook, url: 'https://x.example/hush'}]\n"
    form = {**FORM, "group_approver": "Legal, Risk", "share_pct": "50", "more": more}
    added = ann.post("/tenants/new", page="/tenants/new", **form)
    assert added.status_code == 303, added.text
    settings = connector.application.tenant("acme").settings
    assert settings.accounts[0].alias == "main"
    assert settings.console_groups.approver == ("Legal", "Risk")
    assert settings.budget.share_pct == 50
    page = ann.get("/tenants/tenant/acme").text
    assert "hush" not in page
    assert "consent url --tenant acme" in page
    revision = str(connector.application.catalogue.get("acme").revision)
    text = f"user_id: {USER}\naccounts: [{{account_id: {ACCOUNT}}}]\nscim: {{max_page_size: 150}}\n"
    here = "/tenants/tenant/acme"
    assert ann.post(here, page=here, settings=text, revision=revision).status_code == 303
    assert connector.application.tenant("acme").settings.scim.max_page_size == 150
    stale = ann.post(here, page=here, settings=text + "leavers: []\n", revision=revision)
    assert stale.status_code == 303
    assert "Somebody else changed" in ann.get(here).text
    assert ann.post(f"{here}/suspend", page=here, reason="unpaid").status_code == 303
    assert not connector.application.catalogue.get("acme").is_active
    assert "unpaid" in ann.get("/tenants").text
    assert ann.post(f"{here}/resume", page=here).status_code == 303
    assert connector.application.catalogue.get("acme").is_active
    actors = {event.actor for event in connector.application.tenancy.history("acme")}
    assert actors == {"user:ann"}


def test_all_that_is_wrong_is_told_and_what_was_typed_is_kept(
    connector: Connector, ann: Visitor
) -> None:
    wrong = {**FORM, "user_id": "nobody", "accounts": "x y", "more": "scimm: 1\n"}
    page = ann.post("/tenants/new", page="/tenants/new", **wrong)
    assert page.status_code == 422
    for told in ("tenants.acme.user_id", "accounts[0].account_id", "tenants.acme.scimm"):
        assert told in page.text
    assert 'value="nobody"' in page.text
    assert connector.application.catalogue.find("acme") is None


def test_nobody_but_the_operator_s_administrators_finds_the_pages(
    connector: Connector, ann: Visitor
) -> None:
    ann.post("/tenants/new", page="/tenants/new", **FORM)
    add_account(connector, "zoe", "administrator", tenant="acme")
    zoe = visitor(connector, "/acme/console")
    assert zoe.sign_in("zoe").status_code == 303
    ops = signed_in(connector, "operator", "approver", login="ops")
    kept = "for this tenant is kept in the database"
    assert kept in zoe.get("/settings").text and kept not in ann.get("/settings").text
    for who in (zoe, ops):
        assert "Customers" not in who.get("/").text
        for path in ("/tenants", "/tenants/new", "/tenants/tenant/acme"):
            assert who.get(path).status_code == 404
        posted = who.post("/tenants/tenant/acme/suspend", page="/absences", reason="mine")
        assert posted.status_code == 404
    assert connector.application.catalogue.get("acme").is_active


def test_the_broken_ones_come_first_and_say_why(connector: Connector, ann: Visitor) -> None:
    ann.post("/tenants/new", page="/tenants/new", **FORM)
    standings = connector.application.overview()
    assert [(one.name, str(one.verdict)) for one in standings] == [
        ("acme", "bad"),
        ("default", "good"),
    ]
    page = ann.get("/tenants").text
    assert page.index("/tenants/tenant/acme") < page.index("/tenants/tenant/default")
    assert "Nothing was read from DocuSign yet. Run `docusign-iga sync --tenant acme`." in page
    assert "configuration file" in ann.get("/tenants/tenant/default").text
