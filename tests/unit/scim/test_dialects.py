"""Dialects: named tolerances, checked where they are written, typed where they are read."""

import dataclasses
from pathlib import Path

import pytest

from scim.dialects import DIALECTS, TOLERANCES, Dialect, check_settings, dialect_of


def test_without_settings_a_client_is_taken_by_the_rfc():
    assert dialect_of({}) == dialect_of({"dialect": "rfc"}) == Dialect()


def test_a_single_setting_wins_over_the_dialect():
    settings = {"dialect": "okta", "unknown_members": "strict"}
    okta = dialect_of({"dialect": "okta"})
    assert okta.unknown_members == "lenient"
    assert dialect_of(settings) == dataclasses.replace(okta, unknown_members="strict")


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_made_of_good_settings(name):
    check_settings(DIALECTS[name])
    check_settings({"dialect": name})
    assert dialect_of({"dialect": name}) == Dialect(**DIALECTS[name])


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"dialect": "octa"}, "conductorone"),
        ({"put_semantics": "both"}, "replace, merge"),
        ({"check_body_version": "yes"}, "true or false"),
        ({"check_body_version": 1}, "true or false"),
        ({"chekc": True}, "chekc: no such setting"),
    ],
)
def test_wrong_settings_are_named(settings, told):
    with pytest.raises(ValueError, match=told):
        check_settings(settings)


def test_other_parts_of_the_program_may_keep_settings_too():
    assert dialect_of({"dialect": "entra", "something_else": [1]}).value_path_create


@pytest.mark.parametrize("tolerance", TOLERANCES, ids=lambda one: one.name)
def test_each_tolerance_says_what_it_bends(tolerance):
    assert tolerance.metadata["bends"].startswith("RFC 76")
    assert tolerance.metadata["effect"]


def test_the_documentation_tells_every_dialect_and_tolerance():
    text = (Path(__file__).parents[3] / "docs" / "clients.md").read_text()
    for one in TOLERANCES:
        default, told = str(one.default).lower(), one.metadata
        assert f"| `{one.name}` | `{default}` | {told['bends']} | {told['effect']} |" in text
    for name, tolerances in DIALECTS.items():
        shown = (f"`{key}={str(value).lower()}`" for key, value in tolerances.items())
        assert f"| `{name}` | {', '.join(shown) or 'none'} |" in text
