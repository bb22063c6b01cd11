"""``docusign-iga plan``: what a SCIM request would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from connector.bootstrap import Application
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.errors import InvalidRequestError
from connector.scim_handlers.authentication import caller_of
from connector.scim_handlers.service import build_scim_service
from connector.services.context import new_id
from scim import writes
from scim.bodies import member, parse_json
from scim.bulk_references import references_in
from scim.errors import ScimError
from scim.handlers import Caller, PlanPreview, RequestContext

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_MEMBERS = ("method", "path", "data", "bulkId", "version")
"""Of an operation in a bulk request (RFC 7644 §3.7), in which form requests are given."""
_EXAMPLE = '{"method": "PATCH", "path": "/Users/<id>", "data": {"Operations": [...]}}'
_BASE = "/scim/v2"
_BARE = {"userName": "/Users", "displayName": "/Groups"}
"""By what a resource that stands alone is called, where it would be created."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--client",
    metavar="NAME",
    help="The API client who would send them: its dialect, scopes and externalId values are meant.",
)
@tenant_options
@handle_errors
def plan(context: CommandContext, file: Path, client: str | None) -> None:
    """Show what the SCIM requests in FILE would do, without doing it.

    FILE holds one request, a list, or the body of a /Bulk. A request has method, path and, save for
    DELETE, data: the body that is sent. A path may be given as it was sent: as a whole URL, with
    /scim/v2 and with a query. A bare User or Group stands for its creation. Like ?dryRun=true over
    HTTP.

    \b
    Examples of FILE:
      {"method": "POST", "path": "/Users", "data": {"userName": "ann@example.com"}}
      {"method": "PATCH", "path": "/Users/6f1c...", "data": {"Operations":
        [{"op": "replace", "path": "active", "value": false}]}}
      {"method": "DELETE", "path": "/Users/6f1c..."}

    \b
    Example:
      docusign-iga plan request.json
    """
    application = context.application
    caller = _caller(context, client)
    requests = _requests(file)
    if len(requests) == 1:
        result = _preview(application, caller, requests[0])
        context.output(result, _describe(result))
        return
    results = [_preview_or_error(application, caller, request) for request in requests]
    context.output(results, "\n\n".join(map(_describe, results)))
    if any("error" in result for result in results):
        raise click.exceptions.Exit(1)


def _requests(file: Path) -> Sequence[Mapping[str, Any]]:
    try:
        content = parse_json(file.read_bytes())
    except ScimError as error:
        raise InvalidRequestError(f"{file}: {error.detail}") from error
    if isinstance(content, dict) and not member(content, "method"):
        content = member(content, "Operations") or content
    requests = content if isinstance(content, list) else [content]
    if not requests:
        raise InvalidRequestError(f"{file} has no request. {_looks_like()}")
    return [_request(item) for item in requests]


def _request(item: object) -> Mapping[str, Any]:
    """Return a request with the names that we know, in our case."""
    if not isinstance(item, dict):
        raise InvalidRequestError(_looks_like())
    method, path = member(item, "method"), member(item, "path")
    if isinstance(method, str) and isinstance(path, str):
        _require_known(item)
        return {"method": method, "path": path, "data": member(item, "data")}
    if member(item, "op"):
        raise InvalidRequestError(f"This is the body of a PATCH alone. {_looks_like()}")
    for name, endpoint in _BARE.items():
        if method is None and member(item, name):
            return {"method": "POST", "path": endpoint, "data": item}
    raise InvalidRequestError(_looks_like())


def _require_known(item: Mapping[str, Any]) -> None:
    """Refuse a request with a member that would be passed over.

    :raises InvalidRequestError: it has one.
    """
    known = {name.lower() for name in _MEMBERS}
    if unknown := [name for name in item if name.lower() not in known]:
        raise InvalidRequestError(
            f"A request has no {_list(unknown, 'and')}: there are {_list(_MEMBERS, 'and')}, and "
            f"the body is data. {_looks_like()}"
        )


def _looks_like() -> str:
    return f"A request looks like {_EXAMPLE}."


def _place(path: str, tenant: str) -> tuple[str, str]:
    """Return the endpoint and the id that a path names, in whatever form it was sent.

    :raises InvalidRequestError: it is another tenant's, or no URL.
    """
    sent = path.partition("?")[0]
    try:
        sent = urlsplit(sent).path if "://" in sent else sent
    except ValueError as error:
        raise InvalidRequestError(f"{path} is no URL: {error}.") from error
    below, base, rest = f"/{sent}".rpartition(f"{_BASE}/")
    named = below.strip("/") or "default"
    if base and named != tenant:
        raise InvalidRequestError(f"{path} is of the tenant {named!r}: give --tenant {named}.")
    endpoint, _, scim_id = unquote(rest).strip("/").partition("/")
    return endpoint, scim_id


def _caller(context: CommandContext, client: str | None) -> Caller:
    """Return on whose behalf is planned: a client as it is registered, or nobody in particular."""
    if client is None:
        return Caller(context.tenant_name, "cli", frozenset({"read", "write"}), "cli")
    with context.application.tenant(context.tenant_name).context.read() as uow:
        return caller_of(context.tenant_name, uow.clients.get(client))


def _preview_or_error(
    application: Application, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the plan of one request among several, or why there is none."""
    try:
        return _preview(application, caller, request)
    except InvalidRequestError as error:
        title = _title(request)
        return {"request": title, "error": str(error).removeprefix(f"{title}: ")}


def _title(request: Mapping[str, Any]) -> str:
    return f"{request['method']} {request['path']}"


def _preview(
    application: Application, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    service = build_scim_service(application)
    method, title = str(request["method"]).upper(), _title(request)
    endpoint, scim_id = _place(request["path"], caller.tenant)
    registered = {kind.endpoint.strip("/"): (kind, handler) for kind, handler in service.resources}
    if endpoint not in registered:
        raise InvalidRequestError(f"{title}: there is no such endpoint. {_EXAMPLE}")
    if method not in _METHODS:
        raise InvalidRequestError(f"{method} changes nothing: use {_list(_METHODS)}.")
    if bool(scim_id) is (method == "POST"):
        raise InvalidRequestError(
            f"{title}: POST takes the path of the endpoint, the others that of a resource."
        )
    context = RequestContext(caller, service.base_url(caller.tenant), new_id(), dry_run=True)
    try:
        if references := sorted(references_in([scim_id, request["data"]])):
            raise InvalidRequestError(
                f"{title}: it refers to {', '.join(references)}, which another request creates; "
                "it can be planned with the id, once there is one."
            )
        caller.require_write(registered[endpoint][0].name)
        answer = writes.carry_out(
            registered[endpoint],
            context,
            method,
            scim_id or None,
            request["data"],
            max_operations=service.config.max_operations,
        )
    except ScimError as error:
        raise InvalidRequestError(f"{title}: {error.detail}") from error
    if not isinstance(answer, PlanPreview):
        raise InvalidRequestError(f"{title} cannot be planned.")
    return {"request": title, **answer.document}


def _list(names: Sequence[str], last: str = "or") -> str:
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _describe(result: Mapping[str, Any]) -> str:
    lines = [str(result["request"])]
    if "error" in result:
        return f"{lines[0]}\n  Refused: {result['error']}"
    for number, step in enumerate(result["operations"], 1):
        who = "" if step["fulfilment"] == "automatic" else f"  [{step['fulfilment']}]"
        lines.append(f"  {number}. {step['description']}{who}")
    if len(lines) == 1:
        lines.append("  Nothing to do: it is so already.")
    return "\n".join(lines)
