"""HTTP responses: media type, entity tag, location, list envelopes and errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from flask import Response
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from scim.errors import NotAcceptable, ScimError

SCIM_JSON = "application/scim+json; charset=utf-8"
PLAIN_JSON = "application/json; charset=utf-8"

_LIST_HEAD = b'{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"],"totalResults":%d,'
_LIST_BODY = b'"startIndex":%d,"itemsPerPage":%d,"Resources":[%b]}'


@lru_cache(maxsize=256)
def negotiate(accept: str) -> str:
    """Return the content type for an ``Accept`` header: SCIM's own unless it is not acceptable.

    :raises NotAcceptable: the client takes no JSON.
    """
    if not accept:
        return SCIM_JSON
    accepted = parse_accept_header(accept, MIMEAccept)
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
    return Response(body, status, headers, content_type=content_type)


def list_response(
    total_results: int, start_index: int, documents: Sequence[bytes], content_type: str
) -> Response:
    """Return a ListResponse around documents that are JSON already."""
    body = (_LIST_HEAD + _LIST_BODY) % (
        *(total_results, start_index, len(documents)),
        b",".join(documents),
    )
    return Response(body, 200, content_type=content_type)


def json_response(document: Mapping[str, Any], content_type: str, status: int = 200) -> Response:
    """Return a response with any JSON object."""
    return Response(orjson.dumps(document), status, content_type=content_type)


def empty_response(status: int, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """Return a response without body and without content type."""
    response = Response(status=status, headers=[*headers])
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
