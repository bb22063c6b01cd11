"""``docusign-iga plan``: what a SCIM request would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connector.bootstrap import Application
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.errors import InvalidRequestError
from connector.scim_handlers.authentication import caller_of
from connector.scim_handlers.service import build_scim_service
from connector.services.context import new_id
from scim import writes
from scim.bodies import parse_json
from scim.errors import ScimError
from scim.handlers import Caller, PlanPreview, RequestContext

_METHODS = ("POST", "PUT", "PATCH", "DELETE")
_EXAMPLE = '{"method": "PATCH", "path": "/Users/<id>", "data": {"Operations": [...]}}'


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

    FILE holds one request, or a list, in the form of SCIM's bulk operations; a bare User resource
    stands for its creation. Like ?dryRun=true over HTTP.

    \b
    Example:
      echo '{"method": "DELETE", "path": "/Users/6f1c..."}' > request.json
      docusign-iga plan request.json
    """
    application = context.application
    caller = _caller(context, client)
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


def _caller(context: CommandContext, client: str | None) -> Caller:
    """Return on whose behalf is planned: a client as it is registered, or nobody in particular."""
    if client is None:
        return Caller(context.tenant_name, "cli", frozenset({"read", "write"}), "cli")
    with context.application.tenant(context.tenant_name).context.read() as uow:
        return caller_of(context.tenant_name, uow.clients.get(client))


def _preview(
    application: Application, caller: Caller, request: Mapping[str, Any]
) -> dict[str, Any]:
    service = build_scim_service(application)
    method, title = str(request["method"]).upper(), f"{request['method']} {request['path']}"
    endpoint, _, scim_id = str(request["path"]).strip("/").partition("/")
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
        caller.require_write(registered[endpoint][0].name)
        answer = writes.carry_out(
            registered[endpoint],
            context,
            method,
            scim_id or None,
            request.get("data"),
            max_operations=service.config.max_operations,
        )
    except ScimError as error:
        raise InvalidRequestError(f"{title}: {error.detail}") from error
    if not isinstance(answer, PlanPreview):
        raise InvalidRequestError(f"{title} cannot be planned.")
    return {"request": title, **answer.document}


def _list(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _describe(result: Mapping[str, Any]) -> str:
    lines = [str(result["request"])]
    for number, step in enumerate(result["operations"], 1):
        who = "" if step["fulfilment"] == "automatic" else f"  [{step['fulfilment']}]"
        lines.append(f"  {number}. {step['description']}{who}")
    if len(lines) == 1:
        lines.append("  Nothing to do: it is so already.")
    return "\n".join(lines)
