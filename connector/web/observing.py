"""What monitoring asks over HTTP: /healthz, /readyz and /metrics."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, request

from connector.bootstrap import Application
from connector.domain.consent.state import ConsentState
from connector.domain.ledger.job_runs import RunState
from connector.errors import ConnectorError
from connector.services.monitoring.observation import (
    Check,
    Observation,
    Readiness,
    observe,
    oldest_first,
)

if TYPE_CHECKING:
    from prometheus_client.metrics_core import GaugeMetricFamily

_KEPT_S = 10.0
"""Several Prometheus servers ask often; the database is asked less."""
_EVERY_TENANT = "*"
"""The label of what is told of all tenants together, where there are many."""


def _sum(one: float, other: float) -> float:
    return one + other


_WORST: Mapping[str, Callable[[float, float], float]] = {
    "sync_age_seconds": max,
    "oldest_waiting_change_seconds": max,
    "job_last_succeeded": min,
    "job_last_duration_seconds": max,
    "budget_calls_limit": min,
    "budget_calls_left": min,
}
"""How values of several tenants become one; the others are summed."""


def create_observing_blueprint(application: Application) -> Blueprint:
    """Return the blueprint for the root of the site."""
    blueprint = Blueprint("observing", __name__)
    settings = application.settings.observing
    readiness = Readiness(
        application.store,
        application.clock,
        lambda: [entry.name for entry in application.catalogue.active()],
        application.store.revisions,
        settings.ready_sync_age_s,
        listed=settings.tenants_listed,
    )
    state = StateCollector(application, readiness)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @blueprint.get("/readyz")
    def readyz() -> Response:
        checks = readiness.checks()
        is_ready = readiness.is_ready(checks)
        return Response(
            orjson.dumps(_readiness_json(checks, is_ready=is_ready), option=orjson.OPT_INDENT_2),
            status=200 if is_ready else 503,
            mimetype="application/json",
            headers={"Cache-Control": "no-store"},
        )

    @blueprint.get("/metrics")
    def metrics() -> Response:
        token = settings.metrics_token
        if not token:
            text = "There are no metrics here: observing.metrics_token is not set.\n"
            return Response(text, 404, mimetype="text/plain")
        if not hmac.compare_digest(_presented(), token.reveal().encode()):
            headers = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            text = "Send the token of observing.metrics_token as a bearer token.\n"
            return Response(text, 401, headers, mimetype="text/plain")
        text_of_all = application.metrics.text(state)
        return Response(text_of_all, content_type=application.metrics.content_type)

    return blueprint


def _presented() -> bytes:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip().encode() if scheme.casefold() == "bearer" else b""


def _readiness_json(checks: Sequence[Check], *, is_ready: bool) -> dict[str, object]:
    return {
        "status": "ready" if is_ready else "not ready",
        "checks": {check.name: check.problem or check.note or "ok" for check in checks},
    }


class StateCollector:
    """How the tenants stand, as gauges; asked at most every ten seconds. Thread-safe."""

    def __init__(self, application: Application, readiness: Readiness) -> None:
        self._application = application
        self._readiness = readiness
        self._lock = threading.Lock()
        self._seen: Sequence[Observation] = ()
        self._is_ready = False
        self._is_many = False
        self._known: dict[str, Observation] = {}
        self._until = 0.0

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the gauges."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._look()
                self._until = time.monotonic() + _KEPT_S
            seen, is_ready = self._seen, self._is_ready
        gauges = _Gauges()
        if self._is_many:
            tenants = len(list(self._application.catalogue.active()))
            gauges.add("tenants", "Tenants that are served.", {}, float(tenants))
            told = "Tenants that the sums are of; all of them after a few scrapes."
            gauges.add("tenants_seen", told, {}, float(len(seen)))
        gauges.add("ready", "Whether /readyz says ready.", {}, float(is_ready))
        now = self._application.clock.now().timestamp()
        for one in seen:
            name = _EVERY_TENANT if self._is_many else one.tenant
            _describe(gauges, replace(one, tenant=name), now)
        return gauges.families()

    def _look(self) -> None:
        self._is_ready = self._readiness.is_ready(self._readiness.checks())
        try:
            names = [entry.name for entry in self._application.catalogue.active()]
            most = self._application.settings.observing.tenants_listed
            self._is_many = len(names) > most
            now = self._application.clock.now()
            # By turns where there are many: monitoring does not wait for a thousand.
            for name in oldest_first(self._known, names)[:most]:
                self._known.pop(name, None)
                self._known[name] = observe(self._application.store, name, now)
            self._seen = tuple(self._known.values())
        except ConnectorError:
            self._seen = ()  # Told by /readyz; the counters are worth having without the database.


def _describe(gauges: _Gauges, seen: Observation, now: float) -> None:
    tenant = {"tenant": seen.tenant}
    for state, number in seen.plans.items():
        gauges.add("plans", "Plans in the ledger by state.", {**tenant, "state": state}, number)
    waits_s = now - seen.waits_since.timestamp() if seen.waits_since else 0.0
    longest = "How long the change waits that has waited for DocuSign the longest; 0: none waits."
    gauges.add("oldest_waiting_change_seconds", longest, tenant, max(0.0, waits_s))
    for kind, number in seen.open_work_items.items():
        help_text = "Work items that wait for somebody."
        gauges.add("work_items_open", help_text, {**tenant, "kind": kind}, number)
    for name, number in seen.mirror.items():
        gauges.add("mirror_size", "Rows of the mirror.", {**tenant, "kind": name}, number)
    for count in seen.calls:
        labels = {**tenant, "budget": count.budget, "purpose": count.purpose}
        gauges.add("budget_calls_used", "Our calls of this hour.", labels, count.calls)
        refused = "Those of them that a limit of DocuSign turned away."
        gauges.add("budget_calls_refused", refused, labels, count.refused)
    waiting = "Places that deltas have still to read, one call each."
    gauges.add("read_hints_waiting", waiting, tenant, seen.hints)
    for budget, said in seen.budgets.items():
        labels = {**tenant, "budget": budget}
        if said.remaining is not None:
            left = "Calls that the account has left in this hour."
            gauges.add("budget_calls_left", left, labels, said.remaining)
        if said.call_limit is not None:
            gauges.add("budget_calls_limit", "Calls an hour.", labels, said.call_limit)
    _describe_consent(gauges, seen)
    _describe_drift(gauges, seen)
    if seen.synced_at is not None:
        age = max(0.0, now - seen.synced_at.timestamp())
        gauges.add("sync_age_seconds", "Time since the last full aggregation began.", tenant, age)
    _describe_jobs(gauges, seen, now)


def _describe_jobs(gauges: _Gauges, seen: Observation, now: float) -> None:
    for run in seen.last_runs:
        job = {"tenant": seen.tenant, "job": run.job}
        succeeded = "Whether the last run succeeded."
        gauges.add("job_last_succeeded", succeeded, job, float(run.state is not RunState.FAILED))
        if run.finished_at is not None:
            since = max(0.0, now - run.finished_at.timestamp())
            gauges.add("job_age_seconds", "Time since the last run ended.", job, since)
        duration = "Time that the last run took."
        gauges.add("job_last_duration_seconds", duration, job, run.duration_s or 0.0)


def _describe_drift(gauges: _Gauges, seen: Observation) -> None:
    for kind, number in seen.findings.items():
        labels = {"tenant": seen.tenant, "class": kind}
        gauges.add("drift_findings_open", "Open findings of drift.", labels, number)


def _describe_consent(gauges: _Gauges, seen: Observation) -> None:
    for state in ConsentState:
        labels = {"tenant": seen.tenant, "state": state}
        is_so = "Whether consent for the service user is in this state."
        gauges.add("connection", is_so, labels, float(state is seen.connection))
    for state, number in seen.consents.items():
        can_be = "Users by whether they can be impersonated, where somebody asked."
        gauges.add("consents", can_be, {"tenant": seen.tenant, "state": state}, number)


class _Gauges:
    """Gathers samples into families by name."""

    def __init__(self) -> None:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - see metrics

        self._make: Callable[..., GaugeMetricFamily] = GaugeMetricFamily
        self._families: dict[str, GaugeMetricFamily] = {}
        self._values: dict[str, dict[tuple[str, ...], float]] = {}

    def add(self, name: str, help_text: str, labels: dict[str, str], value: float) -> None:
        if name not in self._families:
            full_name = f"docusign_iga_{name}"
            self._families[name] = self._make(full_name, help_text, labels=tuple(labels))
        values = self._values.setdefault(name, {})
        place = tuple(labels.values())
        combine = _WORST.get(name, _sum)
        values[place] = combine(values[place], value) if place in values else value

    def families(self) -> Iterable[GaugeMetricFamily]:
        for name, family in self._families.items():
            for place, value in self._values[name].items():
                family.add_metric(list(place), value)
        return self._families.values()
