"""The settings of one tenant outside the file: read, checked and sealed by the file's own rules."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from marshmallow import Schema, ValidationError

from connector.config.checks import tenant_checks
from connector.config.environment import resolve_environment
from connector.config.loader import first_problems, flatten
from connector.config.schema import schema_for
from connector.errors import ConfigError, PermanentError
from connector.sealing import Sealer
from connector.settings import MASK, Secret, TenantSettings

_SEALED = "sealed:"
_REFERENCE = re.compile(r"\$\{([^}]*)\}")
_VARIABLES = "TENANT_"
"""How the environment variables begin that a tenant in the database may name. Whoever may add a
tenant shall not read the connector's own secrets with it."""

_ADDRESSES = ("url", "host", "port", "security", "issuer")
"""Settings that say where, and how, the secrets beside them are sent."""

Visit = Callable[[str, str], str]
"""From the path of a secret and its text to what stands there afterwards."""


class StoredTenants:
    """See :class:`connector.ports.TenantDocuments`."""

    def __init__(self, sealer: Sealer, environment: Mapping[str, str] | None = None) -> None:
        """:param environment: where ``${NAME}`` is looked up; the process's if not given."""
        self._sealer = sealer
        self._environment = os.environ if environment is None else environment

    def read(self, name: str, document: Mapping[str, Any]) -> TenantSettings:
        """Return the settings that a document means.

        :raises ConfigError: with every problem found, each with its path.
        """
        path = f"tenants.{name}"
        try:
            opened = _each_secret(TenantSettings, document, path, self._open)
        except PermanentError as error:
            raise ConfigError([f"{path}: {error}"]) from error
        problems = list(_forbidden(opened, path))
        resolved, unset = resolve_environment(opened, self._environment, path)
        problems += unset
        settings: TenantSettings | None = None
        found: list[tuple[str, str]] = []
        try:
            settings = _schema().load(resolved)
        except ValidationError as error:
            found += flatten(error.messages, path)
        found += tenant_checks(name, resolved)
        problems += first_problems(found, told={line.split(":")[0] for line in problems})
        if problems or settings is None:
            raise ConfigError(sorted(problems))
        return replace(settings, name=name)

    def sealed(self, name: str, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document whose secrets are sealed, but for names of environment variables.

        :raises ConfigError: there are secrets and no key.
        """
        problems: list[str] = []

        def seal(path: str, text: str) -> str:
            if text.startswith(_SEALED) or _REFERENCE.fullmatch(text):
                return text
            if text == MASK:
                problems.append(
                    f"{path}: stands as asterisks where no secret is kept, or beside an address "
                    "that was changed: give the secret itself"
                )
            if self._sealer.has_key:
                return _SEALED + self._sealer.seal(text)
            problems.append(
                f"{path}: a secret is kept in the database only sealed. Set "
                "database.encryption_key (`docusign-iga key encryption` makes one), or write "
                f"${{{_VARIABLES}…}}, the name of an environment variable"
            )
            return text

        sealed = _each_secret(TenantSettings, document, f"tenants.{name}", seal)
        if problems:
            raise ConfigError(problems)
        return sealed

    def resealed(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document whose secrets are sealed with the key of now.

        :raises PermanentError: one was sealed with a key that is not at hand.
        """

        def anew(_path: str, text: str) -> str:
            if not text.startswith(_SEALED):
                return text
            return _SEALED + self._sealer.seal(self._sealer.open(text.removeprefix(_SEALED)))

        return _each_secret(TenantSettings, document, "", anew)

    def masked(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document that may be shown; names of environment variables stay readable."""

        def mask(_path: str, text: str) -> str:
            return text if _REFERENCE.fullmatch(text) else MASK

        return _each_secret(TenantSettings, document, "", mask)

    def unmasked(self, document: Mapping[str, Any], kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a document where a secret that is still asterisks is the one that is kept, as
        long as it means the same: parts of a list are known by their names, and a secret is not
        sent to another address than the one that it was given for."""
        known: dict[str, str] = {}

        def note(path: str, text: str) -> str:
            known[path] = text
            return text

        def put_back(path: str, text: str) -> str:
            return known.get(path, text) if text == MASK else text

        _each_secret(TenantSettings, _aligned(document, kept), "", note)
        return _each_secret(TenantSettings, document, "", put_back)

    def _open(self, _path: str, text: str) -> str:
        if _REFERENCE.fullmatch(text):
            return text
        if text.startswith(_SEALED):
            text = self._sealer.open(text.removeprefix(_SEALED))
        # A secret that was typed in means itself; only a whole reference is one.
        return text.replace("${", "$${")


def _aligned(document: Any, kept: Any) -> Any:
    """Return what is kept, at the places that it has in a document."""
    if isinstance(document, Mapping):
        if not isinstance(kept, Mapping) or _leads_elsewhere(document, kept):
            return {}
        return {key: _aligned(value, kept[key]) for key, value in document.items() if key in kept}
    if not isinstance(document, list):
        return kept
    parts = [one for one in kept if isinstance(one, Mapping)] if isinstance(kept, list) else []
    by_name = {one["name"]: one for one in parts if isinstance(one.get("name"), str)}
    names = [one.get("name") if isinstance(one, Mapping) else None for one in document]
    return [
        _aligned(one, by_name.get(name)) if isinstance(name, str) else {}
        for one, name in zip(document, names, strict=True)
    ]


def _leads_elsewhere(document: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Whether what stands beside secrets says that they are sent to another place now."""
    return any(
        name in document and document[name] not in (MASK, kept.get(name)) for name in _ADDRESSES
    )


@cache
def _schema() -> Schema:
    return schema_for(TenantSettings, Path())()


def _each_secret(
    target: type[Any], document: Mapping[str, Any], path: str, visit: Visit
) -> dict[str, Any]:
    """Return a copy of a section where each secret was visited."""
    hints = get_type_hints(target)
    copy = dict(document)
    for item in dataclass_fields(target):
        value, hint = copy.get(item.name), hints[item.name]
        here = f"{path}.{item.name}" if path else item.name
        if hint is Secret or Secret in get_args(hint):
            if isinstance(value, str):
                copy[item.name] = visit(here, value)
        elif is_dataclass(hint) and isinstance(value, Mapping):
            copy[item.name] = _each_secret(_class(hint), value, here, visit)
        elif get_origin(hint) is tuple and isinstance(value, list):
            element = get_args(hint)[0]
            if is_dataclass(element):
                copy[item.name] = [
                    _each_secret(_class(element), one, f"{here}[{place}]", visit)
                    if isinstance(one, Mapping)
                    else one
                    for place, one in enumerate(value)
                ]
    return copy


def _class(hint: Any) -> type[Any]:
    assert isinstance(hint, type)  # noqa: S101 - narrows the type after is_dataclass
    return hint


def _forbidden(document: Any, path: str) -> Iterator[str]:
    """Yield what only the file may have: it reaches beyond the database."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            here = f"{path}.{key}"
            if str(key) == "anchor_file" and value:
                yield (
                    f"{here}: is for tenants in the configuration file; let a channel hear of "
                    "audit.anchored instead"
                )
            elif str(key).endswith("_file") and value:
                yield (
                    f"{here}: names a file of one machine, which only a tenant in the "
                    "configuration file may do; give the value itself"
                )
            else:
                yield from _forbidden(value, here)
    elif isinstance(document, list):
        for place, value in enumerate(document):
            yield from _forbidden(value, f"{path}[{place}]")
    elif isinstance(document, str):
        for variable in _REFERENCE.findall(document.replace("$${", "")):
            if not variable.startswith(_VARIABLES):
                yield (
                    f"{path}: names the environment variable {variable}; a tenant in the database "
                    f"may only name those that begin with {_VARIABLES}"
                )
