"""ServiceProviderConfig, ResourceTypes and Schemas, built from what is registered (RFC 7644 §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scim.errors import Forbidden, NotFound
from scim.resources import ResourceType
from scim.schemas import (
    COMMON_ATTRIBUTES,
    RESOURCE_TYPE,
    SCHEMA,
    SERVICE_PROVIDER_CONFIG,
    Schema,
)
from scim.service import ScimConfig, ScimService

LIST_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

Document = dict[str, Any]

# RFC 7643 §3.1 takes these for granted. IdentityIQ keeps meta.version, with which it guards its
# writes, only where a schema describes it, and wants its identity attribute described.
_DESCRIBED = tuple(a for a in COMMON_ATTRIBUTES if a.name != "schemas")


def discover(service: ScimService, segments: list[str], base_url: str) -> Document:
    """Return the document at a discovery endpoint.

    :param segments: the path under the base address, such as ``["Schemas", URN]``.
    :raises NotFound: there is none.
    """
    name, *rest = segments
    build = _ENDPOINTS.get(name)
    if build is None or len(rest) > 1 or (rest and build is _service_provider_configs):
        raise NotFound(f"There is no endpoint /{'/'.join(segments)}.")
    documents = build(service, base_url)
    if build is _service_provider_configs:
        return documents[0]
    if rest:
        return _by_id(documents, rest[0])
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": len(documents),
        "startIndex": 1,
        "itemsPerPage": len(documents),
        "Resources": documents,
    }


def is_discovery(name: str) -> bool:
    """Return whether the first segment of a path names a discovery endpoint."""
    return name in _ENDPOINTS


def canonical_name(name: str) -> str:
    """Return the RFC's name of a discovery endpoint that has an alias."""
    return "ServiceProviderConfig" if name == "ServiceProviderConfigs" else name


def refuse_filter(parameters: Mapping[str, str]) -> None:
    """Refuse a filter, which RFC 7644 §4 forbids at these endpoints.

    :raises Forbidden: there is one.
    """
    if "filter" in parameters:
        raise Forbidden("Discovery endpoints take no filter.")


def _by_id(documents: list[Document], wanted: str) -> Document:
    for document in documents:
        if document["id"].lower() == wanted.lower():
            return document
    raise NotFound(f"There is no {wanted}.")


def _service_provider_configs(service: ScimService, base_url: str) -> list[Document]:
    config = service.config
    document: Document = {"schemas": [SERVICE_PROVIDER_CONFIG.id]}
    if config.documentation_uri:
        document["documentationUri"] = config.documentation_uri
    document |= {
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": config.bulk_max_operations,
            "maxPayloadSize": config.bulk_max_bytes,
        },
        "filter": {"supported": True, "maxResults": config.max_page_size},
        "changePassword": {"supported": False},
        "sort": {"supported": config.sort},
        "etag": {"supported": True},
        "authenticationSchemes": _schemes(config),
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": config.default_page_size,
            "maxPageSize": config.max_page_size,
            "cursorTimeout": config.cursor_timeout_s,
        },
        "meta": _meta("ServiceProviderConfig", f"{base_url}/ServiceProviderConfig"),
    }
    if config.announce_async:
        document["securityEvents"] = {
            "asyncRequest": "request" if service.request_status else "none",
            "eventUris": [],
        }
    if config.roles_and_entitlements is not None:
        document["RolesAndEntitlements"] = dict(config.roles_and_entitlements)
    return [document]


def _schemes(config: ScimConfig) -> list[Document]:
    return [
        {
            "type": scheme.type,
            "name": scheme.name,
            "description": scheme.description,
            "specUri": scheme.spec_uri,
            "primary": scheme.primary,
        }
        for scheme in config.authentication_schemes
    ]


def _resource_types(service: ScimService, base_url: str) -> list[Document]:
    return [_resource_type(one, base_url) for one in service.resource_types]


def _resource_type(resource_type: ResourceType, base_url: str) -> Document:
    return {
        "schemas": [RESOURCE_TYPE.id],
        "id": resource_type.name,
        "name": resource_type.name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
        "schemaExtensions": [
            {"schema": extension.id, "required": False} for extension in resource_type.extensions
        ],
        "meta": _meta("ResourceType", f"{base_url}/ResourceTypes/{resource_type.name}"),
    }


def _schemas(service: ScimService, base_url: str) -> list[Document]:
    described: dict[str, Schema] = {}
    for resource_type in service.resource_types:
        core = resource_type.schema
        known = {attribute.name for attribute in core.attributes}
        described[core.id] = core.plus(*(a for a in _DESCRIBED if a.name not in known))
        described |= {extension.id: extension for extension in resource_type.extensions}
    for schema in (SERVICE_PROVIDER_CONFIG, RESOURCE_TYPE, SCHEMA):
        described[schema.id] = schema
    return [
        {**schema.to_json(), "meta": _meta("Schema", f"{base_url}/Schemas/{schema.id}")}
        for schema in described.values()
    ]


def _meta(resource_type: str, location: str) -> Document:
    return {"resourceType": resource_type, "location": location}


_ENDPOINTS: dict[str, Callable[[ScimService, str], list[Document]]] = {
    "ServiceProviderConfig": _service_provider_configs,
    # SailPoint's documentation spells it so in places.
    "ServiceProviderConfigs": _service_provider_configs,
    "ResourceTypes": _resource_types,
    "Schemas": _schemas,
}
