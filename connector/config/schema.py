"""marshmallow schemas made from the dataclasses of :mod:`connector.settings`.

A setting is written once, as a field with its type and its documentation; :mod:`.limits` adds what
a type cannot say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, is_dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validates_schema

from connector.config.keys import check_private_key
from connector.config.limits import CHOICES, GUIDS, REQUIRED, URLS, Setting, number_range
from connector.settings import DatabaseSettings, DocusignSettings, Secret, TenantSettings
from mappings.wording import did_you_mean, unknown_setting

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_KEYS: frozenset[Setting] = frozenset(
    {(DocusignSettings, "private_key"), (DocusignSettings, "previous_private_key")}
)
_SEALING_KEYS: frozenset[Setting] = frozenset(
    {(DatabaseSettings, "encryption_key"), (DatabaseSettings, "previous_encryption_key")}
)
_SEALING_LENGTH = 32
"""Characters of random text: 128 bits even in hexadecimal."""
_UNWRITTEN: frozenset[Setting] = frozenset({(TenantSettings, "name")})
"""Settings that come from elsewhere: a tenant's name is its key in the file."""

MUST_BE_GIVEN = "must be given"
CANNOT_READ = "cannot read"
"""How the complaint about a file begins that is not there, or not ours to read."""

Check = Callable[[Any], None]


class _Integer(fields.Integer):
    def _validated(self, value: Any) -> int:
        # Text comes from an environment variable.
        if isinstance(value, str) and re.fullmatch(r"\s*-?\d+\s*", value):
            value = int(value)
        if not isinstance(value, int):
            raise self.make_error("invalid")
        return super()._validated(value)


class _Boolean(fields.Boolean):
    def __init__(self, **options: Any) -> None:
        super().__init__(truthy={True, "true", "True"}, falsy={False, "false", "False"}, **options)

    def _deserialize(self, value: Any, *args: Any, **options: Any) -> bool:
        if type(value) not in (bool, str):  # 1 equals True
            raise self.make_error("invalid")
        return bool(super()._deserialize(value, *args, **options))


