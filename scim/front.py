"""The front of the service: a request in, a response out, and where an error becomes JSON."""

from __future__ import annotations

import logging
import os
import re
import time

from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, ServiceUnavailable
from werkzeug.wrappers import Request

from scim.endpoints import Endpoints
from scim.errors import InternalError, InvalidSyntax, PayloadTooLarge, ScimError, Unavailable
from scim.responses import Response, error_response
from scim.service import ScimService

_log = logging.getLogger("scim")

_CORRELATION_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)


class Front:
    """Answers every request under the base addresses, whoever routed it here."""

    def __init__(self, service: ScimService) -> None:
        self._around_request = service.around_request
        self._measured = service.measured
        self._endpoints = Endpoints(service)

    def answer(self, request: Request, tenant: str, rest: str) -> Response:
        """Return the answer to a request; an error is an answer too (RFC 7644 §3.12).

        :param rest: the path under the tenant's base address.
        """
        started = time.perf_counter()
        correlation_id = _known_or_new(request.environ.get("HTTP_X_CORRELATION_ID"))
        with self._around_request(correlation_id):
            response = self._answer(request, tenant, rest, correlation_id)
        response.headers.append(("X-Correlation-Id", correlation_id))
        if self._measured is not None:
            seconds = time.perf_counter() - started
            self._measured(request.method, rest, response.status_code, seconds)
        return response

    def _answer(self, request: Request, tenant: str, rest: str, correlation_id: str) -> Response:
        try:
            return self._endpoints.dispatch(request, tenant, rest, correlation_id)
        except ScimError as error:
            return error_response(error, request.environ.get("HTTP_ACCEPT", ""))
        except HTTPException as error:
            return error_response(_from_http(error), "")
        except Exception:  # noqa: BLE001  the border: no traceback reaches a client
            _log.exception("unexpected error (correlation id %s)", correlation_id)
            detail = f"Internal error. The log tells more under {correlation_id}."
            return error_response(InternalError(detail), "")


def _known_or_new(sent: str | None) -> str:
    """Return the client's own id where it can stand in a log, else a new one."""
    return sent if sent and _CORRELATION_ID.fullmatch(sent) else os.urandom(16).hex()


def _from_http(error: HTTPException) -> ScimError:
    if isinstance(error, RequestEntityTooLarge):
        return PayloadTooLarge()
    if isinstance(error, ServiceUnavailable):
        after = error.retry_after
        seconds = float(after) if isinstance(after, int) else 5.0
        return Unavailable(error.description or Unavailable.default_detail, retry_after_s=seconds)
    return InvalidSyntax(error.description or "The request is not valid HTTP.")
