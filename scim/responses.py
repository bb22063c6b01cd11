"""HTTP responses: media type, entity tag, location, list envelopes and errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
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
_STATUS = {item.value: f"{item.value} {item.phrase}" for item in HTTPStatus}
_WITHOUT_LENGTH = (204, 304)

Header = tuple[str, str]


class Response:
    """A response whose body is there, to be called as WSGI.

    Werkzeug's looks through the headers more than once and rewrites ``Location``, which takes as
    long as finding a resource. Nothing here checks header values: what clients send stands in them
    only where it was checked before.
    """

    __slots__ = ("body", "headers", "status_code")

    def __init__(
        self, body: list[bytes], status_code: int = 200, headers: Iterable[Header] = ()
    ) -> None:
        """:param body: its parts, which the server joins: a large one is copied once less."""
        self.body = body
        self.status_code = status_code
        self.headers = list(headers)

    @property
    def status(self) -> str:
        """The status code with its phrase."""
        return _STATUS[self.status_code]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send the response."""
        start_response(self.status, self.headers)
        # Servers send a list in one piece, and an iterator in several steps.
        return [] if environ["REQUEST_METHOD"] == "HEAD" else self.body


def _with_body(
    body: list[bytes], content_type: str, status_code: int = 200, headers: Iterable[Header] = ()
) -> Response:
    length = str(sum(map(len, body)))
    own = ("Content-Type", content_type), ("Content-Length", length)
    return Response(body, status_code, (*own, *headers))


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
    return _with_body([body], content_type, status, headers)


def list_response(
    total_results: int, start_index: int, documents: Sequence[bytes], content_type: str
) -> Response:
    """Return a ListResponse around documents that are JSON already."""
    parts = list(documents) or [b""]
    # Head and tail join the outer documents, so that a large page is copied once.
    parts[0] = _LIST_HEAD % (total_results, start_index, len(documents)) + parts[0]
    parts[-1] += _LIST_TAIL
    return _with_body([b",".join(parts)], content_type)


def joined_response(
    total_results: int, start_index: int, page: Joined, content_type: str
) -> Response:
    """Return a ListResponse around documents that are one text already."""
    head = _LIST_HEAD % (total_results, start_index, page.size)
    return _with_body([head, page.documents, _LIST_TAIL], content_type)


def cursor_response(
    total_results: int, next_cursor: str | None, page: Joined, content_type: str
) -> Response:
    """Return a page by cursor (RFC 9865): without startIndex, with nextCursor unless it is the
    last."""
    follows = b'"nextCursor":"%s",' % next_cursor.encode() if next_cursor else b""
    head = _CURSOR_HEAD % (total_results, page.size, follows)
    return _with_body([head, page.documents, _LIST_TAIL], content_type)


def json_response(document: Mapping[str, Any], content_type: str, status: int = 200) -> Response:
    """Return a response with any JSON object."""
    return _with_body([orjson.dumps(document)], content_type, status)


def empty_response(status: int, headers: Iterable[Header] = ()) -> Response:
    """Return a response without body and without content type."""
    # RFC 9110 §8.6: 204 has no length, and that of 304 would be the resource's.
    length = [] if status in _WITHOUT_LENGTH else [("Content-Length", "0")]
    return Response([], status, [*length, *headers])


def accepted_response(transaction: str, base_url: str, *, asked: bool) -> Response:
    """Return the answer to a write that will be carried out later (RFC 9967, RFC 7240 §4.1).

    :param asked: whether the client offered to come back for it.
    """
    applied = [("Preference-Applied", "respond-async")] if asked else []
    place = f"{base_url}/Requests/{transaction}"
    return empty_response(202, [*applied, ("Set-Txn", transaction), ("Location", place)])


def error_response(error: ScimError, accept: str) -> Response:
    """Return the error as JSON (RFC 7644 §3.12)."""
    try:
        content_type = negotiate(accept)
    except NotAcceptable:
        content_type = SCIM_JSON
    response = json_response(error.to_json(), content_type, error.status)
    response.headers.extend(error.headers)
    return response
