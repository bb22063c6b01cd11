"""How people search for users, and what a line of the list shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import reduce

from connector.services.browsing.views import Place, UserLine, UserQuery
from connector.services.mirror.presentation import DOCUSIGN_USER
from scim.filters import And, AttributePath, Comparison, Filter, Operator, Or

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_WORDS = 4
_NAMES = (
    AttributePath("userName"),
    AttributePath("displayName"),
    AttributePath("name", "givenName"),
    AttributePath("name", "familyName"),
)
"""Whose beginnings a search looks at: each has an index."""


def holding(query: UserQuery) -> tuple[str, ...]:
    """Return the entitlements that the users shall have, see :attr:`ResourceQuery.holding`."""
    return tuple(filter(None, (query.profile, query.group)))


def user_filter(query: UserQuery) -> Filter | None:
    """Return the SCIM filter that finds the text and state that are asked for; None finds
    everybody. What they hold is no part of it (:attr:`ResourceQuery.holding`)."""
    terms: list[Filter] = []
    text = query.text.strip()
    if _GUID.match(text):
        terms.append(Comparison(AttributePath("id"), Operator.EQ, text.lower()))
    else:
        terms += [_begins(word) for word in text.split()[:_WORDS]]
    if query.active is not None:
        terms.append(Comparison(AttributePath("active"), Operator.EQ, query.active))
    return reduce(And, terms) if terms else None


def _begins(word: str) -> Filter:
    # Only an address has such a sign, and looking at one index is faster than at four.
    paths = _NAMES[:1] if "@" in word else _NAMES
    terms: list[Filter] = [Comparison(path, Operator.SW, word) for path in paths]
    return reduce(Or, terms)


def user_line(document: Mapping[str, object], *, deleted: bool = False) -> UserLine:
    """Return what a list shows of a user, from the stored resource.

    :param deleted: whether they were deleted over SCIM.
    """
    extension = _section(document.get(DOCUSIGN_USER))
    return UserLine(
        user_id=str(document["id"]),
        name=str(document.get("displayName") or document["userName"]),
        email=str(document["userName"]),
        active=bool(document.get("active")),
        places=[
            Place(
                str(item.get("accountName") or item["account"]),
                str(item.get("profileName") or ""),
                str(item["status"]),
            )
            for item in _sections(extension.get("memberships"))
        ],
        roles=[
            str(item.get("display") or item["value"]) for item in _sections(document.get("roles"))
        ],
        pending=len(_sections(extension.get("pending"))),
        deleted=deleted,
    )


def _section(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _sections(value: object) -> Sequence[Mapping[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
