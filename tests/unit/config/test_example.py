"""config.example.yaml loads, shows every setting, and shows its default."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
import yaml

from connector.config import load_settings
from connector.config.placeholders import PLACEHOLDERS
from connector.errors import ConfigError
from connector.settings import Secret, Settings, TenantSettings

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
REQUIRED = {"integration_key", "private_key", "user_id", "accounts"}


KEY = {"DOCUSIGN_INTEGRATION_KEY": "00000000-0000-4000-8000-00000000000f"}


def copied(tmp_path, pem, text):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "docusign-private-key.pem").write_text(pem)
    (tmp_path / "config.yaml").write_text(text)
    return tmp_path / "config.yaml"


def test_the_example_loads_once_its_ids_are_filled_in(tmp_path, pem):
    text = EXAMPLE.read_text()
    for number, placeholder in enumerate(sorted(PLACEHOLDERS)):
        assert text.count(placeholder) == 1
        text = text.replace(placeholder, f"00000000-0000-4000-8000-00000000000{number}")
    settings = load_settings(copied(tmp_path, pem, text), KEY)
    assert differences(Settings(), settings) <= REQUIRED | {"tenants"}
    assert differences(TenantSettings(), settings.tenants["default"]) <= REQUIRED


def test_the_ids_of_the_example_are_nobodys(tmp_path, pem):
    with pytest.raises(ConfigError) as caught:
        load_settings(copied(tmp_path, pem, EXAMPLE.read_text()), KEY)
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "tenants.default.accounts[0].account_id",
        "tenants.default.user_id",
    ]
    assert all("placeholder" in problem for problem in caught.value.problems)


def differences(default, loaded):
    """Return the names of all settings that differ, at any depth."""
    names = set()
    for item in fields(default):
        ours, theirs = getattr(default, item.name), getattr(loaded, item.name)
        if is_dataclass(ours):
            names |= differences(ours, theirs)
        elif ours != theirs:
            names.add(item.name)
    return names


def missing(kind, shown, text):
    """Yield the settings of a dataclass that the example neither sets nor mentions."""
    for item in fields(kind):
        value = item.default
        if isinstance(item.default_factory, type):
            value = item.default_factory()
        if is_dataclass(value):
            yield from missing(type(value), shown.get(item.name, {}), text)
        elif item.name not in shown and f"# {item.name}:" not in text:
            yield f"{kind.__name__}.{item.name}"


def test_every_setting_is_shown():
    text = EXAMPLE.read_text()
    shown = yaml.safe_load(text)
    tenant = shown["tenants"]["default"]
    account = tenant["accounts"][0]
    assert list(missing(Settings, shown, text)) == []
    assert list(missing(TenantSettings, {"name": "", **tenant}, text)) == []
    assert list(account) == ["account_id", "alias", "baseline_profile"]


def test_a_secret_never_shows_itself():
    assert "hush" not in repr(Secret("hush")) + str(Secret("hush"))
