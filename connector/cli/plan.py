"""``docusign-iga plan``: what a SCIM request would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connector.bootstrap import Application
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.errors import InvalidRequestError
from connector.scim_handlers import build_scim_service
from connector.services.context import new_id
from scim.bodies import parse_json, parse_patch
from scim.errors import ScimError
from scim.handlers import Caller, PlanPreview, RequestContext, ResourceHandler
from scim.resources import ResourceType, accept_resource
from scim.service import ScimConfig

_EXAMPLE = '{"method": "PATCH", "path": "/Users/<id>", "data": {"Operations": [...]}}'


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--client", default="cli", help="Whose externalId values are meant.")
@tenant_options
@handle_errors
def plan(context: CommandContext, file: Path, client: str) -> None:
    """Show what the SCIM requests in FILE would do, without doing it.

    FILE holds one request, or a list, in the form of SCIM's bulk operations; a bare User resource
    stands for its creation. Like ?dryRun=true over HTTP.

    \b
    Example:
      echo '{"method": "DELETE", "path": "/Users/6f1c..."}' > request.json
      docusign-iga plan request.json
    """
    application = context.application
    caller = Caller(context.tenant_name, client, frozenset({"read", "write"}), client)
    results = [_preview(application, caller, request) for request in _requests(file)]
    text = "\n\n".join(_describe(result) for result in results)
    context.output(results if len(results) != 1 else results[0], text)


def _requests(file: Path) -> Sequence[Mapping[str, Any]]:
    try:
        content = parse_json(file.read_bytes())
    except ScimError as error:
        raise InvalidRequestError(f"{file}: {error.detail}") from error
    if isinstance(content, dict) and "Operations" in content and "method" not in content:
        content = content["Operations"]
    requests = content if isinstance(content, list) else [content]
    return [_request(item) for item in requests]


def _request(item: object) -> Mapping[str, Any]:
    if isinstance(item, dict) and "userName" in item:
        return {"method": "POST", "path": "/Users", "data": item}
    if not isinstance(item, dict) or not {"method", "path"} <= item.keys():
        raise InvalidRequestError(f"A request looks like {_EXAMPLE}.")
    return item


def _preview(
    application: Application, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    service = build_scim_service(application)
    title = f"{request['method']} {request['path']}"
    endpoint, _, scim_id = str(request["path"]).strip("/").partition("/")
    registered = {kind.endpoint.strip("/"): (kind, handler) for kind, handler in service.resources}
    if endpoint not in registered:
        raise InvalidRequestError(f"{title}: there is no such endpoint. {_EXAMPLE}")
    context = RequestContext(caller, service.base_url(caller.tenant), new_id(), dry_run=True)
    try:
        answer = _dispatch(*registered[endpoint], context, request, scim_id)
    except ScimError as error:
        raise InvalidRequestError(f"{title}: {error.detail}") from error
    if not isinstance(answer, PlanPreview):
        raise InvalidRequestError(f"{title} cannot be planned.")
    return {"request": title, **answer.document}


def _dispatch(
    kind: ResourceType,
    handler: ResourceHandler,
    context: RequestContext,
    request: Mapping[str, Any],
    scim_id: str,
) -> object:
    """Hand a request to the handler, checked as the web interface checks it."""
    data = request.get("data")
    match str(request["method"]).upper():
        case "POST":
            return handler.create(context, accept_resource(kind, data).resource)
        case "PUT":
            return handler.replace(context, scim_id, accept_resource(kind, data).resource)
        case "PATCH":
            return handler.patch(context, scim_id, parse_patch(data, ScimConfig.max_operations))
        case "DELETE":
            return handler.delete(context, scim_id)
        case other:
            raise InvalidRequestError(f"{other} changes nothing: use POST, PUT, PATCH or DELETE.")


def _describe(result: Mapping[str, Any]) -> str:
    lines = [str(result["request"])]
    for number, step in enumerate(result["operations"], 1):
        who = "" if step["fulfilment"] == "automatic" else f"  [{step['fulfilment']}]"
        lines.append(f"  {number}. {step['description']}{who}")
    if len(lines) == 1:
        lines.append("  Nothing to do: it is so already.")
    return "\n".join(lines)
