"""Client dialects as data: what is bent, and for whom.

Most habits of clients bend nothing and are understood for everybody: operators and attributes in
any case, booleans as strings, legacy ``schemas``, members removed by a list (``docs/clients.md``).
What a server that keeps to the RFC would do otherwise is a *tolerance*, a field of
:class:`Dialect`. A dialect is a name for the tolerances that one product needs. A client's settings
name its dialect and, beside it, the tolerances in which this client differs:

    {"dialect": "okta", "unknown_members": "strict"}

Each tolerance is read in one place, which its description names by what happens there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import marshmallow
from marshmallow import validate

DIALECT = "dialect"
"""The setting that names a client's dialect."""


def _tolerance(default: Any, bends: str, effect: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"bends": bends, "effect": effect, "choices": choices})


@dataclass(frozen=True)
class Dialect:
    """The tolerances towards one client; each default keeps to the RFC."""

    put_semantics: str = _tolerance(
        "replace",
        "RFC 7644 §3.5.1",
        "`merge`: a PUT changes what it names and leaves the rest; `replace`: what it leaves out "
        "is cleared (access never is)",
        ("replace", "merge"),
    )
    value_path_create: bool = _tolerance(
        False,
        "RFC 7644 §3.5.2.3",
        "a `replace` whose value filter matches nothing creates the element that the filter "
        "describes, instead of 400 `noTarget`",
    )
    unknown_members: str = _tolerance(
        "strict",
        "RFC 7644 §3.5.2",
        "`lenient`: members who are unknown are passed over and logged, the others join; "
        "`strict`: 400 and nobody joins",
        ("strict", "lenient"),
    )
    unknown_attributes: str = _tolerance(
        "strict",
        "RFC 7644 §3.5.2",
        "`ignore`: an operation of a PATCH whose path names an attribute that is not in the schema "
        "is passed over and logged, the others count; `strict`: 400 `invalidPath`",
        ("strict", "ignore"),
    )
    unknown_roles: str = _tolerance(
        "strict",
        "RFC 7644 §3.12",
        "`ignore`: a value of `roles` that is no id of `/Roles` is passed over and logged, the "
        "rest of the request counts; `strict`: 400 `invalidValue`",
        ("strict", "ignore"),
    )
    packed_roles: bool = _tolerance(
        False,
        "RFC 7643 §2.3.1",
        "a `value` of `roles` or `entitlements` that is a JSON object within the string stands for "
        "the `value` in that object",
    )
    allow_group_writes_via_user: bool = _tolerance(
        False,
        "RFC 7643 §4.1.2",
        "`groups` of a User can be written in POST, PUT and PATCH; otherwise it is readOnly",
    )
    check_body_version: bool = _tolerance(
        False,
        "RFC 7644 §3.14",
        "`meta.version` in the body of a PUT is a precondition, as if it stood in `If-Match`",
    )
    strip_four_byte_characters: bool = _tolerance(
        False,
        "RFC 7643 §2.3.1",
        "names of groups are shown without emoji and other characters "
        "beyond U+FFFF, which the client's database cannot store",
    )
    rate_limit_reset: str = _tolerance(
        "seconds",
        "RFC 7644 §3.12, which tells of no limits",
        "`x-rate-limit-reset` is the number of `seconds` until the limit is free again, or that "
        "moment as seconds since the `epoch`",
        ("seconds", "epoch"),
    )
    strict_schemas: bool = _tolerance(
        False,
        "RFC 7643 §3",
        "the other way round: a body whose `schemas` lacks the URN of its type is refused; "
        "otherwise the type follows from the endpoint",
    )


TOLERANCES: tuple[Field[Any], ...] = fields(Dialect)
"""The tolerances; ``metadata`` says what each ``bends``, its ``effect`` and its ``choices``."""

DIALECTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "rfc": {},
        "identityiq": {"check_body_version": True, "strip_four_byte_characters": True},
        "isc": {"check_body_version": True, "strip_four_byte_characters": True},
        "okta": {"unknown_members": "lenient", "value_path_create": True},
        "entra": {
            "value_path_create": True,
            "unknown_attributes": "ignore",
            "unknown_roles": "ignore",
            "packed_roles": True,
        },
        "onelogin": {},
        "midpoint": {"put_semantics": "merge"},
        "conductorone": {},
    }
)
"""By name, the tolerances that differ from the default."""


def check_settings(settings: Mapping[str, Any]) -> None:
    """Check the settings of a client.

    :raises ValueError: a name or value that is none; the message tells which there are.
    """
    try:
        _SETTINGS.load(settings)
    except marshmallow.ValidationError as error:
        problems = [f"{name}: {' '.join(told)}" for name, told in error.messages_dict.items()]
        raise ValueError("; ".join(problems)) from None


def dialect_of(settings: Mapping[str, Any]) -> Dialect:
    """Return the tolerances that a client's settings say.

    Settings that are none of them are passed over: other parts of the program read those.
    """
    if not settings:
        return _DEFAULT
    return _dialect(tuple((name, settings[name]) for name in _NAMES if name in settings))


@lru_cache(maxsize=256)
def _dialect(settings: tuple[tuple[str, Any], ...]) -> Dialect:
    given = dict(settings)
    name = given.pop(DIALECT, "rfc")
    return Dialect(**{**DIALECTS[name], **given})


def _field(tolerance: Field[Any]) -> marshmallow.fields.Field[Any]:
    choices = tolerance.metadata["choices"]
    if choices:
        return marshmallow.fields.String(validate=_one_of(choices))
    return _Boolean(error_messages={"invalid": "true or false."})


class _Boolean(marshmallow.fields.Boolean):
    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(value, bool):  # 1 equals True, and is not what was meant
            raise self.make_error("invalid", input=value)
        return value


def _one_of(choices: Mapping[str, Any] | tuple[str, ...]) -> validate.Validator:
    return validate.OneOf(list(choices), error="one of {choices}, not {input!r}.")


class _Settings(marshmallow.Schema):
    error_messages = {  # noqa: RUF012 - marshmallow's own interface
        "unknown": f"no such setting; there are {DIALECT}, {', '.join(t.name for t in TOLERANCES)}."
    }


_NAMES = (DIALECT, *(tolerance.name for tolerance in TOLERANCES))
_DEFAULT = Dialect()
_SETTINGS = _Settings.from_dict(
    {
        DIALECT: marshmallow.fields.String(validate=_one_of(DIALECTS)),
        **{tolerance.name: _field(tolerance) for tolerance in TOLERANCES},
    }
)()
