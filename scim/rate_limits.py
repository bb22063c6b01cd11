"""A limit of requests for each client, and the headers that tell it.

There is no standard for these headers; the names are those that SailPoint's connectors read.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence

from scim.errors import TooManyRequests
from scim.handlers import Caller

Headers = Sequence[tuple[str, str]]


class RateLimits:
    """A bucket for each client, filled evenly: a minute's worth at once, and then one by one.

    :param per_minute: from the tenant's name to its limit; 0 is none.
    :param now: seconds since the epoch.
    """

    def __init__(self, per_minute: Callable[[str], int], now: Callable[[], float]) -> None:
        self._per_minute = per_minute
        self._now = now
        self._guard = threading.Lock()
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, caller: Caller) -> Headers:
        """Count a request and return what its answer tells; nothing where there is no limit.

        :raises TooManyRequests: the client is over its limit.
        """
        limit = self._per_minute(caller.tenant)
        if limit <= 0:
            return ()
        key, now, rate = (caller.tenant, caller.client_id), self._now(), limit / 60
        with self._guard:
            left, at = self._buckets.get(key, (float(limit), now))
            left = min(float(limit), left + max(0.0, now - at) * rate)
            is_over = left < 1
            left -= not is_over
            self._buckets[key] = (left, now)
        reset = math.ceil((limit - left) / rate)
        epoch = caller.dialect.rate_limit_reset == "epoch"
        headers = [
            ("x-rate-limit-limit", str(limit)),
            ("x-rate-limit-remaining", str(math.floor(left))),
            ("x-rate-limit-reset", str(math.ceil(now) + reset if epoch else reset)),
        ]
        if is_over:
            wait = max(1, math.ceil((1 - left) / rate))
            headers.append(("x-rate-limit-retry-after-seconds", str(wait)))
            raise TooManyRequests(
                f"More than {limit} requests in a minute (429); repeat in {wait} s.",
                retry_after_s=wait,
                headers=headers,
            )
        return headers
