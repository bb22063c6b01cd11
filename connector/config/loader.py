"""From the YAML file to :class:`connector.settings.Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from connector.config.checks import cross_checks
from connector.config.environment import resolve_environment
from connector.config.schema import schema_for
from connector.config.yaml_reader import read_yaml_file
from connector.errors import ConfigError
from connector.settings import Settings

_NO_FILE = (
    "Start from config.example.yaml (`docusign-iga config example > config.yaml`), or name the "
    "file with --config."
)
Further = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]
"""From a configuration as plain data to (path, what is wrong)."""


def load_settings(
    path: Path, environment: Mapping[str, str] | None = None, *, further: Further | None = None
) -> Settings:
    """Return the settings in the file at *path*.

    :param environment: where ``${NAME}`` is looked up; the process's environment if not given.
    :param further: see :func:`settings_from`.
    :raises ConfigError: with every problem found.
    """
    data = read_yaml_file(path, _NO_FILE)
    return settings_from(data, base_dir=path.parent, environment=environment, further=further)


def settings_from(
    data: Mapping[str, Any],
    *,
    base_dir: Path = Path(),
    environment: Mapping[str, str] | None = None,
    further: Further | None = None,
) -> Settings:
    """Return the settings in a tree of plain data.

    :param base_dir: what relative paths in ``*_file`` settings are relative to.
    :param further: what else is looked at before the settings are used, by somebody who knows more
        than this package; asked where something is wrong already, so that all is told at once.
    :raises ConfigError: with every problem found.
    """
    resolved, problems = resolve_environment(
        data, os.environ if environment is None else environment
    )
    settings: Settings | None = None
    found: list[tuple[str, str]] = []
    try:
        settings = schema_for(Settings, base_dir)().load(resolved)
    except ValidationError as error:
        found += flatten(error.messages)
    found += cross_checks(resolved)
    problems += first_problems(found, told={problem.split(":")[0] for problem in problems})
    if problems or settings is None:
        more = further(resolved) if further is not None else ()
        problems += first_problems(more, told={problem.split(":")[0] for problem in problems})
        raise ConfigError(sorted(problems))
    tenants = {name: replace(tenant, name=name) for name, tenant in settings.tenants.items()}
    return replace(settings, tenants=tenants)


def first_problems(found: Iterable[tuple[str, str]], told: set[str]) -> Iterator[str]:
    """Yield the first complaint about each setting that nothing has been told about."""
    for path, text in found:
        if path not in told:
            told.add(path)
            yield f"{path}: {text}"


def flatten(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Walk marshmallow's nested messages as (path, message)."""
    if not isinstance(messages, Mapping):
        for message in messages:
            yield path or "file", str(message)
        return
    for key, inner in messages.items():
        yield from flatten(inner, join_path(path, key))


def join_path(path: str, key: Any) -> str:
    """Return ``path.key``, or ``path[0]`` for the place in a list."""
    if key in ("key", "value", "_schema"):  # marshmallow's own marks
        return path
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else str(key)
