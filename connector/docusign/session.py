"""One request over requests, and what its failures mean.

Imported when DocuSign is first asked something: most commands ask nothing.
"""

from __future__ import annotations

import ssl
from http.cookiejar import DefaultCookiePolicy
from typing import IO, Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from connector.docusign.errors import (
    CertificateRejectedError,
    DocusignError,
    NoAnswerError,
    UnavailableError,
)
from connector.errors import ConfigError
from connector.settings import DocusignSettings

_HOSTS = 10
"""Hosts with a pool of their own: authentication, Admin, and a few eSignature sites."""
_PIECE = 1 << 16
"""Bytes of a body that are in memory at a time."""


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


def answered(
    session: requests.Session,
    what: str,
    method: str,
    url: str,
    *,
    into: IO[bytes] | None = None,
    **request: Any,
) -> requests.Response:
    """Return the answer to a request, whatever its status.

    :param what: what is tried, for messages.
    :param into: takes the body of a success, piece by piece, from its beginning; the answer has
        none then.
    :raises UnavailableError: nothing was sent, or a read got no answer.
    :raises NoAnswerError: a write was sent and got no answer.
    :raises CertificateRejectedError: TLS failed.
    """
    try:
        # A redirect would carry the token to another host.
        response = session.request(
            method, url, allow_redirects=False, stream=into is not None, **request
        )
        if into is not None:
            _take_body(response, into)
    except requests.RequestException as error:
        # The request holds the token, or the assertion in its body.
        error.request = error.response = None
        raise _failure(what, method, url, error) from error
    return response


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


def _failure(what: str, method: str, url: str, error: requests.RequestException) -> DocusignError:
    """Return the error for a request that got no answer."""
    name = f"{what[:1].upper()}{what[1:]}"
    if _is_certificate_error(error):
        return CertificateRejectedError(
            f"{name} failed. The server's certificate comes from an unknown authority. If a "
            "proxy inspects TLS, give its authority's certificate in docusign.ca_bundle."
        )
    if _nothing_sent(error):
        failure = UnavailableError(
            f"{name} failed. DocuSign cannot be reached: {_where_it_ended(url, error)}; nothing "
            "was sent."
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
    return isinstance(_reason(error), NewConnectionError | ConnectionRefusedError)


def _reason(error: requests.RequestException) -> object:
    cause = error.args[0] if error.args else None
    return cause.reason if isinstance(cause, MaxRetryError) else cause


def _where_it_ended(url: str, error: requests.RequestException) -> str:
    """Return which host and port a connection was meant for, and what became of it."""
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}"
    reason = _reason(error)
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy on the way to {address} lets nothing through. Check HTTPS_PROXY"
    if isinstance(reason, NameResolutionError):
        return f"the name {parts.hostname} was not found (for {address}). Check name resolution"
    refused = isinstance(reason, ConnectionRefusedError) or isinstance(
        getattr(reason, "__cause__", None), ConnectionRefusedError
    )
    if refused:
        return f"{address} refused the connection. Check address, port and firewall"
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return f"{address} did not take the connection in time. Check network and firewall"
    return f"there is no way to {address}. Check network, proxy and firewall"


def _is_certificate_error(error: requests.RequestException) -> bool:
    return isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in str(error)
