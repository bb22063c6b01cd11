"""What this process did, counted for Prometheus: SCIM requests and calls to DocuSign.

The processes that one ``serve`` starts count together, in files of a directory that
:func:`share_metrics` makes; whichever of them is asked answers for all.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from connector.parentage import lives
from connector.purpose import current_purpose

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

_SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported, which is why it is imported late."""

_DIRECTORY = "docusign-iga-metrics-"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""A read takes less than a millisecond, a write what DocuSign takes, both together up to wait_s."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ROUTES = {
    name.casefold(): name
    for name in (
        *("Users", "Groups", "Entitlements", "Roles", "Tombstones", "Schemas", "ResourceTypes"),
        *("ServiceProviderConfig", "Bulk", "Requests", "Me"),
    )
}
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Collector(Protocol):
    """Something that is looked at when the metrics are asked for."""

    def collect(self) -> Iterable[Metric]:
        """Return metrics as they are now."""


class _Instruments:
    """What is counted by."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram  # noqa: PLC0415 - see _SHARED

        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "docusign_iga_scim_request_duration_seconds",
            "Time to answer SCIM requests.",
            ("method", "route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.calls = Counter(
            "docusign_iga_docusign_calls",
            "Calls to DocuSign; status 0 had no answer.",
            ("purpose", "status"),
            registry=self.registry,
        )
        self.call_seconds = Histogram(
            "docusign_iga_docusign_call_duration_seconds",
            "Time that DocuSign took to answer.",
            ("purpose",),
            buckets=_SECONDS,
            registry=self.registry,
        )


class Metrics:
    """Counts requests and calls. Thread-safe; a count costs about a microsecond."""

    content_type = _CONTENT_TYPE

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: _Instruments | None = None
        self._known: dict[tuple[str, str, int], Any] = {}

    def _instruments(self) -> _Instruments:
        """Return what counts: a command that neither answers nor calls has none."""
        with self._lock:
            if self._made is None:
                self._made = _Instruments()
            return self._made

    def request(self, method: str, rest: str, status: int, seconds: float) -> None:
        """Count an answered SCIM request.

        :param rest: the path under the base address.
        """
        # To find the child by its labels takes prometheus_client longer than all else here.
        place = (method, _route(rest), status)
        child = self._known.get(place)
        if child is None:
            verb = method if method in _METHODS else "other"
            child = self._known[place] = self._instruments().requests.labels(
                verb, place[1], str(status)
            )
        child.observe(seconds)

    def call(self, _tenant: str, facts: Mapping[str, Any]) -> None:
        """Count a call to DocuSign; see :class:`connector.ports.CallJournal`."""
        purpose, counted = current_purpose(), self._instruments()
        counted.calls.labels(purpose, str(facts.get("status", 0))).inc()
        counted.call_seconds.labels(purpose).observe(facts["duration_ms"] / 1000)

    def text(self, *more: Collector) -> bytes:
        """Return everything in Prometheus' text format, with what *more* collectors tell."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415
        from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

        registry = CollectorRegistry()
        if os.environ.get(_SHARED):
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        else:
            registry = self._instruments().registry
        text = generate_latest(registry)
        for collector in more:
            own = CollectorRegistry()
            own.register(collector)
            text += generate_latest(own)
        return text


def share_metrics() -> None:
    """Let this process and those that it starts count together, from nothing.

    To be called before anything is counted. The files go when this process ends.
    """
    owner = os.getpid()
    _remove_left_over()
    place = Path(tempfile.mkdtemp(prefix=f"{_DIRECTORY}{owner}-"))
    os.environ[_SHARED] = str(place)

    def remove() -> None:
        # Forked workers end with the same list of things to do.
        if os.getpid() == owner:
            shutil.rmtree(place, ignore_errors=True)

    atexit.register(remove)


def _remove_left_over() -> None:
    """Remove the files of processes that were killed and could not do it themselves."""
    for place in Path(tempfile.gettempdir()).glob(f"{_DIRECTORY}*-*"):
        pid = place.name.removeprefix(_DIRECTORY).partition("-")[0]
        if pid.isdecimal() and not lives(int(pid)):
            shutil.rmtree(place, ignore_errors=True)


def _route(rest: str) -> str:
    """Return which endpoint a path means: few values, whatever clients send."""
    first, slash, more = rest.partition("/")
    name = _ROUTES.get(first.casefold()) if first else "/"
    if name is None:
        return "other"
    if not slash or not more:
        return f"/{name}" if first else name
    return f"/{name}/{'.search' if more == '.search' else '{id}'}"
