"""The bodies of POST, PUT and PATCH, taken as the client's dialect means them, given to a handler.

Single requests and bulk requests come through here alike.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from scim.bodies import PATCH_OP, body_version, merging, parse_patch, require_schema
from scim.handlers import Asked, Outcome, RequestContext, ResourceHandler
from scim.packed_values import unpacked
from scim.resources import Accepted, ResourceType, accept_resource, with_writable_groups

_log = logging.getLogger("scim")

Registered = tuple[ResourceType, ResourceHandler]


def carry_out(
    target: Registered,
    context: RequestContext,
    method: str,
    scim_id: str | None,
    document: Any,
    *,
    max_operations: int,
) -> Outcome | None:
    """Do what a request with this method asks of a resource; without an id, create one.

    :raises ScimError: the body or the handler's refusal.
    """
    if scim_id is None:
        return create(target, context, document)
    if method == "DELETE":
        return delete(target, context, scim_id)
    if method == "PATCH":
        return patch(target, context, scim_id, document, max_operations)
    return put(target, context, scim_id, document)


def create(target: Registered, context: RequestContext, document: Any) -> Outcome:
    """Create the resource in the body of a POST.

    :raises ScimError: the body or the handler's refusal.
    """
    asked = Asked("POST", target[0].name, None, document)
    resource = _accept(target[0], context, _understood(context, document)).resource
    return target[1].create(context._replace(asked=asked), resource)


def put(target: Registered, context: RequestContext, scim_id: str, document: Any) -> Outcome:
    """Replace a resource by the body of a PUT, or merge the body into it.

    :raises ScimError: the body or the handler's refusal.
    """
    resource_type, handler = target
    asked = Asked("PUT", resource_type.name, scim_id, document)
    context = _with_body_version(context, document)._replace(asked=asked)
    document = _understood(context, document)
    if context.caller.dialect.put_semantics == "merge":
        return handler.patch(context, scim_id, merging(document))
    return handler.replace(context, scim_id, _accept(resource_type, context, document).resource)


def patch(
    target: Registered,
    context: RequestContext,
    scim_id: str,
    document: Any,
    max_operations: int,
) -> Outcome:
    """Change a resource by the operations in the body of a PATCH.

    :raises ScimError: the body or the handler's refusal.
    """
    check_schemas(context, document, PATCH_OP)
    asked = Asked("PATCH", target[0].name, scim_id, document)
    operations = parse_patch(_understood(context, document), max_operations)
    return target[1].patch(context._replace(asked=asked), scim_id, operations)


def delete(target: Registered, context: RequestContext, scim_id: str) -> Outcome | None:
    """Delete a resource; None where it is gone.

    :raises ScimError: the handler's refusal.
    """
    asked = Asked("DELETE", target[0].name, scim_id)
    return target[1].delete(context._replace(asked=asked), scim_id)


def _understood(context: RequestContext, document: Any) -> Any:
    return unpacked(document) if context.caller.dialect.packed_roles else document


def _accept(resource_type: ResourceType, context: RequestContext, document: Any) -> Accepted:
    check_schemas(context, document, resource_type.schema.id)
    if context.caller.dialect.allow_group_writes_via_user:
        schema = with_writable_groups(resource_type.schema)
        resource_type = replace(resource_type, schema=schema)
    accepted = accept_resource(resource_type, document)
    if accepted.ignored:
        _log.info(
            "ignored unknown attributes of a %s: %s (client %s, correlation id %s)",
            *(resource_type.name, _shortened(accepted.ignored)),
            *(context.caller.client_id, context.correlation_id),
        )
    return accepted


def check_schemas(context: RequestContext, document: Any, urn: str) -> None:
    """Refuse a body without the URN of its type, where the client's dialect is strict.

    :raises InvalidSyntax: ``schemas`` lacks *urn*.
    """
    if context.caller.dialect.strict_schemas:
        require_schema(document, urn)


def _with_body_version(context: RequestContext, document: Any) -> RequestContext:
    """Take ``meta.version`` for ``If-Match``: SailPoint sends back the version that it read, in the
    body alone."""
    version = body_version(document)
    if (
        version is None
        or context.preconditions.if_match
        or not context.caller.dialect.check_body_version
    ):
        return context
    return context._replace(preconditions=replace(context.preconditions, if_match=(version,)))


def _shortened(names: Iterable[str]) -> str:
    # Names come from the client: they are cut, and repr keeps line breaks out of the log.
    return ", ".join(repr(name[:80]) for name in sorted(names)[:10])
