"""A declared schedule of failures.

A :class:`Fault` says which calls it hits, from the how-manieth on and how often, and what happens
to them. :class:`Faulty` wraps the application and carries the schedule out; latency is added
there too, so that in-process clients and the real server meet the same delays.
"""

from __future__ import annotations

import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]

FaultKind = Literal[
    "error", "html", "delay", "drop", "lose_answer", "error_after_effect", "revoke_consent"
]
"""``error``: a JSON error instead of the effect. ``html``: an HTML page instead of the effect.
``delay``: the call waits, then works. ``drop``: the connection ends before the effect.
``lose_answer``: the effect happens and the connection ends. ``error_after_effect``: the effect
happens and a gateway answers with an HTML error. ``revoke_consent``: all consent and
all tokens are withdrawn, then the call goes on."""

CONTROL_PATH = "/_simulator"


class ConnectionDropped(ConnectionError):  # noqa: N818 -- says what happened, as in the stdlib
    """The connection ends without an answer.

    :param timed_out: the client notices by its read time-out, not by a reset.
    """

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("the simulator dropped the connection")
        self.timed_out = timed_out


@dataclass(frozen=True)
class Fault:
    """One line of the schedule."""

    kind: FaultKind
    method: str = "*"
    """HTTP method, or ``*``."""
    path: str = ""
    """Regular expression that is searched in the path (without query); empty: every path."""
    nth: int = 1
    """The first matching call that is hit, counted from 1."""
    times: int | None = 1
    """How many calls are hit from there on; None: all."""
    status: int = 500
    error_code: str = "UNSPECIFIED_ERROR"
    message: str = "An internal error has occurred."
    delay_s: float = 0.0
    """Seconds of waiting, for every kind."""
    timed_out: bool = False
    """For dropped connections: the client sees a read time-out instead of a reset."""
    fault_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Fault:
        """Return the fault that a JSON object declares.

        :raises ValueError: an unknown member or kind, or a value of the wrong type.
        """
        known = {item.name for item in fields(cls)}
        if unknown := set(data) - known:
            raise ValueError(f"a fault has no {sorted(unknown)}; it has {sorted(known)}")
        if data.get("kind") not in get_args(FaultKind):
            raise ValueError(f"kind is one of {', '.join(get_args(FaultKind))}")
        for name, value in data.items():
            _check_type(name, value)
        re.compile(data.get("path", ""))
        return cls(**data)

    def matches(self, method: str, path: str) -> bool:
        """Whether a call is of the kind that is hit."""
        return self.method in ("*", method) and re.search(self.path, path) is not None

    def hits(self, call: int) -> bool:
        """Whether the matching call of this number is hit."""
        return call >= self.nth and (self.times is None or call < self.nth + self.times)


def _check_type(name: str, value: Any) -> None:
    if name in ("nth", "times", "status"):
        is_right = (value is None and name == "times") or type(value) is int
        wanted = "a whole number, or null for all" if name == "times" else "a whole number"
    elif name == "delay_s":
        is_right, wanted = type(value) in (int, float) and value >= 0, "a number of seconds"
    elif name == "timed_out":
        is_right, wanted = isinstance(value, bool), "true or false"
    else:
        is_right, wanted = isinstance(value, str), "text"
    if not is_right:
        raise ValueError(f"{name} is {wanted}, not {value!r}")


def hourly_limit(path: str = "/restapi/", status: int = 429, times: int | None = 1) -> Fault:
    """Return the fault of an exceeded hourly limit, in the old way (400) or the new (429)."""
    return Fault(
        "error",
        path=path,
        times=times,
        status=status,
        error_code="HOURLY_APIINVOCATION_LIMIT_EXCEEDED",
        message="The maximum number of hourly API invocations has been exceeded.",
    )


def burst_limit(path: str = "/restapi/", status: int = 429, times: int | None = 1) -> Fault:
    """Return the fault of an exceeded burst limit."""
    return Fault(
        "error",
        path=path,
        times=times,
        status=status,
        error_code="BURST_APIINVOCATION_LIMIT_EXCEEDED",
        message="The maximum number of burst API invocations has been exceeded.",
    )


