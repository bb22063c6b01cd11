"""What is known of a request before an endpoint sees it: who asks, for what, on what terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request
from werkzeug.wsgi import get_input_stream

from scim.bodies import parse_json
from scim.discovery import canonical_name, is_discovery
from scim.errors import InsufficientScope, PayloadTooLarge, Unauthorized, UnsupportedMediaType
from scim.filters import AttributePath
from scim.handlers import Caller, Preconditions, Projection, RequestContext
from scim.parameters import QueryString, parse_preconditions, read_query_string
from scim.responses import negotiate
from scim.service import ScimService

_JSON_TYPES = ("application/scim+json", "application/json", "")
_NO_PRECONDITIONS = Preconditions()
_WRITTEN = Projection((AttributePath("meta"),))
"""What a credential without the scope ``read`` gets of what it wrote: ``id``, version, address."""


class Call:
    """One request on its way through the endpoints."""

    __slots__ = ("content_type", "context", "method", "query_string", "request")

    def __init__(
        self, request: Request, context: RequestContext, query_string: QueryString, accept: str
    ) -> None:
        self.request = request
        self.method = "GET" if request.method == "HEAD" else request.method
        self.context = context
        self.query_string = query_string
        self.content_type = negotiate(accept)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of the query string."""
        return self.query_string.values

    def require(self, scope: str) -> None:
        """Refuse callers without a scope.

        :raises InsufficientScope: the credential lacks it.
        """
        if scope not in self.context.caller.scopes:
            raise InsufficientScope(
                f"This credential lacks the scope {scope!r}: it may not "
                f"{self.request.method} here. Use a credential that has it."
            )

    def read_json(self, limit: int) -> Any:
        """Return what the body says.

        :param limit: how many bytes it may have.
        :raises UnsupportedMediaType: its media type is another, or it is compressed.
        :raises PayloadTooLarge: it is longer.
        :raises InvalidSyntax: it is no JSON.
        """
        if self.request.mimetype not in _JSON_TYPES:
            raise UnsupportedMediaType
        if self.request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
        try:
            # One byte more than allowed: werkzeug ends a body of unknown length at its limit as if
            # nothing followed.
            body = get_input_stream(self.request.environ, max_content_length=limit + 1).read()
        except RequestEntityTooLarge:
            raise _too_large(limit) from None
        if len(body) > limit:
            raise _too_large(limit)
        return parse_json(body)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The request body may have {limit} bytes at most.")


class Calls:
    """Opens calls: who asks is known and the parameters are read before anything is done."""

    def __init__(self, service: ScimService) -> None:
        self._service = service

    def open(
        self, request: Request, tenant: str, segments: Sequence[str], correlation_id: str
    ) -> Call:
        """Return the call that a request makes.

        :param segments: the path under the base address.
        :raises Unauthorized: nobody is known by these credentials.
        :raises InvalidSyntax: the query string cannot be read.
        :raises InvalidValue: the projection names attributes and excluded ones, or ``dryRun`` is
            neither true nor false.
        :raises InsufficientScope: a dry run without the scope ``read``.
        """
        environ = request.environ
        caller = self._caller(request, tenant, segments)
        query_string = read_query_string(environ.get("QUERY_STRING", ""))
        if_match = environ.get("HTTP_IF_MATCH")
        if_none_match = environ.get("HTTP_IF_NONE_MATCH")
        is_reader = "read" in caller.scopes
        if query_string.dry_run and not is_reader:
            raise InsufficientScope("A dry run tells what there is: it takes the scope 'read'.")
        context = RequestContext(
            caller=caller,
            base_url=self._service.base_url(tenant),
            correlation_id=correlation_id,
            projection=query_string.projection if is_reader else _WRITTEN,
            preconditions=(
                parse_preconditions(if_match, if_none_match)
                if if_match or if_none_match
                else _NO_PRECONDITIONS
            ),
            dry_run=query_string.dry_run,
            respond_async=(
                "respond-async" in environ.get("HTTP_PREFER", "").lower()
                and self._service.request_status is not None
            ),
        )
        return Call(request, context, query_string, environ.get("HTTP_ACCEPT", ""))

    def _caller(self, request: Request, tenant: str, segments: Sequence[str]) -> Caller:
        authenticator = self._service.authenticator
        headers = cast(Mapping[str, str], request.headers)
        try:
            address = request.environ.get("REMOTE_ADDR", "")
            return authenticator.authenticate(tenant, headers, address)
        except Unauthorized as error:
            if self._is_open_to_all(tenant, segments):
                return Caller(tenant, "", frozenset({"read"}))
            offered = authenticator.challenges(refused="Authorization" in headers)
            challenges = [("WWW-Authenticate", value) for value in offered]
            error.headers = (*error.headers, *challenges)
            raise

    def _is_open_to_all(self, tenant: str, segments: Sequence[str]) -> bool:
        """Return whether a discovery document is read without a credential.

        :raises NotFound: there is no such tenant.
        """
        if not segments or not is_discovery(segments[0]):
            return False
        self._service.base_url(tenant)
        return canonical_name(segments[0]) in self._service.config_of(tenant).anonymous
