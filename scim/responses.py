"""HTTP responses: media type, entity tag, location, list envelopes and errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import orjson
from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from scim.errors import NotAcceptable, ScimError
from scim.handlers import Joined

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SCIM_JSON = "application/scim+json; charset=utf-8"
PLAIN_JSON = "application/json; charset=utf-8"

_PARAMETER = re.compile(r';\s*(?!q\s*=)[\w!#$&^.+-]+\s*=\s*(?:"[^"]*"|[^\s;,"]*)', re.IGNORECASE)
"""A parameter of a media range other than its weight: ``charset=utf-8`` is what we answer anyway,
and JSON has no other (RFC 8259 §8.1)."""

_LIST_HEAD = (
    b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],'
    b'"totalResults":%d,"startIndex":%d,"itemsPerPage":%d,"Resources":['
)
_CURSOR_HEAD = (
    b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],'
    b'"totalResults":%d,"itemsPerPage":%d,%s"Resources":['
)
_LIST_TAIL = b"]}"


class ScimResponse(Response):
    """A response whose body is there and whose headers are final.

    Werkzeug would look through the headers again and rewrite ``Location``, which takes as long as
    finding a resource.
    """

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the response."""
        start_response(self.status, self.headers.to_wsgi_list())
        # Servers send a list in one piece, and an iterator in several steps.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else cast(list[bytes], self.response)


@lru_cache(maxsize=256)
def negotiate(accept: str) -> str:
    """Return the content type for an ``Accept`` header: SCIM's own unless it is not acceptable.

    :raises NotAcceptable: the client takes no JSON.
    """
    if not accept:
        return SCIM_JSON
    accepted = parse_accept_header(_PARAMETER.sub("", accept), MIMEAccept)
    if accepted.quality("application/scim+json") > 0:
        return SCIM_JSON
    if accepted.quality("application/json") > 0:
        return PLAIN_JSON
    raise NotAcceptable


def resource_response(
    body: bytes, status: int, location: str, version: str, content_type: str
) -> Response:
    """Return a response with one resource; an empty version is no entity tag."""
    headers = [("ETag", version), ("Location", location)] if version else [("Location", location)]
    return ScimResponse(body, status, headers, content_type=content_type)


def list_response(
    total_results: int, start_index: int, documents: Sequence[bytes], content_type: str
) -> Response:
    """Return a ListResponse around documents that are JSON already."""
    parts = list(documents) or [b""]
    # Head and tail join the outer documents, so that a large page is copied once.
    parts[0] = _LIST_HEAD % (total_results, start_index, len(documents)) + parts[0]
    parts[-1] += _LIST_TAIL
    return ScimResponse(b",".join(parts), 200, content_type=content_type)


def joined_response(
    total_results: int, start_index: int, page: Joined, content_type: str
) -> Response:
    """Return a ListResponse around documents that are one text already."""
    head = _LIST_HEAD % (total_results, start_index, page.size)
    return _in_parts(head, page.documents, content_type)


def cursor_response(
    total_results: int, next_cursor: str | None, page: Joined, content_type: str
) -> Response:
    """Return a page by cursor (RFC 9865): without startIndex, with nextCursor unless it is the
    last."""
    follows = b'"nextCursor":"%s",' % next_cursor.encode() if next_cursor else b""
    head = _CURSOR_HEAD % (total_results, page.size, follows)
    return _in_parts(head, page.documents, content_type)


def _in_parts(head: bytes, documents: bytes, content_type: str) -> Response:
    """Return a list around a large text, which the server joins: one copy less."""
    length = len(head) + len(documents) + len(_LIST_TAIL)
    headers = [("Content-Type", content_type), ("Content-Length", str(length))]
    return ScimResponse([head, documents, _LIST_TAIL], 200, headers)


def json_response(document: Mapping[str, Any], content_type: str, status: int = 200) -> Response:
    """Return a response with any JSON object."""
    return ScimResponse(orjson.dumps(document), status, content_type=content_type)


def empty_response(status: int, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a response without body and without content type."""
    response = ScimResponse(status=status, headers=[*headers])
    response.headers.pop("Content-Type", None)
    return response


def error_response(error: ScimError, accept: str) -> Response:
    """Return the error as JSON (RFC 7644 §3.12)."""
    try:
        content_type = negotiate(accept)
    except NotAcceptable:
        content_type = SCIM_JSON
    response = json_response(error.to_json(), content_type, error.status)
    response.headers.extend(list(error.headers))
    return response
