"""Which characters strings may contain."""

from __future__ import annotations

import re

# Line breaks and tabs occur in formatted addresses. NUL cannot be stored in PostgreSQL; the other
# control characters only confuse logs and consoles. U+E000 is private: an application may use it
# as a mark in the documents that it keeps, so no client may send it.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000\ufffe\uffff]")

LONGEST_ID = 256
"""Characters of an id; no resource has a longer one."""
LONGEST_TEXT = 400
"""Characters of an attribute that says nothing else. PostgreSQL indexes 2,704 bytes at most, and a
character has up to six in the form in which it is compared without case."""


def is_id(text: str) -> bool:
    """Return whether a resource can have this id."""
    return text.isprintable() and len(text) <= LONGEST_ID


def forbidden_character(text: str) -> str | None:
    """Return the first forbidden character of *text* as ``U+0000``, or None."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found.group()):04X}" if found else None
