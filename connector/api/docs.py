"""The API's description: the OpenAPI document, and a page to read it on.

The page is made by the server from the document, so that it needs no script and nothing of
somebody else's server.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apispec import APISpec
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    jsonify,
    redirect,
    render_template,
    request,
)
from markupsafe import Markup, escape

from connector.api.here import application
from connector.api.problems import KINDS, TYPE

_SPEC = "connector.openapi"
_METHODS = ("get", "post", "put", "patch", "delete")
blueprint = Blueprint("docs", __name__)


def install(app: Flask, spec: APISpec) -> None:
    """Let the application serve the description; call it once every resource is known."""
    app.extensions[_SPEC] = spec.to_dict()
    app.jinja_env.filters["code"] = _code
    app.register_blueprint(blueprint)


def _code(text: str) -> Markup:
    """Return a text with what stands between backticks as code; everything else is escaped."""
    parts = text.split("`")
    shown = (
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
    return Markup("").join(shown)


@blueprint.get("/")
def index() -> Any:
    """Send whoever asks for nothing to the page."""
    return redirect(f"{request.script_root}/docs")


@blueprint.get("/openapi.json")
def document() -> Response:
    """Send the OpenAPI document."""
    return jsonify(_document())


@blueprint.get("/docs")
def page() -> str:
    """Show the description."""
    described = _document()
    return render_template(
        "docs.html",
        info=described["info"],
        about=described["info"]["description"].split("\n\n"),
        server=described["servers"][0]["url"],
        groups=list(_groups(described)),
        schemas=[
            (name, schema.get("description", ""), list(_members(schema, described)))
            for name, schema in sorted(described["components"]["schemas"].items())
        ],
        problems=[(TYPE + name, status, title) for name, status, title in KINDS],
    )


def _document() -> dict[str, Any]:
    known: dict[str, Any] = current_app.extensions[_SPEC]
    return {**known, "servers": [{"url": application().settings.server.url + request.script_root}]}


@dataclass(frozen=True)
class Member:
    """A parameter, or a member of an object."""

    name: str
    kind: str
    """What it is, in words."""
    about: str
    required: bool
    schema: str = ""
    """Name of the object that it is, or is a list of."""


@dataclass(frozen=True)
class Operation:
    """One operation, as the page shows it."""

    anchor: str
    method: str
    path: str
    summary: str
    about: Sequence[str]
    parameters: Sequence[Member]
    body: Sequence[Member]
    body_type: str
    answers: Sequence[tuple[str, str, str]]
    """Status, words, name of the object."""


@dataclass(frozen=True)
class Group:
    """The operations on one kind of thing."""

    name: str
    about: str
    operations: list[Operation] = field(default_factory=list)


def _groups(document: Mapping[str, Any]) -> Iterator[Group]:
    groups = {tag["name"]: Group(tag["name"], tag["description"]) for tag in document["tags"]}
    for path, methods in document["paths"].items():
        shared = methods.get("parameters", [])
        for method in _METHODS:
            if method in methods:
                described = methods[method]
                groups[described["tags"][0]].operations.append(
                    _operation(path, method, described, shared, document)
                )
    yield from groups.values()


def _operation(
    path: str,
    method: str,
    described: Mapping[str, Any],
    shared: Sequence[Mapping[str, Any]],
    document: Mapping[str, Any],
) -> Operation:
    content = described.get("requestBody", {}).get("content", {})
    body_type = next(iter(content), "")
    body = _resolved(content[body_type]["schema"], document) if body_type else {}
    return Operation(
        anchor=described["operationId"],
        method=method.upper(),
        path=path,
        summary=described.get("summary", ""),
        about=described.get("description", "").split("\n\n"),
        parameters=[
            _parameter(_resolved(item, document))
            for item in (*shared, *described.get("parameters", ()))
        ],
        body=list(_members(body, document)),
        body_type=body_type,
        answers=[
            _answer(status, _resolved(answer, document))
            for status, answer in sorted(described["responses"].items())
        ],
    )


def _parameter(item: Mapping[str, Any]) -> Member:
    schema = item.get("schema", {})
    return Member(
        item["name"],
        f"{_kind(schema)}, in the {item['in']}",
        item.get("description", "") or schema.get("description", ""),
        bool(item.get("required")),
    )


def _answer(status: str, answer: Mapping[str, Any]) -> tuple[str, str, str]:
    content = answer.get("content", {})
    first: Mapping[str, Any] = next(iter(content.values()), {})
    schema = first.get("schema", {})
    return status, answer.get("description", ""), _reference(schema)


def _members(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[Member]:
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        target = _reference(member) or _reference(member.get("items", {}))
        yield Member(name, _kind(member), member.get("description", ""), name in required, target)


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type", "object" if _reference(schema) else "anything")
    kinds = kind if isinstance(kind, list) else [kind]
    words = " or ".join(str(item) for item in kinds)
    if schema.get("format"):
        words += f" ({schema['format']})"
    if "enum" in schema:
        words += ": " + ", ".join(str(item) for item in schema["enum"] if item is not None)
    if "default" in schema and schema["default"] not in ("", None):
        words += f"; {schema['default']} where left out"
    return words


def _resolved(item: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item
    while "$ref" in found:
        target: Any = document
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return found


def _reference(schema: Mapping[str, Any]) -> str:
    for each in (schema, *schema.get("allOf", ()), *schema.get("anyOf", ())):
        if found := re.search(r"#/components/schemas/(.+)\Z", each.get("$ref", "")):
            return found[1]
    return ""
