"""What administrators import into their identity-governance product, as text.

The attributes come from :mod:`connector.scim_handlers.schemas`, their sources in the product's own
person from ``sources.yaml``, and the shape of the document from ``templates/``. No document holds a
secret: :data:`TOKEN_PLACEHOLDER` stands where one is entered.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from connector.exports import attributes, entra, midpoint, okta
from connector.settings import ServerSettings

TOKEN_PLACEHOLDER = "REPLACE-WITH-TOKEN"  # noqa: S105 - says that none is given
RETRYABLE_ERRORS = (
    "temporarily unavailable",
    "Precondition Failed",
    "Too many requests",
    "timed out",
    "Connection reset",
    "Connection refused",
    "Gateway Time",
)
"""What SailPoint's products look for in an error to try again. They search for a part of the text,
so these are words: a number such as 412 would be found in the middle of many an id. A 502 of the
connector needs a person, so it is not among them."""


@dataclass(frozen=True)
class Target:
    """The connector as the product is to see it."""

    base_url: str
    """SCIM base address, without a slash at its end."""
    tenant: str
    client: str
    """Name of the API client whose token the product gets."""

    @property
    def name(self) -> str:
        """What the application is called in the product."""
        return "DocuSign" if self.tenant == "default" else f"DocuSign {self.tenant}"


def base_url(server: ServerSettings, tenant: str) -> str:
    """Return the SCIM base address of a tenant."""
    public_url = (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")
    return f"{public_url}{'' if tenant == 'default' else f'/{tenant}'}/scim/v2"


@dataclass(frozen=True)
class _Product:
    template: str
    extra: Callable[[], Mapping[str, Any]] = dict
    """What only this template needs."""
    knows_groups_only: bool = False


_PRODUCTS: Mapping[str, _Product] = MappingProxyType(
    {
        "identityiq": _Product("identityiq.xml.j2"),
        "isc": _Product("isc.json.j2"),
        "entra": _Product("entra.json.j2", entra.parts, knows_groups_only=True),
        "okta": _Product("okta.json.j2", okta.parts, knows_groups_only=True),
        "midpoint": _Product("midpoint.xml.j2", midpoint.parts, knows_groups_only=True),
    }
)
PRODUCTS = tuple(_PRODUCTS)
"""Names of the products, which are also those of their dialects."""
KNOW_GROUPS_ONLY = frozenset(name for name, one in _PRODUCTS.items() if one.knows_groups_only)
"""Products that permission profiles and roles reach as Groups, or not at all."""


def render(product: str, target: Target) -> str:
    """Return the document for *product*, one of :data:`PRODUCTS`: XML or JSON."""
    found = _PRODUCTS[product]
    text = (
        _environment()
        .get_template(found.template)
        .render(
            target=target,
            product=product,
            schema=attributes,
            sources=attributes.sources_of(product),
            token=TOKEN_PLACEHOLDER,
            retryable_errors=RETRYABLE_ERRORS,
            **found.extra(),
        )
    )
    if found.template.endswith(".json.j2"):
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n"
    return text


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("connector.exports"),
        autoescape=True,  # for JSON, `tojson` writes every value and marks it as safe
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # A JSON string is a string literal of Java as well.
    environment.filters["java"] = json.dumps
    return environment
