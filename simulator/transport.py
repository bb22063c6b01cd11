"""Serves a ``requests.Session`` in the process, faults included."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from simulator.faults import ConnectionDropped


class SimulatorAdapter(BaseAdapter):
    """Answers every request of a session from a simulator in this process.

    Mount it on the base URL: ``session.mount("https://docusign.example", SimulatorAdapter(app))``.
    Dropped connections raise what requests raises: ``ConnectionError`` or ``ReadTimeout``.
    """

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._app = app

    def send(  # noqa: PLR0917 -- the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the simulator's answer."""
        try:
            body, status, headers = run_wsgi_app(
                self._app.wsgi_app, _environ(request), buffered=True
            )
        except ConnectionDropped as drop:
            kind = requests.ReadTimeout if drop.timed_out else requests.ConnectionError
            raise kind(str(drop), request=request) from drop
        return _response(request, b"".join(body), status, list(headers.items()))

    def close(self) -> None:
        """Nothing to give back."""


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    builder = EnvironBuilder(
        path=parts.path,
        query_string=parts.query,
        base_url=f"{parts.scheme}://{parts.netloc}/",
        method=str(request.method),
        headers=list(request.headers.items()),
        data=body.encode() if isinstance(body, str) else body,
    )
    try:
        return builder.get_environ()
    finally:
        builder.close()


def _response(
    request: requests.PreparedRequest, body: bytes, status: str, headers: list[tuple[str, str]]
) -> requests.Response:
    code, _, reason = status.partition(" ")
    raw = HTTPResponse(
        io.BytesIO(body),
        headers=HTTPHeaderDict(headers),
        status=int(code),
        reason=reason,
        preload_content=False,
    )
    response = requests.Response()
    response.status_code, response.reason, response.raw = int(code), reason, raw
    response.headers.update(raw.headers)
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    response.url, response.request = str(request.url), request
    return response
