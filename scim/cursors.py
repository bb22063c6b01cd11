"""Cursors (RFC 9865): opaque to clients, stateless for us, and of no use to anybody else.

A cursor says behind which place the next page begins. It is sealed for what it was given out for
(tenant, client, endpoint, filter, order, projection), so that it cannot be made up, carried to
another query or to another client. In a sorted list the place is a name, say, or an address: what
stands in URLs ends up in logs (RFC 7644 §7.5.2), so the seal hides it. The characters are
URL-unreserved.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from scim.errors import ExpiredCursor, InvalidCount, InvalidCursor, InvalidValue
from scim.handlers import Page, Query, RequestContext
from scim.parameters import integer


@dataclass(frozen=True)
class Sweep:
    """A walk through all pages of one query."""

    query: Query
    """For the page that is asked for."""
    binding: bytes
    """What the walk's cursors are for."""
    total: int | None = None
    """The total of the first page, which every page repeats; None on the first."""


class Cursors:
    """Gives out and reads cursors.

    :param key: the secret of a tenant, 32 bytes, the same in all its processes.
    :param now: seconds since the epoch.
    :param max_page_size: of a tenant, by its name.
    """

    def __init__(
        self,
        key: Callable[[str], bytes],
        now: Callable[[], float],
        timeout_s: int,
        max_page_size: Callable[[str], int],
    ) -> None:
        self._key = key
        self._now = now
        self._timeout_s = timeout_s
        self._max_page_size = max_page_size

    def begin(
        self, values: Mapping[str, Any], query: Query, context: RequestContext, endpoint: str
    ) -> Sweep:
        """Return where a request with ``cursor`` stands in its walk.

        :raises InvalidCursor: the cursor was not given out for this.
        :raises ExpiredCursor: it was, too long ago.
        :raises InvalidCount: ``count`` is above the maximum, or another one than before.
        :raises InvalidValue: ``startIndex`` is given too.
        """
        if values.get("startIndex"):
            raise InvalidValue("Send cursor or startIndex, not both.")
        count = max(0, integer(values, "count", query.count))
        largest = self._max_page_size(context.caller.tenant)
        if count > largest:
            raise InvalidCount(f"count must lie between 0 and {largest}.")
        binding = _binding(values, query, context, endpoint)
        token = values["cursor"]
        if not token:
            return Sweep(replace(query, after=""), binding)
        after, first_count, total = self._open(token, context.caller.tenant, binding)
        if values.get("count") not in (None, "") and count != first_count:
            raise InvalidCount(f"count must stay as it was on the first page: {first_count}.")
        return Sweep(replace(query, after=after, count=first_count), binding, total)

    def next_cursor(self, sweep: Sweep, page: Page, tenant: str) -> str | None:
        """Return the cursor of the page behind *page*, None where that is the last."""
        if page.next_after is None:
            return None
        total = page.total_results if sweep.total is None else sweep.total
        expires = int(self._now()) + self._timeout_s
        payload = orjson.dumps([expires, page.next_after, sweep.query.count, total])
        sealed = AESSIV(self._key(tenant)).encrypt(payload, [sweep.binding])
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _open(self, token: Any, tenant: str, binding: bytes) -> tuple[str, int, int]:
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            payload = AESSIV(self._key(tenant)).decrypt(sealed, [binding])
        except (TypeError, ValueError, InvalidTag):
            raise InvalidCursor from None
        expires, after, count, total = orjson.loads(payload)
        if self._now() > expires:
            raise ExpiredCursor(
                f"The cursor expired: it is valid for {self._timeout_s} seconds. "
                "Begin again with an empty cursor."
            )
        return after, count, total


def _binding(
    values: Mapping[str, Any], query: Query, context: RequestContext, endpoint: str
) -> bytes:
    caller, projection = context.caller, context.projection
    told = [
        caller.tenant,
        caller.client_id,
        caller.external_id_scope,
        endpoint,
        values.get("filter"),
        str(query.sort_by or "").lower(),
        query.descending,
        sorted(str(path).lower() for path in projection.attributes),
        sorted(str(path).lower() for path in projection.excluded),
    ]
    return hashlib.sha256(orjson.dumps(told)).digest()
