"""Changes single settings in the text of a configuration file, comments and order kept."""

from __future__ import annotations

import re
from collections.abc import Mapping


def with_behaviour(text: str, settings: Mapping[str, str | int | float]) -> str:
    """Return the file with these members of ``docusign.behaviour``.

    A member that is there is replaced, one that stands in a comment is left there, and others are
    added at the section's end.

    :raises ValueError: there is no section ``docusign``.
    """
    lines = text.splitlines()
    docusign = _find(lines, r"docusign:\s*(#.*)?$", 0, len(lines))
    if docusign is None:
        raise ValueError("there is no section docusign")
    end = _end(lines, docusign, 0)
    section = _find(lines, r"\s+behaviour:\s*(\{\s*\})?\s*(#.*)?$", docusign + 1, end)
    if section is None:
        lines[end:end] = ["  behaviour:"]
        section, end = end, end + 1
    lines[section] = re.sub(r"\s*\{\s*\}", "", lines[section])
    indent = len(lines[section]) - len(lines[section].lstrip())
    for name, value in settings.items():
        stop = _end(lines, section, indent)
        found = _find(lines, rf"\s+{re.escape(name)}:", section + 1, stop)
        line = f"{' ' * (indent + 2)}{name}: {_scalar(value)}"
        if found is None:
            lines[stop:stop] = [line]
        else:
            lines[found] = line
    return "\n".join(lines) + "\n"


def snippet(settings: Mapping[str, str | int | float]) -> str:
    """Return the settings as they stand in a file."""
    inner = "\n".join(f"    {name}: {_scalar(value)}" for name, value in settings.items())
    return f"docusign:\n  behaviour:\n{inner}\n"


def _scalar(value: str | int | float) -> str:
    """Return a value as YAML has it: yes and no are words here, and no truth values."""
    return f'"{value}"' if value in ("yes", "no") else str(value)


def _find(lines: list[str], pattern: str, start: int, stop: int) -> int | None:
    return next((n for n in range(start, stop) if re.match(pattern, lines[n])), None)


def _end(lines: list[str], start: int, indent: int) -> int:
    """Return where the section that begins at *start* ends, blank lines and comments behind it left
    out."""
    last = start
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(line) - len(line.lstrip()) <= indent:
            break
        last = number
    return last + 1
