"""Settings of tenants in the database: the file's own rules, and secrets that nobody reads."""

from __future__ import annotations

from typing import Any

import pytest

from connector.config.tenants import StoredTenants
from connector.errors import ConfigError, PermanentError
from connector.sealing import Sealer
from connector.settings import Secret

KEY = Secret("a" * 40)
OTHER = Secret("b" * 40)
ACCOUNT = "00000000-0000-4000-8000-0000000000ac"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "user_id": "00000000-0000-4000-8000-0000000000ee",
        "accounts": [{"account_id": ACCOUNT}],
        **changes,
    }


def hook(**changes: str) -> dict[str, Any]:
    channel = {"name": "n", "kind": "webhook", "url": "https://example.com/x${Y", **changes}
    return document(notifications={"channels": [channel]})


def test_a_document_means_what_it_means_in_the_file() -> None:
    settings = StoredTenants(Sealer([])).read("acme", document(scim={"max_page_size": 150}))
    assert settings.name == "acme"
    assert settings.accounts[0].account_id == ACCOUNT
    assert settings.scim.max_page_size == 150


def test_every_problem_is_told_at_once_by_the_rules_of_the_file() -> None:
    wrong = {
        "user_id": "nobody",
        "accounts": [],
        "default_account": "x",
        "scimm": {},
        "scim": {"max_page_size": 10, "default_page_size": 20},
        "audit": {"anchor_file": "/etc/passwd"},
        "organization_id": "${HOME}",
        "notifications": {"smtp": {"password_file": "/etc/shadow"}},
    }
    with pytest.raises(ConfigError) as caught:
        StoredTenants(Sealer([]), {"HOME": "/root"}).read("Acme", wrong)
    told = {problem.split(": ")[0] for problem in caught.value.problems}
    assert told == {
        "tenants.Acme",
        "tenants.Acme.user_id",
        "tenants.Acme.accounts",
        "tenants.Acme.default_account",
        "tenants.Acme.scimm",
        "tenants.Acme.scim.default_page_size",
        "tenants.Acme.audit.anchor_file",
        "tenants.Acme.organization_id",
        "tenants.Acme.notifications.smtp.password_file",
    }


def test_an_account_stands_once_in_a_tenant() -> None:
    twice = document(accounts=[{"account_id": ACCOUNT}, {"account_id": ACCOUNT}])
    with pytest.raises(ConfigError) as caught:
        StoredTenants(Sealer([])).read("acme", twice)
    (told,) = caught.value.problems
    assert told == (
        f"tenants.acme.accounts[1]: is account {ACCOUNT}, which stands at "
        "tenants.acme.accounts[0] already"
    )


def test_secrets_are_sealed_and_read_back() -> None:
    tenants = StoredTenants(Sealer([KEY]))
    sealed = tenants.sealed("acme", hook(secret="hush"))
    assert "hush" not in str(sealed)
    assert "example.com" not in str(sealed)
    channel = tenants.read("acme", sealed).notifications.channels[0]
    assert channel.secret == Secret("hush")
    assert channel.url == Secret("https://example.com/x${Y")
    assert tenants.sealed("acme", sealed) == sealed


def test_a_reference_to_the_environment_is_kept_as_it_is() -> None:
    tenants = StoredTenants(Sealer([]), {"TENANT_HOOK": "https://example.com/h"})
    given = hook(url="${TENANT_HOOK}")
    assert tenants.sealed("acme", given) == given
    channel = tenants.read("acme", given).notifications.channels[0]
    assert channel.url == Secret("https://example.com/h")


def test_without_a_key_no_secret_is_taken() -> None:
    with pytest.raises(ConfigError) as caught:
        StoredTenants(Sealer([])).sealed("acme", hook(secret="hush"))
    places = [problem.split(": ")[0] for problem in caught.value.problems]
    assert places == [
        "tenants.acme.notifications.channels[0].url",
        "tenants.acme.notifications.channels[0].secret",
    ]


def test_a_rotated_key_still_opens_and_a_lost_one_says_so() -> None:
    sealed = StoredTenants(Sealer([KEY])).sealed("acme", hook())
    rotated = StoredTenants(Sealer([OTHER, KEY])).read("acme", sealed)
    assert rotated.notifications.channels[0].url == Secret("https://example.com/x${Y")
    with pytest.raises(ConfigError, match="sealed with another key"):
        StoredTenants(Sealer([OTHER])).read("acme", sealed)
    with pytest.raises(ConfigError, match=r"set database\.encryption_key"):
        StoredTenants(Sealer([None])).read("acme", sealed)


def test_what_is_shown_masks_secrets_and_comes_back_whole() -> None:
    tenants = StoredTenants(Sealer([KEY]))
    kept = tenants.sealed("acme", hook(secret="${TENANT_S}"))
    shown = tenants.masked(kept)
    channel = shown["notifications"]["channels"][0]
    assert channel["url"] == "********"
    assert channel["secret"] == "${TENANT_S}"
    assert tenants.unmasked(shown, kept) == kept


def hooks(*channels: dict[str, str]) -> dict[str, Any]:
    return document(notifications={"channels": [{"kind": "webhook", **one} for one in channels]})


def channels_of(found: Any) -> list[Any]:
    return list(found["notifications"]["channels"])


def test_a_masked_secret_goes_with_its_channel_and_not_with_its_place() -> None:
    tenants = StoredTenants(Sealer([KEY]))
    one = {"name": "one", "url": "https://one.example/x", "authorization": "for one"}
    two = {"name": "two", "url": "https://two.example/x", "authorization": "for two"}
    kept = tenants.sealed("acme", hooks(one, two))
    shown = tenants.masked(kept)
    shown["notifications"]["channels"].reverse()
    assert channels_of(tenants.unmasked(shown, kept)) == channels_of(kept)[::-1]
    del shown["notifications"]["channels"][1]
    (left,) = tenants.read("acme", tenants.unmasked(shown, kept)).notifications.channels
    assert (left.name, left.authorization) == ("two", Secret("for two"))


@pytest.mark.parametrize("changed", [{"url": "https://elsewhere.example/x"}, {"name": "new"}])
def test_a_masked_secret_is_not_sent_to_another_address(changed: dict[str, str]) -> None:
    tenants = StoredTenants(Sealer([KEY]))
    kept = tenants.sealed("acme", hook(authorization="Bearer hush"))
    shown = tenants.masked(kept)
    shown["notifications"]["channels"][0].update(changed)
    with pytest.raises(ConfigError, match=r"channels\[0\]\.authorization.*give the secret itself"):
        tenants.sealed("acme", tenants.unmasked(shown, kept))


def test_a_masked_password_is_not_sent_to_another_mail_server() -> None:
    tenants = StoredTenants(Sealer([KEY]))
    smtp = {"host": "mail.example", "user": "u", "password": "hush"}
    kept = tenants.sealed("acme", document(notifications={"smtp": smtp}))
    shown = tenants.masked(kept)
    assert tenants.unmasked(shown, kept) == kept
    shown["notifications"]["smtp"]["host"] = "elsewhere.example"
    with pytest.raises(ConfigError, match=r"smtp\.password.*give the secret itself"):
        tenants.sealed("acme", tenants.unmasked(shown, kept))


def test_a_sealer_without_keys_seals_nothing() -> None:
    with pytest.raises(PermanentError, match="encryption_key"):
        Sealer([]).seal("x")
