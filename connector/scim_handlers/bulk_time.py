"""How long a bulk request takes: no longer than a single one (ADR 2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from connector.patience import left_s
from connector.scim_handlers.ports import Application, actor_of
from connector.services.provisioning.recording import answered_in_time
from scim.handlers import RequestContext


class BulkTime:
    """See :attr:`scim.service.ScimService.within_time`."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @contextmanager
    def within(self, context: RequestContext) -> Iterator[Callable[[], bool]]:
        """Bound a bulk request, and give what says whether there is time to begin one more
        operation.

        Where changes may wait for DocuSign there always is: what it cannot be asked for in time is
        queued.
        """
        settings = self._application.tenant(context.caller.tenant).settings.provisioning
        pace = _Pace()
        with answered_in_time(actor_of(context), settings):
            yield pace.has_time if settings.on_unavailable == "fail" else lambda: True


class _Pace:
    """Knows how long the operations of a bulk request take. It is asked before each of them."""

    def __init__(self) -> None:
        self._asked_at = time.monotonic()
        self._longest_s = 0.0

    def has_time(self) -> bool:
        """Return whether one that takes as long as the longest so far would end in time; broken off
        amid its calls it would be left to settlement."""
        now = time.monotonic()
        self._longest_s = max(self._longest_s, now - self._asked_at)
        self._asked_at = now
        left = left_s()
        return left is None or left > max(self._longest_s, _LEAST_S)


_LEAST_S = 1.0
"""With less left nothing is begun: a change is more than one call to DocuSign."""