class FaultSchedule:
    """The faults that are still to come. Thread-safe."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = list(faults)
        self._calls: dict[str, int] = {}

    def add(self, *faults: Fault) -> None:
        """Append to the schedule."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._faults.clear()
            self._calls.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Return the schedule with how many calls each fault has matched."""
        with self._lock:
            return [
                {**asdict(fault), "matched": self._calls.get(fault.fault_id, 0)}
                for fault in self._faults
            ]

    def take(self, method: str, path: str) -> Fault | None:
        """Count a call and return the fault that hits it; the first one declared wins."""
        hit = None
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path):
                    continue
                call = self._calls[fault.fault_id] = self._calls.get(fault.fault_id, 0) + 1
                if hit is None and fault.hits(call):
                    hit = fault
        return hit


@dataclass
class Latency:
    """How long DocuSign takes, in seconds, by group of calls."""

    oauth_s: float = 0.0
    read_s: float = 0.0
    """eSignature GET."""
    write_s: float = 0.0
    """eSignature POST, PUT, DELETE."""
    admin_read_s: float = 0.0
    admin_write_s: float = 0.0

    @classmethod
    def uniform(cls, seconds: float) -> Latency:
        """Return the same latency for all calls."""
        return cls(seconds, seconds, seconds, seconds, seconds)

    def of(self, method: str, path: str) -> float:
        """Return the seconds that a call takes."""
        if path.startswith("/oauth/"):
            return self.oauth_s
        reads = method in ("GET", "HEAD")
        if path.lower().startswith("/management/"):
            return self.admin_read_s if reads else self.admin_write_s
        return self.read_s if reads else self.write_s


class Faulty:
    """A WSGI application with a schedule of faults and latency in front of another one."""

    def __init__(
        self,
        app: WsgiApp,
        schedule: FaultSchedule,
        latency: Latency,
        revoke_consent: Callable[[], None],
    ) -> None:
        self._app = app
        self._schedule = schedule
        self._latency = latency
        self._revoke_consent = revoke_consent

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith(CONTROL_PATH) or request.path == "/":
            return self._app(environ, start_response)
        _sleep(self._latency.of(request.method, request.path))
        fault = self._schedule.take(request.method, request.path)
        if fault is None:
            return self._app(environ, start_response)
        return self._struck(fault, environ, start_response)

    def _struck(
        self, fault: Fault, environ: dict[str, Any], start_response: Any
    ) -> Iterable[bytes]:
        _sleep(fault.delay_s)
        if fault.kind == "drop":
            raise ConnectionDropped(timed_out=fault.timed_out)
        if fault.kind in ("lose_answer", "error_after_effect"):
            body, _, _ = run_wsgi_app(self._app, environ, buffered=True)
            list(body)
            if fault.kind == "lose_answer":
                raise ConnectionDropped(timed_out=fault.timed_out)
        if fault.kind in ("error", "html", "error_after_effect"):
            return _answer(fault, environ)(environ, start_response)
        if fault.kind == "revoke_consent":
            self._revoke_consent()
        return self._app(environ, start_response)


def _answer(fault: Fault, environ: Mapping[str, Any]) -> Response:
    """Return the error in the manner of the API that is called."""
    headers = {"X-DocuSign-TraceToken": str(uuid.uuid4())}
    if fault.kind in ("html", "error_after_effect"):
        page = (
            f"<html><head><title>{fault.status}</title></head><body>{fault.message}</body></html>"
        )
        return Response(page, fault.status, headers, mimetype="text/html")
    if str(environ["PATH_INFO"]).startswith("/restapi/"):
        body = {"errorCode": fault.error_code, "message": fault.message}
    else:
        body = {"error": fault.error_code, "error_description": fault.message}
    return Response(json.dumps(body), fault.status, headers, mimetype="application/json")


def _sleep(seconds: float) -> None:
    if seconds > 0:
        time.sleep(seconds)
