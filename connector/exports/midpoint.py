"""Names of attributes as midPoint has them in the schema of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.exports.attributes import sources_of


def parts() -> Mapping[str, Any]:
    """Return ``attributes``: by midPoint's name of an attribute, the property of the person that it
    comes from. The one of ``userName`` is ``icfs:name`` and not among them."""
    sources = sources_of("midpoint").items()
    return {
        "attributes": {
            f"ri:{element_name(path)}": source for path, source in sources if path != "userName"
        }
    }


def element_name(name: str) -> str:
    """Return what midPoint makes of the name that a ConnId connector gives an attribute: a
    character that no XML name has becomes ``_x`` and its code. The bundle keeps the colons of a
    schema's URN, and a path with more than one colon is refused on import."""
    return "".join(
        char if _is_allowed(char, at_start=index == 0) else f"_x{ord(char):x}"
        for index, char in enumerate(name)
    )


def _is_allowed(char: str, *, at_start: bool) -> bool:
    return char.isalpha() or char == "_" or (not at_start and (char.isdigit() or char in ".-"))
