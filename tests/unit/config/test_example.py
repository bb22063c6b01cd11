"""config.example.yaml loads, shows every setting, and shows its default."""

from dataclasses import fields, is_dataclass
from pathlib import Path

import yaml

from connector.config import load_settings
from connector.settings import Secret, Settings, TenantSettings

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
REQUIRED = {"integration_key", "private_key", "user_id", "accounts"}


def test_the_example_loads(tmp_path, pem):
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "docusign-private-key.pem").write_text(pem)
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text())
    key = {"DOCUSIGN_INTEGRATION_KEY": "00000000-0000-4000-8000-00000000000f"}
    settings = load_settings(tmp_path / "config.yaml", key)
    assert differences(Settings(), settings) <= REQUIRED | {"tenants"}
    assert differences(TenantSettings(), settings.tenants["default"]) <= REQUIRED


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
