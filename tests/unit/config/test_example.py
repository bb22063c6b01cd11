"""config.example.yaml loads, shows every setting, and shows its default."""

import re
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


def explained(text):
    """Return the path of each setting in the example, with its value and what is said above it:
    above itself, above the one before where nothing stands between, and above its section."""
    found, comment, lines = {}, "", text.splitlines()
    sections: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines):
        indent, content = len(line) - len(line.lstrip()), line.strip()
        if content.startswith("#"):
            before = lines[number - 1].strip()
            comment = f"{comment} {content}" if before.startswith("#") else content
            continue
        name, colon, value = content.removeprefix("- ").partition(":")
        if not colon:
            continue
        indent += 2 * content.startswith("- ")
        sections = [section for section in sections if section[0] < indent]
        path = ".".join([*(section[1] for section in sections), name])
        if value.strip():
            above = sections[-1][2] if sections else ""
            found[path] = value.strip(), comment, above
        else:
            sections.append((indent, name, comment))
            comment = ""
    return found


WHEN = re.compile(
    r"(?:^|[.:;#]\s+)(?:Change|Raise|Lower|Set|Turn|Add|Take|Shorten|Keep|Widen)\b|\brequired\b",
    re.I,
)
"""An advice begins a sentence: "may take" and "cannot change" are none."""
UNIT = re.compile(
    r"\b(port|processes|threads|bytes|connections|tenants|repetitions|users|people|days|jobs|page|"
    r"resources|requests|members|attempts|calls)\b",
    re.I,
)


def test_every_setting_says_when_to_change_it():
    told = explained(EXAMPLE.read_text())
    assert len(told) > 150
    silent = [
        path
        for path, (_, comment, above) in told.items()
        if not (WHEN.search(comment) or WHEN.search(above))
    ]
    assert silent == []


def test_every_number_has_a_unit():
    numbers = {
        path: comment
        for path, (value, comment, _) in explained(EXAMPLE.read_text()).items()
        if re.fullmatch(r"-?\d+(\.\d+)?", value)
    }
    assert len(numbers) > 50
    bare = [
        path
        for path, comment in numbers.items()
        if not path.endswith(("_s", "_pct", "_days")) and not UNIT.search(comment)
    ]
    assert bare == []


def test_a_secret_never_shows_itself():
    assert "hush" not in repr(Secret("hush")) + str(Secret("hush"))
