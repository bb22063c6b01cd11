"""Sends one request and tells apart what certainly never arrived and what may have arrived."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from typing import IO, Any

import requests
import structlog
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connector.docusign.causes import TRACE_HEADER
from connector.docusign.errors import (
    CertificateRejectedError,
    DocusignError,
    NoAnswerError,
    UnavailableError,
)
from connector.errors import ConfigError
from connector.ports import CallJournal
from connector.purpose import count_call
from connector.settings import DocusignSettings, Secret
from connector.tracing import span

_log = structlog.get_logger(__name__)

USER_AGENT = "docusign-iga-connector"
_HOSTS = 10
"""Hosts with a pool of their own: authentication, Admin, and a few eSignature sites."""
_PIECE = 1 << 16
"""Bytes of a body that are in memory at a time."""


class Bearer(AuthBase):
    """Adds an access token. An ``auth`` object also keeps requests from using a ``.netrc``."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Basic(AuthBase):
    """Adds client id and secret (RFC 6749 §2.3.1)."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        self._client_id = client_id
        self._secret = secret

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        pair = f"{self._client_id}:{self._secret.reveal()}".encode()
        request.headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return request


class _PooledAdapter(HTTPAdapter):
    """Keeps connections alive and trusts further certificate authorities.

    urllib3's ``Retry`` stays off (requests' default): limits can hide behind status 400 and are
    known only from the body, waits belong to the Clock and to a budget of seconds, and a write
    whose answer is lost must not be repeated. :mod:`connector.docusign.client` repeats.
    """

    def __init__(self, pool_size: int, ca_bundle: str) -> None:
        self._context = ssl.create_default_context()
        if ca_bundle:
            try:
                self._context.load_verify_locations(ca_bundle)
            except OSError as error:
                raise ConfigError(
                    [f"docusign.ca_bundle: {ca_bundle} is no readable PEM file ({error.strerror})"]
                ) from error
        super().__init__(pool_connections=_HOSTS, pool_maxsize=pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, **kwargs, ssl_context=self._context)


def pooled_session(settings: DocusignSettings) -> requests.Session:
    """Return a session for many threads: pooled connections, no cookies."""
    session = requests.Session()
    session.mount("https://", _PooledAdapter(settings.pool_size, settings.ca_bundle))
    session.mount("http://", HTTPAdapter(_HOSTS, settings.pool_size))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return session


class Transport:
    """The HTTP layer under all calls. Logs each, and notes it for the audit, with method, path
    template, status, trace token and time; never a query, a header or a body. Thread-safe."""

    def __init__(
        self,
        settings: DocusignSettings,
        session: requests.Session | None = None,
        journal: CallJournal | None = None,
    ) -> None:
        self._session = session or pooled_session(settings)
        self._journal = journal
        self._timeout_s = (settings.connect_timeout_s, settings.read_timeout_s)

    def close(self) -> None:
        """Close the pooled connections."""
        self._session.close()

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
        :raises UnavailableError: nothing was sent, or a read got no answer.
        :raises NoAnswerError: a write was sent and got no answer.
        :raises CertificateRejectedError: TLS failed.
        """
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})}
        with span(
            f"DocuSign {method} {template}",
            **{"http.request.method": method, "url.template": template, "connector.tenant": tenant},
        ) as current:
            started = time.perf_counter()
            try:
                # A redirect would carry the token to another host.
                response = self._session.request(
                    method,
                    url,
                    params=params,
                    data=data,
                    headers=headers,
                    auth=auth or _no_auth,
                    timeout=self._timeout_s,
                    allow_redirects=False,
                    stream=into is not None,
                )
                if into is not None:
                    _take_body(response, into)
            except requests.RequestException as error:
                # The request holds the token, or the assertion in its body.
                error.request = error.response = None
                failure = _failure(what, method, error)
                self._log(tenant, method, template, started, error=type(error).__name__)
                raise failure from error
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


def _take_body(response: requests.Response, into: IO[bytes]) -> None:
    """Write the body of a success into a file; that of a refusal is short, and stays."""
    with response:
        if not 200 <= response.status_code < 300:  # noqa: PLR2004 -- RFC 9110 §15.3
            _ = response.content
            return
        into.seek(0)
        into.truncate()
        for piece in response.iter_content(_PIECE):
            into.write(piece)


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _failure(what: str, method: str, error: requests.RequestException) -> DocusignError:
    """Return the error for a request that got no answer."""
    name = f"{what[:1].upper()}{what[1:]}"
    if _is_certificate_error(error):
        return CertificateRejectedError(
            f"{name} failed. The server's certificate comes from an unknown authority. If a "
            "proxy inspects TLS, give its authority's certificate in docusign.ca_bundle."
        )
    if _nothing_sent(error):
        failure = UnavailableError(
            f"{name} failed. DocuSign cannot be reached ({type(error).__name__}); nothing was "
            "sent. Check network, name resolution, proxy and firewall (outbound port 443)."
        )
        failure.nothing_sent = True
        return failure
    if method == "GET":
        return UnavailableError(
            f"{name} failed. DocuSign did not answer in time or dropped the connection "
            f"({type(error).__name__})."
        )
    return NoAnswerError(
        f"{name} was sent and DocuSign did not answer ({type(error).__name__}): whether it took "
        "effect is read back before it is repeated."
    )


def _nothing_sent(error: requests.RequestException) -> bool:
    """Whether the connection was never made: refused, timed out while connecting, no such host."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | ConnectionRefusedError)


def _is_certificate_error(error: requests.RequestException) -> bool:
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error)
