"""The file that declares how an account shall be: read, checked, written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from marshmallow import RAISE, Schema, ValidationError, fields, validate

from connector.config.loader import flatten
from connector.config.yaml_reader import read_yaml_file
from connector.domain.account_setup.wish import ProfileRemoval, ProfileWish, Wish
from connector.domain.model import fold
from connector.errors import ConfigError

_NAME_MAX = 100
"""Characters of the name of a profile or group."""


class _Part(Schema):
    class Meta:
        unknown = RAISE

    error_messages = {  # noqa: RUF012
        "unknown": "is unknown here",
        "type": "must be a section with names below it",
    }


def _text(**options: Any) -> fields.String:
    messages: dict[str, Any] = {
        "required": "must be given",
        "invalid": "must be text; put it in quotes",
    }
    length = validate.Length(1, _NAME_MAX, error=f"must have 1 to {_NAME_MAX} characters")
    return fields.String(validate=length, error_messages=messages, **options)


class _Setting(fields.Field[str]):
    """A setting of a profile: text, a number, true or false; DocuSign keeps text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(value)
        raise ValidationError("must be true, false, a number or text")


class _Profile(_Part):
    name = _text(required=True)
    settings = fields.Dict(keys=fields.String(), values=_Setting(), load_default=dict)


class _ProfileRemoval(_Part):
    name = _text(required=True)
    move_users_to = _text(load_default="")


class _Removals(_Part):
    profiles = fields.List(fields.Nested(_ProfileRemoval), load_default=list)
    groups = fields.List(_text(), load_default=list)
    administrators = fields.List(_text(), load_default=list)


class _Wish(_Part):
    account = _text(load_default="")
    profiles = fields.List(fields.Nested(_Profile), load_default=list)
    groups = fields.List(_text(), load_default=list)
    administrators = fields.List(_text(), load_default=list)
    administrator_profile = _text(load_default="")
    remove = fields.Nested(_Removals, load_default=dict)


def read_wish(path: Path) -> tuple[str, Wish]:
    """Return the account that a file is for, empty where it does not say, and what it declares.

    :raises ConfigError: with everything that is wrong with the file.
    """
    data = read_yaml_file(path)
    try:
        given = _Wish().load(data)
    except ValidationError as error:
        found = [f"{where}: {what}" for where, what in flatten(error.messages)]
        raise ConfigError(sorted(found)) from error
    if twice := list(_twice(given)):
        raise ConfigError(twice)
    remove = given["remove"] or {}
    return given["account"], Wish(
        [ProfileWish(**one) for one in given["profiles"]],
        given["groups"],
        given["administrators"],
        given["administrator_profile"],
        [ProfileRemoval(**one) for one in remove.get("profiles", ())],
        remove.get("groups", ()),
        remove.get("administrators", ()),
    )


def _twice(given: Mapping[str, Any]) -> Iterable[str]:
    lists = {
        "profiles": [one["name"] for one in given["profiles"]],
        "groups": given["groups"],
        "administrators": given["administrators"],
    }
    for part, names in lists.items():
        seen: set[str] = set()
        for place, name in enumerate(names):
            if fold(name) in seen:
                yield f"{part}[{place}]: {name!r} is there twice"
            seen.add(fold(name))


def written(account: str, wish: Wish) -> str:
    """Return the file that declares an account as it is."""
    document = {
        "account": account,
        "profiles": [
            {"name": one.name, "settings": {key: _plain(v) for key, v in one.settings.items()}}
            for one in wish.profiles
        ],
        "groups": list(wish.groups),
        "administrators": list(wish.administrators),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _plain(value: str) -> bool | str:
    return value == "true" if value in ("true", "false") else value
