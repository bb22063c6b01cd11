"""Walks lists that come in pages, of which none has an end by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from connector.docusign import wire
from connector.docusign.client import ApiClient, Call, Json, Target, listed

_log = structlog.get_logger(__name__)

PAGE = 100
"""The largest page of users, groups and members that the eSignature API gives."""
REPEATS = 3
"""A page that comes so often again in a row is taken for the last."""


class Repeats:
    """Notices a list that gives one page again and again: it would have no end."""

    def __init__(self, what: str) -> None:
        """:param what: what is tried, for the log."""
        self._what = what
        self._before: Sequence[Json] = ()
        self._times = 0

    def are_endless(self, items: Sequence[Json]) -> bool:
        """Return whether the walk has to end with this page, the next one of it. The log says so;
        what is missed a later walk may come to."""
        self._times = self._times + 1 if items and items == self._before else 0
        self._before = items
        if self._times < REPEATS:
            return False
        _log.warning("docusign gives one page again and again", what=self._what)
        return True


@dataclass(frozen=True)
class Page:
    """A page of a list of the eSignature API."""

    items: list[Json]
    start: int
    following: int | None
    """Where the next page starts; None after the last."""
    total: int


def esign_pages(
    client: ApiClient, target: Target, call: Call, name: str, start: int = 0
) -> Iterator[Page]:
    """Walk a list of the eSignature API.

    :param name: of the list in the answers.
    :param start: the position at which to begin.
    :raises DocusignError: see :mod:`connector.docusign.errors`.
    """
    repeats, is_second_try = Repeats(call.what), False
    while True:
        query = {**call.query, "count": str(PAGE), "start_position": str(start)}
        answer = client.send(target, Call(call.what, call.method, call.template, call.path, query))
        items = listed(call, answer, name)
        end = start + len(items)
        total = wire.number(answer.get("totalSetSize")) or end
        if not items and start < total and not is_second_try:
            # A page is missing: once more, before the walk is taken for shorter than it is.
            is_second_try = True
            continue
        is_second_try = False
        # A full page may have another behind it, whatever the total says.
        more = bool(answer.get("nextUri")) or end < total or len(items) >= PAGE
        following = end if items and more and not repeats.are_endless(items) else None
        yield Page(items, start, following, total)
        if following is None:
            return
        start = following
