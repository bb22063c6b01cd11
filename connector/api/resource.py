"""How a resource of the API is written: routes with their description, bodies, conditions.

A module a resource: a :class:`Resource`, its marshmallow schemas, and functions that are one call
into a service each. ``docs/api.md`` shows how to add one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from flask import jsonify, request
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest
from werkzeug.http import generate_etag, parse_etags

from connector.errors import PreconditionError
from connector.services.context import Seen

View = Callable[..., Any]
Wrap = Callable[[View], View]
_ERRORS = {
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    422: "UNPROCESSABLE_ENTITY",
    429: "TOO_MANY_REQUESTS",
    503: "SERVICE_UNAVAILABLE",
}
_IDS = {
    "item_id": "Id of the work item, or an unambiguous beginning of it.",
    "evidence_id": "Id of the file, as `evidence` lists it.",
    "delegation_id": "Id of the delegation.",
    "user_id": "SCIM id of the user, which is the DocuSign user id.",
    "account_id": "DocuSign account id.",
    "erasure_id": "Id of the erasure, or an unambiguous beginning of it.",
    "delivery_id": "Id of the delivery, or an unambiguous beginning of it.",
    "token_id": "Id of the token.",
    "sequence": "Number of the event.",
    "finding_id": "Id of the finding, or an unambiguous beginning of it.",
    "name": "Name of the job.",
    "customer": "Name of the customer.",
}
"""What stands in paths."""
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`ETag` of what you read: 412 if it changed meanwhile.",
}


class _Parser(FlaskParser):
    """Tells what it does not know, in queries too, where a misspelt filter would find too much."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - webargs' way
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": RAISE,
        "json": RAISE,
        "files": RAISE,
    }

    def load_json(self, req: Any, schema: Any) -> Any:
        """Return the body; one that is nested beyond reading is no JSON to us."""
        try:
            return super().load_json(req, schema)
        except RecursionError as error:
            raise BadRequest("The body is nested too deeply.") from error


class Resource(Blueprint):  # type: ignore[misc]
    """The operations on one kind of thing. The summary of each is the first line of its docstring,
    the description what follows."""

    ARGUMENTS_PARSER = _Parser()

    def __init__(self, name: str, import_name: str, description: str, url_prefix: str = "") -> None:
        super().__init__(name, import_name, url_prefix=url_prefix, description=description)

    def route(self, rule: str, **options: Any) -> Wrap:
        """Register an operation; see :class:`flask_smorest.Blueprint`."""

        def decorate(view: View) -> View:
            responses = dict(_ERRORS)
            if "<" in rule:
                responses[404] = "NOT_FOUND"
            options.setdefault(
                "parameters",
                [
                    {"name": name, "in": "path", "description": _IDS[name]}
                    for name in re.findall(r"<(?:\w+:)?(\w+)>", rule)
                    if name in _IDS
                ],
            )
            described = self.doc(operationId=f"{self.name}.{view.__name__}", responses=responses)
            found: View = super(Resource, self).route(rule, **options)(described(view))
            return found

        return decorate

    def arguments(self, schema: type[Schema], *, location: str = "json", **more: Any) -> Wrap:
        """Hand the checked arguments of a place to the view, before those of the path."""
        if location == "json":
            more.setdefault("required", any(field.required for field in schema().fields.values()))
        found: Wrap = super().arguments(schema, location=location, **more)
        return found

    def response(self, status: int, schema: Any = None, **more: Any) -> Wrap:
        """Answer with what the view returns, as the schema shows it."""
        found: Wrap = super().response(status, schema, **more)
        return found

    def act(self, rule: str, *, conditional: bool = True) -> Wrap:
        """Register an operation that changes something: ``POST``.

        :param conditional: on a thing that can be read by itself, it heeds ``If-Match``: the view
            hands :func:`seen` to the service.
        """

        def decorate(view: View) -> View:
            if "<" not in rule:
                return self.route(rule, methods=["POST"])(view)
            if not conditional:
                described = self.doc(responses={409: "CONFLICT"})
                return self.route(rule, methods=["POST"])(described(view))
            described = self.doc(
                parameters=[_IF_MATCH],
                responses={409: "CONFLICT", 412: "PRECONDITION_FAILED"},
            )
            return self.route(rule, methods=["POST"])(described(view))

        return decorate


def seen(schema: type[Schema], read: Callable[[], Any]) -> Seen:
    """Return what holds the request to ``If-Match`` (RFC 9110 §13.1.1).

    The service calls it within the transaction that acts: compared before it, two who come at the
    same instant would both pass.

    :param read: returns what the person would read now; called only where there is a condition.
    """
    return lambda: check_if_match(schema, read)


def check_if_match(schema: type[Schema], read: Callable[[], Any]) -> None:
    """Compare now.

    :raises PreconditionError: it is not what the person read.
    """
    header = request.headers.get("If-Match")
    if not header:
        return
    now: Mapping[str, Any] = schema().dump(read())
    if not parse_etags(header).contains(generate_etag(jsonify(now).get_data())):
        raise PreconditionError(
            "It changed since you read it (If-Match): read it again, and decide on that."
        )
