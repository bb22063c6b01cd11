"""Hears every answer of the token endpoint, and has it written down soon.

It is written in a thread of its own, because a token may be fetched while the caller holds the
database's one turn to write.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from connector.domain.consent.state import TokenOutcome
from connector.errors import ConnectorError, PermanentError

_log = structlog.get_logger(__name__)

_REPEAT_AFTER = timedelta(minutes=1)
"""The same answer is written down no sooner again: a refusal may be met a thousand times."""
_TRY_AGAIN_S = 2.0
_MOST = 10_000
"""Answers that wait for a database that is away; the oldest go."""

Record = Callable[[str, TokenOutcome], None]


class ConsentWatch:
    """A :class:`connector.ports.TokenListener`. Thread-safe."""

    def __init__(self) -> None:
        self._record: Record | None = None
        self._waiting: deque[tuple[str, TokenOutcome]] = deque(maxlen=_MOST)
        self._heard: dict[tuple[str, str, frozenset[str]], tuple[str, datetime]] = {}
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def write_with(self, record: Record) -> None:
        """Say how an answer is written down: ``record(tenant, outcome)``."""
        self._record = record

    def answered(self, tenant: str, outcome: TokenOutcome) -> None:
        """Take note; see :class:`connector.ports.TokenListener`."""
        key = (tenant, outcome.user_id, outcome.scopes)
        with self._guard:
            trouble, at = self._heard.get(key, ("-", outcome.at))
            if trouble == outcome.trouble and outcome.at - at < _REPEAT_AFTER:
                return
            self._heard = self._heard if len(self._heard) < _MOST else {}
            self._heard[key] = (outcome.trouble, outcome.at)
            self._waiting.append((tenant, outcome))
            if self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(target=self._run, name="consent", daemon=True)
                self._thread.start()
        self._wake.set()

    def flush(self) -> None:
        """Write down what was heard so far. Where the database refuses, it is tried again later."""
        with self._writing:
            while self._waiting:
                tenant, outcome = self._waiting[0]
                try:
                    if self._record is not None:
                        self._record(tenant, outcome)
                except PermanentError as error:
                    _log.warning("an answer about consent is dropped", error=str(error))
                except ConnectorError as error:
                    _log.warning("answers about consent wait", error=str(error))
                    return
                self._waiting.popleft()

    def close(self) -> None:
        """Stop; what is left is written now."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(_TRY_AGAIN_S if self._waiting else None)
            self._wake.clear()
            try:
                self.flush()
            except Exception:  # noqa: BLE001
                # A defect here must not silence the watch for good.
                _log.exception("an answer about consent was not written down")
                self._waiting.clear()
