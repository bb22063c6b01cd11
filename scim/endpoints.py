"""What each endpoint does: the request checked and translated, the handler's answer sent.

A GET by id and a list without projection do as little as possible: documents pass through as
bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from werkzeug.wrappers import Request

from scim import writes
from scim.bodies import SEARCH_REQUEST, parse_search
from scim.bulk import BULK_REQUEST, BULK_RESPONSE, Bulk
from scim.bulk_requests import parse_bulk
from scim.calls import Call, Calls
from scim.cursors import Cursors, Sweep
from scim.discovery import discover, is_discovery, refuse_filter
from scim.errors import (
    Forbidden,
    NotAllowed,
    NotFound,
    NotImplementedByServer,
    PreconditionFailed,
    ScimError,
)
from scim.handlers import (
    Deferred,
    Joined,
    Outcome,
    Page,
    PlanPreview,
    Query,
    Rendered,
    ResourceHandler,
)
from scim.parameters import matches_version, parse_projection, parse_query
from scim.projection import project_all
from scim.rate_limits import RateLimits
from scim.resources import ResourceType
from scim.responses import (
    Response,
    accepted_response,
    cursor_response,
    empty_response,
    joined_response,
    json_response,
    list_response,
    resource_response,
)
from scim.root_search import search_all, sweep_all
from scim.service import ScimService
from scim.text import is_id
from scim.writes import check_schemas

_COLLECTION_METHODS = ("GET", "HEAD", "POST", "OPTIONS")
_ITEM_METHODS = ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
_READ_METHODS = ("GET", "HEAD", "OPTIONS")
_SEARCH_METHODS = ("POST", "OPTIONS")
_ITEM = 2
"""Segments of the path of one resource."""

Registered = tuple[ResourceType, ResourceHandler]


class Endpoints:
    """Finds the endpoint of a request and carries it out."""

    def __init__(self, service: ScimService) -> None:
        self._service = service
        self._config = service.config
        self._calls = Calls(service)
        self._limits = RateLimits(service.requests_per_minute, service.now)
        self._cursors = Cursors(
            service.cursor_key,
            service.now,
            service.config.cursor_timeout_s,
            lambda tenant: service.config_of(tenant).max_page_size,
        )
        self._by_endpoint: dict[str, Registered] = {
            resource_type.endpoint.strip("/"): (resource_type, handler)
            for resource_type, handler in service.resources
        }

    def dispatch(self, request: Request, tenant: str, rest: str, correlation_id: str) -> Response:
        """Return the answer to a request.

        :param rest: the path under the base address; slashes too many are passed over.
        :raises ScimError: see the table in RFC 7644 §3.12.
        """
        segments = [segment for segment in rest.split("/") if segment]
        if request.method == "OPTIONS":
            return empty_response(204, [("Allow", ", ".join(self._methods(segments)))])
        call = self._calls.open(request, tenant, segments, correlation_id)
        told = self._limits.take(call.context.caller)
        if not told:
            return self._audited(call, segments)
        try:
            response = self._audited(call, segments)
        except ScimError as error:
            error.headers = (*error.headers, *told)
            raise
        response.headers.extend(told)
        return response

    def _audited(self, call: Call, segments: list[str]) -> Response:
        if call.method == "GET" or (segments and segments[-1] == ".search"):
            return self._answer(call, segments)
        with self._service.around_write(call.context, call.method, f"/{'/'.join(segments)}"):
            return self._answer(call, segments)

    def _answer(self, call: Call, segments: list[str]) -> Response:
        registered = self._by_endpoint.get(segments[0]) if segments else None
        if registered is None:
            return self._other(call, segments)
        if len(segments) == 1:
            return self._collection(call, registered)
        if len(segments) == _ITEM:
            if segments[1] == ".search":
                return self._search(call, registered)
            return self._item(call, registered, segments[1])
        raise _no_endpoint(segments)

    def _methods(self, segments: Sequence[str]) -> Sequence[str]:
        if not segments or segments[-1] == ".search":
            return _SEARCH_METHODS if segments else _READ_METHODS
        if segments == ["Bulk"]:
            return _SEARCH_METHODS
        registered = self._by_endpoint.get(segments[0])
        if registered is None:
            if is_discovery(segments[0]) or segments[0] in ("Me", "Requests"):
                return _READ_METHODS
            raise _no_endpoint(segments)
        if len(segments) > _ITEM:
            raise _no_endpoint(segments)
        return _allowed(registered, is_item=len(segments) == _ITEM)

    def _collection(self, call: Call, registered: Registered) -> Response:
        if call.method == "GET":
            call.require("read")
            return self._listed(call, registered)
        if call.method != "POST":
            raise NotAllowed(allow=_allowed(registered, is_item=False))
        _refuse_read_only(call, registered)
        call.require("write")
        call.context.caller.require_write(registered[0].name)
        return self._create(call, registered)

    def _item(self, call: Call, registered: Registered, scim_id: str) -> Response:
        if not is_id(scim_id):
            raise NotFound
        if call.method == "GET":
            call.require("read")
            return self._get(call, registered, scim_id)
        write = _WRITES.get(call.method)
        if write is None:
            raise NotAllowed(allow=_allowed(registered, is_item=True))
        _refuse_read_only(call, registered)
        call.require("write")
        call.context.caller.require_write(registered[0].name)
        return write(self, call, registered, scim_id)

    def _get(self, call: Call, registered: Registered, scim_id: str) -> Response:
        resource_type, handler = registered
        rendered = handler.get(call.context, scim_id)
        wanted = call.context.preconditions.if_match
        if wanted and not matches_version(wanted, rendered.version):
            raise PreconditionFailed
        known = call.context.preconditions.if_none_match
        if known and matches_version(known, rendered.version):
            return empty_response(304, [("ETag", rendered.version)])
        (body,) = project_all([(resource_type, rendered)], call.context.projection)
        location = f"{call.context.base_url}{resource_type.endpoint}/{scim_id}"
        return resource_response(body, 200, location, _version(rendered, call), call.content_type)

    def _listed(self, call: Call, registered: Registered) -> Response:
        config = self._service.config_of(call.context.caller.tenant)
        joined = not call.context.projection
        query = call.query_string.query(config, registered[0], joined=joined)
        return self._page(call, registered, call.parameters, query)

    def _page(
        self, call: Call, registered: Registered, values: Mapping[str, Any], query: Query
    ) -> Response:
        resource_type, handler = registered
        if values.get("cursor") is not None:
            return self._page_by_cursor(call, registered, values, query)
        page = handler.search(call.context, query)
        if page.joined is not None:
            return joined_response(
                page.total_results, query.start_index, page.joined, call.content_type
            )
        documents = project_all(
            [(resource_type, rendered) for rendered in page.resources], call.context.projection
        )
        return list_response(page.total_results, query.start_index, documents, call.content_type)

    def _page_by_cursor(
        self, call: Call, registered: Registered, values: Mapping[str, Any], query: Query
    ) -> Response:
        resource_type, handler = registered
        sweep = self._cursors.begin(values, query, call.context, resource_type.endpoint)
        page = handler.search(call.context, sweep.query)
        documents = project_all(
            [(resource_type, rendered) for rendered in page.resources], call.context.projection
        )
        return self._swept(call, sweep, page, documents)

    def _swept(self, call: Call, sweep: Sweep, page: Page, documents: Sequence[bytes]) -> Response:
        joined = page.joined or Joined(len(documents), b",".join(documents))
        cursor = self._cursors.next_cursor(sweep, page, call.context.caller.tenant)
        total = page.total_results if sweep.total is None else sweep.total
        return cursor_response(total, cursor, joined, call.content_type)

    def _search(self, call: Call, registered: Registered) -> Response:
        if call.method != "POST":
            raise NotAllowed(allow=_SEARCH_METHODS)
        call.require("read")
        search = self._read_search(call)
        config = self._service.config_of(call.context.caller.tenant)
        joined = not call.context.projection
        query = parse_query(search, config, registered[0], joined=joined)
        return self._page(call, registered, search, query)

    def _read_search(self, call: Call) -> Mapping[str, Any]:
        document = self._read_json(call)
        check_schemas(call.context, document, SEARCH_REQUEST)
        search = parse_search(document)
        projection = parse_projection(search["attributes"], search["excludedAttributes"])
        call.context = call.context._replace(projection=projection)
        return search

    def _create(self, call: Call, registered: Registered) -> Response:
        written = writes.create(registered, call.context, self._read_json(call))
        return self._written(call, registered[0], written, 201)

    def _replace(self, call: Call, registered: Registered, scim_id: str) -> Response:
        document = self._read_json(call)
        written = writes.put(registered, call.context, scim_id, document)
        return self._written(call, registered[0], written, 200)

    def _patch(self, call: Call, registered: Registered, scim_id: str) -> Response:
        document = self._read_json(call)
        limit = self._config.max_operations
        written = writes.patch(registered, call.context, scim_id, document, limit)
        return self._written(call, registered[0], written, 200)

    def _delete(self, call: Call, registered: Registered, scim_id: str) -> Response:
        outcome = writes.delete(registered, call.context, scim_id)
        if outcome is None:
            return empty_response(204)
        return self._written(call, registered[0], outcome, 200)

    def _written(
        self,
        call: Call,
        resource_type: ResourceType,
        written: Outcome,
        status: int,
    ) -> Response:
        if isinstance(written, Deferred):
            return _accepted(call, written)
        if isinstance(written, PlanPreview):
            return json_response(written.document, call.content_type)
        rendered = written.rendered
        if rendered is None:
            return empty_response(204, [("ETag", written.version), ("Location", written.location)])
        location = written.location or (
            f"{call.context.base_url}{resource_type.endpoint}/{rendered.scim_id}"
        )
        (body,) = project_all([(resource_type, rendered)], call.context.projection)
        return resource_response(
            body, status, location, _version(rendered, call), call.content_type
        )

    def _other(self, call: Call, segments: list[str]) -> Response:
        """Answer at the endpoints that belong to no resource type."""
        name = segments[0] if segments else ""
        if is_discovery(name):
            return self._discovery(call, segments)
        if segments in ([], [".search"]):
            return self._root(call, segments)
        if name == "Me":
            raise NotImplementedByServer(
                "/Me is not offered: the credential belongs to a client, not to a person."
            )
        if segments == ["Bulk"]:
            return self._bulk(call)
        if name == "Requests" and len(segments) == _ITEM:
            return self._request_status(call, segments[1])
        raise _no_endpoint(segments)

    def _request_status(self, call: Call, transaction: str) -> Response:
        if call.method != "GET":
            raise NotAllowed(allow=_READ_METHODS)
        if not call.context.caller.scopes & {"read", "write"}:
            call.require("read")
        if self._service.request_status is None:
            raise NotFound("Every request is carried out at once.")
        document = self._service.request_status(call.context, transaction)
        return json_response(document, call.content_type)

    def _discovery(self, call: Call, segments: list[str]) -> Response:
        if call.method != "GET":
            raise NotAllowed(allow=_READ_METHODS)
        call.require("read")
        refuse_filter(call.parameters)
        config = self._service.config_of(call.context.caller.tenant)
        service = replace(self._service, config=config)
        document = discover(service, segments, call.context.base_url)
        return json_response(document, call.content_type)

    def _root(self, call: Call, segments: list[str]) -> Response:
        allowed = _SEARCH_METHODS if segments else _READ_METHODS
        if (call.method == "POST") != bool(segments) or call.method not in ("GET", "POST"):
            raise NotAllowed(allow=allowed)
        call.require("read")
        values = self._read_search(call) if segments else call.parameters
        query = parse_query(values, self._service.config_of(call.context.caller.tenant))
        if query.filter is None and not segments:
            raise Forbidden("A query over all resource types needs a filter.")
        if values.get("cursor") is not None:
            sweep = self._cursors.begin(values, query, call.context, "/")
            page, found = sweep_all(self._service.resources, call.context, sweep.query)
            documents = project_all(found, call.context.projection)
            return self._swept(call, sweep, page, documents)
        total, found = search_all(self._service.resources, call.context, query)
        documents = project_all(found, call.context.projection)
        return list_response(total, query.start_index, documents, call.content_type)

    def _bulk(self, call: Call) -> Response:
        if call.method != "POST":
            raise NotAllowed(allow=_SEARCH_METHODS)
        call.require("write")
        document = call.read_json(self._config.bulk_max_bytes)
        check_schemas(call.context, document, BULK_REQUEST)
        request = parse_bulk(document, self._config)
        with self._service.within_time(call.context) as has_time:
            bulk = Bulk(self._by_endpoint, self._config, call.context, has_time)
            operations = bulk.run(request)
        answer = {"schemas": [BULK_RESPONSE], "Operations": operations}
        response = json_response(answer, call.content_type)
        response.headers.extend(bulk.retry_after)
        return response

    def _read_json(self, call: Call) -> Any:
        return call.read_json(self._config.max_body_bytes)


_WRITES: dict[str, Callable[[Endpoints, Call, Registered, str], Response]] = {
    "PUT": Endpoints._replace,
    "PATCH": Endpoints._patch,
    "DELETE": Endpoints._delete,
}


def _allowed(registered: Registered, *, is_item: bool) -> Sequence[str]:
    if registered[0].read_only:
        return _READ_METHODS
    return _ITEM_METHODS if is_item else _COLLECTION_METHODS


def _refuse_read_only(call: Call, registered: Registered) -> None:
    """Refuse to write what is readOnly, whatever the body says.

    :raises NotAllowed: the type is, and its handler says why.
    """
    if registered[0].read_only:
        registered[1].delete(call.context, "")
        raise NotAllowed(allow=_READ_METHODS)


def _no_endpoint(segments: Sequence[str]) -> NotFound:
    return NotFound(f"There is no endpoint /{'/'.join(segments)}.")


def _accepted(call: Call, deferred: Deferred) -> Response:
    context = call.context
    return accepted_response(deferred.transaction, context.base_url, asked=context.respond_async)


def _version(rendered: Rendered, call: Call) -> str:
    """Return the entity tag, or nothing where the client did not want to see ``meta``.

    python-scim's client stumbles over a tag without the ``meta`` that the schema describes.
    """
    projection = call.context.projection
    return rendered.version if not projection or projection.wants("meta") else ""
