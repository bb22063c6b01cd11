"""Traces: a SCIM request, its plan and its calls are one, with DocuSign's trace token."""

import subprocess
import sys

import pytest

from connector import tracing
from connector.app import create_served
from connector.errors import ConfigError
from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from connector.settings import ObservingSettings
from connector.tracing import CORRELATION, configure_tracing, span, stop_tracing
from simulator.faults import Fault
from tests.connector import connected, refused

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def exporter():
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter", reason="comes with the extra otel"
    )
    made = memory.InMemorySpanExporter()
    configure_tracing(ObservingSettings(), made)
    yield made
    stop_tracing()


@pytest.fixture
def connector(tmp_path, exporter):
    running = connected(tmp_path / "connector.db")
    running.http = create_served(running.application).test_client()
    exporter.clear()
    yield running
    running.close()


def test_a_request_its_plan_and_its_calls_are_one_trace_of_the_callers(connector, exporter):
    body = {"userName": "ann@partner.example"}
    answer = connector.post("/Users", body, traceparent=PARENT, **{"x-correlation-id": "req-7"})
    assert answer.status_code == 201
    spans = exporter.get_finished_spans()
    by_id = {item.context.span_id: item for item in spans}
    [request] = [item for item in spans if item.name == "POST /scim/v2/Users"]
    [plan] = [item for item in spans if item.name == "plan"]
    [creation] = [
        item for item in spans if item.name == "DocuSign POST /v2.1/accounts/{account_id}/users"
    ]
    assert {f"{item.context.trace_id:032x}" for item in spans} == {TRACE}
    assert by_id[creation.parent.span_id] is plan
    assert by_id[plan.parent.span_id] is request
    assert creation.attributes["docusign.trace_token"]
    assert creation.attributes["http.response.status_code"] == 201
    assert plan.attributes["connector.operations"] >= 1
    assert request.attributes["http.response.status_code"] == 201
    assert {item.attributes[CORRELATION] for item in (request, plan, creation)} == {"req-7"}


def test_spans_name_nobody_and_hold_no_secret(connector, exporter):
    connector.post("/Users", {"userName": "ann@partner.example", "displayName": "Ann Lee"})
    connector.get('/Users?filter=userName eq "ann@partner.example"')
    told = "".join(item.to_json() for item in exporter.get_finished_spans())
    for secret in ("ann@partner", "Lee", connector.token, "Bearer"):
        assert secret not in told


def test_an_error_is_noted_by_its_kind(connector, exporter):
    connector.world.faults.add(Fault("drop", "POST", "/users$", times=None))
    refused(connector.post("/Users", {"userName": "ann@partner.example"}), 503)
    failed = {item.name: item for item in exporter.get_finished_spans() if not item.status.is_ok}
    assert "error.type" in failed["plan"].attributes
    assert "error.type" in failed["DocuSign POST /v2.1/accounts/{account_id}/users"].attributes


def test_a_job_is_a_trace_of_its_own(connector, exporter):
    run_job("sync", connector.services, Actor("job:sync", "job", "c-1"))
    spans = exporter.get_finished_spans()
    [job] = [item for item in spans if item.name == "job sync"]
    assert (job.parent, job.attributes["connector.tenant"]) == (None, "default")
    others = [item for item in spans if item.context.trace_id != job.context.trace_id]
    assert [item.name for item in others] == ["job reconcile"], "what a sync leads to"
    assert len(spans) > 5


def test_without_a_setting_nothing_is_imported_and_a_span_is_nothing():
    with span("anything", known=1) as current:
        current.set_attribute("more", 2)
    code = (
        "import sys, connector.app; "
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_address_without_the_libraries_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"\.\[otel\]"):
        configure_tracing(ObservingSettings(otlp_endpoint="http://localhost:4318"))
    assert tracing._tracing.provider is None
