"""Sends one request and tells apart what certainly never arrived and what may have arrived."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

import structlog

from connector.docusign.causes import TRACE_HEADER
from connector.docusign.errors import DocusignError, UnavailableError
from connector.patience import is_too_late, within
from connector.ports import CallJournal
from connector.purpose import count_call
from connector.settings import DocusignSettings, Secret
from connector.tracing import span

if TYPE_CHECKING:
    import requests

_log = structlog.get_logger(__name__)

USER_AGENT = "docusign-iga-connector"


class Bearer:
    """Adds an access token. What is given as ``auth`` keeps requests from using a ``.netrc``."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Basic:
    """Adds client id and secret (RFC 6749 §2.3.1)."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self._client_id = client_id
        self._secret = secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self._client_id}:{self._secret.reveal()}".encode()
        request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return request


class Transport:
    """The HTTP layer under all calls. Logs each, and notes it for the audit, with method, path
    template, status, trace token and time; never a query, a header or a body. Thread-safe."""

    def __init__(
        self,
        settings: DocusignSettings,
        session: requests.Session | None = None,
        journal: CallJournal | None = None,
    ) -> None:
        self._settings = settings
        self._opened = session
        self._lock = threading.Lock()
        self._journal = journal
        self._timeout_s = (settings.connect_timeout_s, settings.read_timeout_s)
        if settings.ca_bundle:
            # One that cannot be read keeps the process from starting.
            self._session()

    def _session(self) -> requests.Session:
        from connector.docusign.session import pooled_session  # noqa: PLC0415 - see there

        with self._lock:
            if self._opened is None:
                self._opened = pooled_session(self._settings)
            return self._opened

    def close(self) -> None:
        """Close the pooled connections."""
        if self._opened is not None:
            self._opened.close()

    def send(
        self,
        what: str,
        method: str,
        url: str,
        *,
        template: str,
        tenant: str,
        auth: Bearer | Basic | None = None,
        params: Mapping[str, str] | None = None,
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        into: IO[bytes] | None = None,
    ) -> requests.Response:
        """Send a request and return the answer, whatever its status.

        :param what: what is tried, for messages.
        :param template: the path without values, for the log and the audit.
        :param tenant: for whom.
        :param into: takes the body of a success, piece by piece, from its beginning; the answer
            has none then.
        :raises UnavailableError: nothing was sent, or a read got no answer. Nothing is sent where
            whoever waits for the answer can wait no longer.
        :raises NoAnswerError: a write was sent and got no answer.
        :raises CertificateRejectedError: TLS failed.
        """
        from connector.docusign.session import answered  # noqa: PLC0415 - see there

        _require_time(what)
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
        with span(
            f"DocuSign {method} {template}",
            **{"http.request.method": method, "url.template": template, "connector.tenant": tenant},
        ) as current:
            started = time.perf_counter()
            try:
                response = answered(
                    self._session(),
                    what,
                    method,
                    url,
                    into=into,
                    params=params,
                    data=data,
                    headers=headers,
                    auth=auth or _no_auth,
                    timeout=tuple(within(seconds) for seconds in self._timeout_s),
                )
            except DocusignError as error:
                self._log(tenant, method, template, started, error=type(error.__cause__).__name__)
                raise
            trace_token = response.headers.get(TRACE_HEADER)
            status = response.status_code
            self._log(tenant, method, template, started, status=status, trace_token=trace_token)
            current.set_attribute("http.response.status_code", status)
            if trace_token is not None:
                current.set_attribute("docusign.trace_token", trace_token)
        return response

    def _log(self, tenant: str, method: str, template: str, started: float, **outcome: Any) -> None:
        elapsed_ms = round((time.perf_counter() - started) * 1000)
        count_call()
        if self._journal is not None:
            known = {name: value for name, value in outcome.items() if value is not None}
            facts = {"method": method, "path": template, "duration_ms": elapsed_ms, **known}
            self._journal.call(tenant, facts)
        status = outcome.get("status", HTTPStatus.INTERNAL_SERVER_ERROR)
        log = _log.warning
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            # Thousands of reads in a sync are for the curious; a change is always told, with the
            # trace token that DocuSign's support asks for.
            is_told = status >= HTTPStatus.BAD_REQUEST or method != "GET"
            log = _log.info if is_told else _log.debug
        log("docusign call", method=method, path=template, ms=elapsed_ms, **outcome)


def _require_time(what: str) -> None:
    if is_too_late():
        error = UnavailableError(
            f"{what[:1].upper()}{what[1:]} was not begun: DocuSign answers too slowly for the time "
            "that a request waits (provisioning.wait_s), or a step of a change may take that is "
            "carried out later (less than two minutes)."
        )
        error.nothing_sent = True
        raise error


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
