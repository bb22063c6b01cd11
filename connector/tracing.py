"""Traces for OpenTelemetry: a request, its plan, each call to DocuSign. Off without a setting.

The extra ``otel`` brings the libraries; without a setting none of them is imported, and a span
costs less than a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from connector.errors import ConfigError
from connector.logs import correlation_id
from connector.settings import ObservingSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_MISSING = 'observing.otlp_endpoint: traces need, in the clone: pip install ".[otel]"'
CORRELATION = "connector.correlation_id"


class Span(Protocol):
    """Something that takes time, with what is known of it."""

    def set_attribute(self, name: str, value: Any) -> None:
        """Note a fact: never a secret, never what a person is called."""


class _Nothing:
    """A span that nobody wants."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def set_attribute(self, name: str, value: Any) -> None:
        """Forget it."""


_NOTHING = _Nothing()


class _Tracing:
    """Where spans of this process go."""

    def __init__(self) -> None:
        self.tracer: Any = None
        self.provider: Any = None


_tracing = _Tracing()


def span(name: str, **attributes: Any) -> AbstractContextManager[Span]:
    """Time a block as a part of what goes on around it; an error that leaves it is noted by its
    kind. Attributes that are None are left out."""
    if _tracing.tracer is None:
        return _NOTHING
    return _span(name, attributes)


def is_tracing() -> bool:
    """Whether anybody wants spans."""
    return _tracing.tracer is not None


@contextmanager
def _span(name: str, attributes: dict[str, Any], **options: Any) -> Iterator[Span]:
    known = {key: value for key, value in attributes.items() if value is not None}
    if found := correlation_id():
        known[CORRELATION] = found
    # Messages of errors quote names and addresses; logs and audit have them.
    with _tracing.tracer.start_as_current_span(
        name, attributes=known, record_exception=False, set_status_on_exception=False, **options
    ) as current:
        try:
            yield current
        except BaseException as error:
            from opentelemetry.trace import StatusCode  # noqa: PLC0415 - the extra is there

            current.set_attribute("error.type", type(error).__name__)
            current.set_status(StatusCode.ERROR)
            raise


def configure_tracing(settings: ObservingSettings, exporter: Any = None) -> None:
    """Send spans of this process where the settings say; without an address to nobody.

    :param exporter: takes the spans instead, one by one; for tests.
    :raises ConfigError: the extra ``otel`` is not installed.
    """
    if _tracing.provider is not None or not (settings.otlp_endpoint or exporter):
        return
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider, sampling  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415
            BatchSpanProcessor,
            SimpleSpanProcessor,
        )
    except ImportError as error:
        raise ConfigError([_MISSING]) from error
    sampler = sampling.ParentBased(sampling.TraceIdRatioBased(settings.trace_sample_pct / 100))
    resource = Resource.create({"service.name": "docusign-iga-connector"})
    provider = TracerProvider(resource=resource, sampler=sampler)
    if exporter is not None:
        provider.add_span_processor(SimpleSpanProcessor(exporter))
    else:
        provider.add_span_processor(BatchSpanProcessor(_otlp(settings.otlp_endpoint)))
    _tracing.provider, _tracing.tracer = provider, provider.get_tracer("connector")


def _otlp(endpoint: str) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
    except ImportError as error:
        raise ConfigError([_MISSING]) from error
    return OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces")


def stop_tracing() -> None:
    """Send what waits, and nothing from then on."""
    provider, _tracing.provider, _tracing.tracer = _tracing.provider, None, None
    if provider is not None:
        provider.shutdown()


class TracedRequests:
    """Gives every request a span, within the caller's own trace (W3C ``traceparent``)."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve a request."""
        from opentelemetry.propagate import extract  # noqa: PLC0415 - an extra
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        carrier = {"traceparent": environ.get("HTTP_TRACEPARENT", "")}
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        facts = {"http.request.method": method, "url.path": path}
        options = {"context": extract(carrier), "kind": SpanKind.SERVER}
        with _span(f"{method} {_route(path)}", facts, **options) as current:
            return self._app(environ, _noting(start_response, current))


def _noting(start_response: StartResponse, current: Span) -> StartResponse:
    def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Callable[[bytes], Any]:
        current.set_attribute("http.response.status_code", int(status[:3]))
        for name, value in headers:
            if name.lower() == "x-correlation-id":
                current.set_attribute(CORRELATION, value)
        return start_response(status, headers, *more)

    return start


def _route(path: str) -> str:
    """Return the part of a path that names no resource: ``/scim/v2/Users``."""
    head, mark, tail = path.partition("/scim/v2/")
    return f"{head}{mark}{tail.partition('/')[0]}" if mark else path
