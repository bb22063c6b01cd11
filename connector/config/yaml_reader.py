"""Safe YAML without its traps: duplicate keys are refused, ``yes`` and ``no`` are words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from connector.errors import ConfigError

_BOOL_TAG = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Collects duplicate keys instead of letting the last one win."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.problems: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                self.problems.append(
                    f"line {key.start_mark.line + 1}: the key {key.value!r} is given twice"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# Only true and false are booleans, as in YAML 1.2: ``list_groups: no`` means the word.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _BOOL_TAG]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL_TAG, re.compile(r"(?i:true|false)\Z"), list("tTfF"))


def read_yaml(text: str) -> tuple[dict[str, Any], list[str]]:
    """Return the data in *text* and what is wrong with it as YAML."""
    loader = _Loader(text)
    try:
        data = loader.get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return {}, [f"{where}not valid YAML: {error.problem}"]
    except yaml.YAMLError as error:
        return {}, [f"not valid YAML: {error}"]
    finally:
        loader.dispose()
    if data is None:
        data = {}
    if not isinstance(data, dict):
        return {}, ["must be a mapping of sections, as in `docusign-iga config example`"]
    return data, loader.problems


def read_yaml_file(path: Path, remedy: str = "") -> dict[str, Any]:
    """Return the data in a file.

    :param remedy: what to do where it cannot be read.
    :raises ConfigError: it cannot be read, or is no YAML; each problem begins with the path.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}. {remedy}".rstrip()]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text; save it as such"]) from error
    data, problems = read_yaml(text)
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return data