class _Secret(fields.Field[Secret]):
    """Text that is wrapped as soon as it is read."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Secret:
        if not isinstance(value, str):
            raise ValidationError("must be text; put it in quotes")
        return Secret(value)


_MAKES = {
    "private_key_file": ". `docusign-iga key generate --output {}` makes a key pair",
    "encryption_key_file": ". `docusign-iga key encryption > {}` makes a key",
}
"""What to run for a file that is not there yet, by the setting that names it."""


class _SecretFile(fields.Field[Secret]):
    """The path of a file that holds a secret; surrounding white space is not part of it."""

    def __init__(self, base_dir: Path, **options: Any) -> None:
        self._base_dir = base_dir
        super().__init__(**options)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Secret:
        if not isinstance(value, str):
            raise ValidationError("must be the path of a file")
        path = self._base_dir / value
        try:
            return Secret.read(path)
        except OSError as error:
            hint = _MAKES.get(self.data_key or self.name or "", "").format(path)
            raise ValidationError(f"{CANNOT_READ} {path}: {error.strerror}{hint}") from error
        except UnicodeDecodeError as error:
            raise ValidationError(
                f"{path} is not text; a key in DER form needs converting to PEM"
            ) from error


class _SettingsSchema(Schema):
    """Loads one dataclass. Unknown names are told together with the nearest known one."""

    target: type[Any]
    secrets: tuple[str, ...]

    class Meta:
        unknown = EXCLUDE  # told by _names, with a suggestion

    error_messages = {"type": "must be a section with settings below it"}  # noqa: RUF012

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _names(self, _: Any, original: Any, **__: Any) -> None:
        given = original if isinstance(original, Mapping) else {}
        problems = {
            name: [unknown_setting(str(name), self.fields)]
            for name in given
            if name not in self.fields
        }
        for name in self.secrets:
            if {name, f"{name}_file"} <= set(given):
                problems[name] = [f"is given twice: remove it or {name}_file"]
        if problems:
            raise ValidationError(problems)

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        for name in self.secrets:
            secret = data.pop(f"{name}_file", None)
            data[name] = secret or data.get(name)
        return self.target(**data)


def schema_for(target: type[Any], base_dir: Path) -> type[Schema]:
    """Return a schema that loads *target*, a settings dataclass, with all that is below it."""
    hints = get_type_hints(target)
    members: dict[str, Any] = {"target": target}
    secrets: list[str] = []
    for item in dataclass_fields(target):
        if (target, item.name) in _UNWRITTEN:
            continue
        members[item.name] = _field((target, item.name), hints[item.name], item, base_dir)
        if _is_secret(hints[item.name]):
            secrets.append(item.name)
            checks = _secret_checks((target, item.name))
            members[f"{item.name}_file"] = _SecretFile(base_dir, validate=checks)
    members["secrets"] = tuple(secrets)
    return type(f"{target.__name__}Schema", (_SettingsSchema,), members)


def _field(setting: Setting, hint: Any, item: Field[Any], base_dir: Path) -> fields.Field[Any]:
    options: dict[str, Any] = {"error_messages": {"required": MUST_BE_GIVEN}}
    if setting in REQUIRED:
        options["required"] = True
    else:
        options["load_default"] = _default(item)
    if is_dataclass(hint):
        return fields.Nested(schema_for(_class(hint), base_dir), **options)
    if _is_secret(hint):
        return _Secret(allow_none=True, validate=_secret_checks(setting), **options)
    if get_origin(hint) is tuple:
        return _list(setting, get_args(hint)[0], base_dir, options)
    if get_origin(hint) is Mapping:
        return _dictionary(get_args(hint)[1], base_dir, options)
    return _scalar(setting, hint, options)


def _class(hint: Any) -> type[Any]:
    assert isinstance(hint, type)  # noqa: S101 - narrows the type after is_dataclass
    return hint


def _default(item: Field[Any]) -> Any:
    if item.default_factory is not MISSING:
        return item.default_factory
    return None if item.default is MISSING else item.default


def _is_secret(hint: Any) -> bool:
    return hint is Secret or Secret in get_args(hint)


def _list(
    setting: Setting, element: Any, base_dir: Path, options: dict[str, Any]
) -> fields.Field[Any]:
    inner: fields.Field[Any]
    if is_dataclass(element):
        inner = fields.Nested(schema_for(_class(element), base_dir))
    elif get_origin(element) is Mapping:
        inner = fields.Dict(keys=fields.String())  # mappings.loader checks the rest
        _say(options, "must be a list of sections")
    else:
        inner = _scalar(setting, element, {})
    _say(options, "must be a list")
    checks = [_not_empty] if setting in REQUIRED else []
    return _Tuple(inner, validate=checks, **options)


class _Tuple(fields.List[Any]):
    """A list in the file, a tuple in the settings."""

    def _deserialize(self, *args: Any, **options: Any) -> Any:
        return tuple(super()._deserialize(*args, **options))


def _dictionary(element: Any, base_dir: Path, options: dict[str, Any]) -> fields.Field[Any]:
    _say(options, "must be a section with names below it")
    if is_dataclass(element):
        nested = fields.Nested(schema_for(_class(element), base_dir))
        return fields.Dict(keys=fields.String(), values=nested, **options)
    return fields.Dict(keys=fields.String(), **options)  # mappings.loader checks the rest


def _say(options: dict[str, Any], text: str) -> None:
    """Let a field complain of a wrong type or null in these words."""
    options.setdefault("error_messages", {}).update(invalid=text, null=text)


def _scalar(setting: Setting, hint: type, options: dict[str, Any]) -> fields.Field[Any]:
    if hint is bool:
        _say(options, "must be true or false")
        return _Boolean(**options)
    if hint is int:
        _say(options, "must be a whole number")
        return _Integer(validate=_range_check(setting, whole=True), **options)
    if hint is float:
        _say(options, "must be a number")
        check = _range_check(setting, whole=False)
        return fields.Float(allow_nan=False, validate=check, **options)
    _say(options, "must be text; put it in quotes")
    return fields.String(validate=_text_checks(setting), **options)


def _range_check(setting: Setting, *, whole: bool) -> Check:
    low, high = number_range(setting, whole=whole)

    def check(value: float) -> None:
        if value < low or (high is not None and value > high):
            upper = f" and at most {high:g}" if high is not None else ""
            raise ValidationError(f"must be at least {low:g}{upper}, not {value:g}")

    return check


def _text_checks(setting: Setting) -> list[Check]:
    checks: list[Check] = []
    if setting in REQUIRED:
        checks.append(_not_empty)
    if setting in GUIDS:
        checks.append(_guid)
    if setting in URLS:
        checks.append(_url)
    if setting in CHOICES:
        checks.append(_choice(CHOICES[setting]))
    return checks


def _secret_checks(setting: Setting) -> list[Check]:
    if setting in _KEYS:
        return [lambda secret: check_private_key(secret.reveal())]
    return [_long_enough] if setting in _SEALING_KEYS else []


def _long_enough(secret: Secret) -> None:
    if len(secret.reveal()) < _SEALING_LENGTH:
        raise ValidationError(
            f"must have {_SEALING_LENGTH} characters or more; `docusign-iga key encryption` makes "
            "a good one"
        )


def _not_empty(value: Any) -> None:
    if not value:
        raise ValidationError("must not be empty")


def _guid(value: str) -> None:
    if value and not _GUID.match(value):
        raise ValidationError(
            f"must be a GUID in lower case, such as 6f0e2ba4-9d3a-4c0f-8a3e-0d1f6e5b7c21, "
            f"not {value!r}"
        )


def _url(value: str) -> None:
    parts = urlsplit(value)
    if value and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ValidationError(f"must be a URL such as https://host.example.com, not {value!r}")


def _choice(allowed: tuple[str, ...]) -> Check:
    def check(value: str) -> None:
        if value in allowed:
            return
        hint = did_you_mean(value, allowed)
        told = f"must be one of {', '.join(allowed)}, not {value!r}"
        raise ValidationError(f"{told}; {hint}" if hint else told)

    return check
