"""``${NAME}`` in a string stands for an environment variable; ``$${`` for a literal ``${``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)\}")


def resolve_environment(
    data: Any, environment: Mapping[str, str], path: str = ""
) -> tuple[Any, list[str]]:
    """Return *data* with every reference replaced, and a problem for each one that is unset."""
    if isinstance(data, Mapping):
        pairs = {
            key: resolve_environment(value, environment, f"{path}.{key}" if path else str(key))
            for key, value in data.items()
        }
        found = {key: value for key, (value, _) in pairs.items()}
        return found, [text for _, problems in pairs.values() for text in problems]
    if isinstance(data, list):
        items = [
            resolve_environment(value, environment, f"{path}[{place}]")
            for place, value in enumerate(data)
        ]
        return [value for value, _ in items], [text for _, each in items for text in each]
    if isinstance(data, str):
        return _resolve_text(data, environment, path)
    return data, []


def _resolve_text(text: str, environment: Mapping[str, str], path: str) -> tuple[str, list[str]]:
    problems: list[str] = []

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name is None:
            return "${"
        if name not in environment:
            problems.append(
                f"{path}: the environment variable {name} is not set. Set it, or write $${{ for "
                "a literal ${"
            )
        return environment.get(name, "")

    return _REFERENCE.sub(value, text), problems
