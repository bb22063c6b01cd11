"""What people write, as it is kept and shown: a name from outside must not pass for another one.

DocuSign, and whoever provisions, may put characters into names that turn the direction of writing
(``U+202E`` shows ``gpj.exe`` as ``exe.jpg``) or that nobody sees. Where people read and decide,
such a character is shown by its number.
"""

from __future__ import annotations

import re
import shlex
import unicodedata

from connector.errors import InvalidRequestError

_JOINERS = ("\u200c", "\u200d")
_NEEDS_JOINERS = 0x0600
"""From Arabic on scripts, and signs such as emoji, need joiners; Latin, Greek and Cyrillic do
not."""
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
"""Letters and signs that look like nothing."""
_KEPT = "\n\t"
_SUSPICIOUS = re.compile(r"[^ -~\n\t\u00a1-\u00ac\u00ae-\u02ff\u0370-\u058f]")
"""Most texts have none of these, and are returned as they are."""
_MAX_TEXT = 4_000
"""Characters of a comment or a reason."""
_LEAST = 2
LEAST_WORDS = "at least two letters or digits"
"""What a text that has to say something needs, as people are told before they send it."""


def visible(text: str) -> str:
    """Return a text with each character that turns or hides writing as ``[U+202E]``.

    New lines and tabs stay. Joiners stay between characters of scripts that need them.
    """
    if not _SUSPICIOUS.search(text):
        return text
    return "".join(
        f"[U+{ord(char):04X}]" if _hides(text, place, char) else char
        for place, char in enumerate(text)
    )


def _hides(text: str, place: int, char: str) -> bool:
    if char in _JOINERS:
        around = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        return not all(side and ord(side) >= _NEEDS_JOINERS for side in around)
    if char in _BLANK:
        return True
    # Format characters, controls, halves of characters, line and paragraph separators.
    return unicodedata.category(char) in ("Cf", "Cc", "Cs", "Zl", "Zp") and char not in _KEPT


def tidy(text: str) -> str:
    """Return what a person wrote as it can be kept: without what no text holds (control characters
    other than new lines and tabs, halves of characters), and cut."""
    whole = text.encode("utf-8", "replace").decode()
    return "".join(c for c in whole if c in "\n\t" or c.isprintable()).strip()[:_MAX_TEXT]


def gist(text: str) -> str:
    """Return what a text says, to be compared: its letters and digits alone, in one case and form.

    Empty where it says nothing, as what consists of punctuation or of letters that nobody sees.
    """
    return "".join(
        char
        for char in unicodedata.normalize("NFKD", text).casefold()
        if unicodedata.category(char)[0] in "LN" and char not in _BLANK
    )


def says_something(text: str) -> bool:
    """Whether a text can be a reason: it has two letters or digits, and is not one letter alone,
    over and over. Whether it is a good one, only people see."""
    said = gist(text)
    return len(said) >= _LEAST and (len(set(said)) > 1 or said.isdigit())


def require_words(text: str, ask: str) -> str:
    """Return a reason or comment that is needed, as it is kept.

    :param ask: a sentence that asks for it.
    :raises InvalidRequestError: it says nothing.
    """
    if not says_something(text):
        raise InvalidRequestError(
            f"{ask} It needs {LEAST_WORDS}, and not the same letter over and over."
        )
    return tidy(text)


_IN_BRIEF = 8


def beside(name: str, identifier: str) -> str:
    """Return a name with the id beside it, the id alone where there is no name."""
    return f"{name} ({identifier})" if name else identifier


def in_brief(identifier: str) -> str:
    """Return so much of an id of our own as tells it apart, and as commands find it by."""
    return identifier[:_IN_BRIEF]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 finding``, ``2,000 findings``.

    :param many: the plural, where it is not made with an ``s``.
    """
    return f"{number:,} {noun(number, one, many)}"


def noun(number: int, one: str, many: str = "") -> str:
    """Return the noun alone as a number asks for it."""
    return one if number == 1 else many or f"{one}s"


def command(tenant: str, *words: str) -> str:
    """Return a command as people can paste it into a shell, for a tenant.

    :param words: such as ``erase`` and ``list``, and what the command is told.
    """
    whose = () if tenant == "default" else ("--tenant", tenant)
    return shlex.join(["docusign-iga", *words, *whose])
