"""Port: what a resource type must be able to do for the blueprint.

A handler receives requests whose syntax has been checked (JSON, media type, PatchOp form, filter
grammar, page numbers) and answers with rendered resources. It raises :class:`scim.errors.ScimError`
for everything the client has to know. It is built once and called from many threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from scim.dialects import Dialect, dialect_of
from scim.errors import InsufficientScope
from scim.filters import AttributePath, Filter

Resource = dict[str, Any]
"""A SCIM resource as JSON data, attribute names in the schema's spelling."""


@dataclass(frozen=True)
class Caller:
    """Who asks, as the authenticator found."""

    tenant: str
    client_id: str
    scopes: frozenset[str]
    """``read`` and ``write``."""
    external_id_scope: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Dialect and tolerances of this client, by name, as :mod:`scim.dialects` lists them."""
    writable: frozenset[str] | None = None
    """Names of the resource types that a caller with the scope ``write`` may change; None: all."""

    def require_write(self, resource_type: str) -> None:
        """Refuse to change resources of a type that is not among the writable ones.

        :raises InsufficientScope: it is not.
        """
        if self.writable is not None and resource_type not in self.writable:
            raise InsufficientScope(
                f"This credential may not change resources of the type {resource_type}. Use one "
                f"that has the scope write:{resource_type.lower()}s or write."
            )

    @cached_property
    def dialect(self) -> Dialect:
        """The tolerances towards this client."""
        return dialect_of(self.settings)


_CORE = "urn:ietf:params:scim:schemas:core:2.0:"


@dataclass(frozen=True)
class Projection:
    """``attributes`` or ``excludedAttributes`` (RFC 7644 §3.9); both empty means the default."""

    attributes: tuple[AttributePath, ...] = ()
    excluded: tuple[AttributePath, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.attributes or self.excluded)

    def wants(self, attribute: str) -> bool:
        """Return whether a top-level core attribute can appear in the answer.

        Handlers ask before they compute something costly, such as ``members``.
        """
        name = attribute.lower()
        if self.attributes:
            return any(
                path.attribute.lower() == name or f"{path.schema}:".lower() == _CORE.lower()
                for path in self.attributes
            )
        return not any(
            path.attribute.lower() == name
            and path.sub_attribute is None
            and (path.schema is None or path.schema.lower().startswith(_CORE))
            for path in self.excluded
        )


@dataclass(frozen=True)
class Preconditions:
    """``If-Match`` and ``If-None-Match`` (RFC 7644 §3.14), as lists of entity tags or ``*``."""

    if_match: tuple[str, ...] = ()
    if_none_match: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """A write as it came, so that it can be asked for again later."""

    method: str
    """``POST``, ``PUT``, ``PATCH`` or ``DELETE``."""
    resource_type: str
    """``User``, ``Group`` …"""
    scim_id: str | None
    """None for a POST."""
    document: Any = None
    """The body, None for a DELETE."""


class RequestContext(NamedTuple):
    """What every handler call gets; a tuple, because each request makes one."""

    caller: Caller
    base_url: str
    """Public URL of this SCIM service without trailing slash; locations start with it."""
    correlation_id: str
    projection: Projection = Projection()
    preconditions: Preconditions = Preconditions()
    dry_run: bool = False
    """``?dryRun=true``: answer the plan and change nothing."""
    respond_async: bool = False
    """``Prefer: respond-async`` was sent, and can be met: a handler may answer
    :class:`Deferred`."""
    asked: Asked | None = None
    """What a write asks for, for handlers that may have to do it later."""
    turn: str | None = None
    """The transaction of a :class:`Deferred` write that is asked for again, now that its turn has
    come."""


@dataclass(frozen=True)
class Rendered:
    """A resource as stored: JSON text, complete, with ``meta``.

    The blueprint projects it when asked to, and sends it untouched otherwise.
    """

    scim_id: str
    document: bytes
    version: str
    """``meta.version``, which is the entity tag, such as ``W/"3f2a"``."""
    last_modified_at: datetime | None = None


@dataclass(frozen=True)
class Written:
    """The outcome of a write.

    ``rendered`` is None where the full body would be out of proportion to the change (a group with
    many members): the blueprint then answers 204 with the entity tag (RFC 7644 §3.5.2).
    """

    rendered: Rendered | None
    version: str = ""
    location: str = ""


@dataclass(frozen=True)
class Deferred:
    """A write that was checked and recorded, and will be carried out later.

    Answered with 202, whether or not the client offered to come back
    (:attr:`RequestContext.respond_async`): what does not exist yet has no ``id`` to answer with.
    """

    transaction: str
    """Under which :attr:`scim.service.ScimService.request_status` tells what became of it."""


@dataclass(frozen=True)
class PlanPreview:
    """The answer to ``?dryRun=true``: what would be done, and by whom."""

    document: Mapping[str, Any]


Outcome = Written | PlanPreview | Deferred
"""What becomes of a POST, PUT or PATCH."""


@dataclass(frozen=True)
class Query:
    """A list or search request, validated."""

    filter: Filter | None = None
    sort_by: AttributePath | None = None
    descending: bool = False
    start_index: int = 1
    """One-based, at least 1."""
    count: int = 100
    """Between 0 and the maximum."""
    after: str | None = None
    """For pages by cursor (RFC 9865): the :attr:`Page.next_after` behind which this one begins, ""
    for the first page. Then ``start_index`` is 1."""
    joined: bool = False
    """Whether the resources pass through untouched, so that :attr:`Page.joined` will do."""


class Joined(NamedTuple):
    """The documents of a page as one text, for handlers that have it cheaper than one by one."""

    size: int
    """How many there are."""
    documents: bytes
    """Separated by commas."""


class Page(NamedTuple):
    """One page of a list."""

    total_results: int
    resources: Sequence[Rendered] = ()
    joined: Joined | None = None
    """Instead of ``resources``, and only where the query allows it."""
    next_after: str | None = None
    """The place where the next page by cursor begins, None behind the last. It must stay valid
    while resources come, go and change. ``total_results`` counts on the first page only."""


@dataclass(frozen=True)
class PatchOperation:
    """One element of ``Operations``, ``op`` in lower case and ``path`` not yet parsed."""

    op: str
    path: str | None
    value: Any
    has_value: bool = True


class ResourceHandler(Protocol):
    """One resource type. Writes of a read-only type raise :class:`scim.errors.NotAllowed`."""

    def get(self, context: RequestContext, scim_id: str) -> Rendered:
        """Return one resource.

        :raises scim.errors.NotFound: there is none, or it was deleted.
        """

    def search(self, context: RequestContext, query: Query) -> Page:
        """Return a page of the matching resources.

        :raises scim.errors.InvalidFilter: an attribute or comparison that cannot be.
        """

    def create(self, context: RequestContext, resource: Resource) -> Outcome:
        """Create a resource and return it as it now is.

        *resource* has passed its schema, without what is readOnly. An attribute that the client
        cleared is None, or ``[]`` where it is multi-valued; one that it did not name is absent.
        """

    def replace(self, context: RequestContext, scim_id: str, resource: Resource) -> Outcome:
        """Replace a resource (RFC 7644 §3.5.1); *resource* is as for :meth:`create`."""

    def patch(
        self, context: RequestContext, scim_id: str, operations: Sequence[PatchOperation]
    ) -> Outcome:
        """Change a resource, all or nothing (RFC 7644 §3.5.2)."""

    def delete(self, context: RequestContext, scim_id: str) -> PlanPreview | Deferred | None:
        """Delete a resource (RFC 7644 §3.6)."""


class Authenticator(Protocol):
    """Finds out who sends a request."""

    def authenticate(
        self, tenant: str, headers: Mapping[str, str], remote_address: str = ""
    ) -> Caller:
        """Return the caller.

        :raises scim.errors.Unauthorized: no valid credential of this tenant was sent.
        :raises scim.errors.TooManyRequests: so it was again and again.
        """

    def challenges(self, *, refused: bool) -> Sequence[str]:
        """Return the values for ``WWW-Authenticate``, one for each way in.

        :param refused: whether a credential was sent: only then an error is told (RFC 6750 §3.1).
        """
