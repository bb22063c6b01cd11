"""Which characters strings may contain."""

from __future__ import annotations

import re

# Line breaks and tabs occur in formatted addresses. NUL cannot be stored in PostgreSQL; the other
# control characters only confuse logs and consoles. U+E000 is private: an application may use it
# as a mark in the documents that it keeps, so no client may send it.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ue000\ufffe\uffff]")


def forbidden_character(text: str) -> str | None:
    """Return the first forbidden character of *text* as ``U+0000``, or None."""
    found = _FORBIDDEN.search(text)
    return f"U+{ord(found.group()):04X}" if found else None
