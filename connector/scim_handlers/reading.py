"""What every resource type does alike: read, search, find what a write is about."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from connector.ports import ResourceQuery, StoredResource, UnitOfWork
from connector.scim_handlers.errors import translated
from connector.scim_handlers.locations import as_stored
from connector.scim_handlers.ports import Application, TenantServices, actor_of
from connector.scim_handlers.rendering import place, read_place, reader_of, render, render_joined
from connector.services.provisioning.recording import answered_in_time
from scim.errors import NotFound, PreconditionFailed
from scim.handlers import Page, Query, Rendered, RequestContext, Written
from scim.parameters import matches_version


class StoredReader:
    """Serves the stored resources of one kind."""

    kind: str
    _passes_through = True
    """Whether a page is its stored documents and nothing more."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def get(self, context: RequestContext, scim_id: str) -> Rendered:
        """Return one resource.

        :raises NotFound: there is none, or it was deleted.
        """
        single = self._passes_through
        with translated(), self._services(context).context.read(single=single) as uow:
            stored = self._find(uow, context, scim_id)
            return self._render(uow, context, stored)

    def search(self, context: RequestContext, query: Query) -> Page:
        """Return a page of the matching resources.

        :raises scim.errors.InvalidFilter: an attribute or comparison that cannot be.
        :raises scim.errors.TooMany: it takes longer than a search may.
        :raises scim.errors.Unavailable: it takes long, as too many others do just now.
        """
        after, key = (None, None) if query.after is None else read_place(query.after)
        is_plain = query.filter is None and query.sort_by is None
        if query.joined and is_plain and self._passes_through:
            joined = self._joined(context, query, after)
            if joined is not None:
                return joined
        wanted = ResourceQuery(
            self.kind,
            query.filter and as_stored(query.filter, context.base_url),
            query.sort_by,
            query.descending,
            query.start_index,
            query.count,
            context.caller.external_id_scope,
            after,
            key,
            asked_by=context.caller.client_id,
        )
        # What is not plain begins a transaction by itself where it takes several statements.
        single = self._passes_through and not is_plain
        with translated(), self._services(context).context.read(single=single) as uow:
            page = uow.resources.search(wanted)
            documents = self._render_page(uow, context, page.resources)
            return Page(page.total, documents, next_after=place(page.next_after, page.next_key))

    def _joined(self, context: RequestContext, query: Query, after: int | None) -> Page | None:
        """Return a page made by the database; see :func:`render_joined`.

        It is one statement; a cursor takes another to see where the page ends.
        """
        kind, scope, count = self.kind, context.caller.external_id_scope, query.count
        single = after is None
        with translated(), self._services(context).context.read(single=single) as uow:
            if after is None:
                page = uow.resources.joined_page(kind, scope, query.start_index, count)
            else:
                page = uow.resources.joined_behind(kind, scope, after, count)
        return render_joined(page, reader_of(context))

    def _in_time(self, context: RequestContext) -> AbstractContextManager[None]:
        """Let a write wait no longer than its client, however many changes it is made of."""
        return answered_in_time(actor_of(context), self._services(context).settings.provisioning)

    def _services(self, context: RequestContext) -> TenantServices:
        return self._application.tenant(context.caller.tenant)

    def _render(self, uow: UnitOfWork, context: RequestContext, stored: StoredResource) -> Rendered:
        return render(stored, reader_of(context))

    def _render_page(
        self, uow: UnitOfWork, context: RequestContext, page: Sequence[StoredResource]
    ) -> Sequence[Rendered]:
        reader = reader_of(context)
        return [render(stored, reader) for stored in page]

    def _find(self, uow: UnitOfWork, context: RequestContext, scim_id: str) -> StoredResource:
        stored = uow.resources.find(self.kind, scim_id)
        if stored is None:
            raise NotFound(f"There is no {self.kind} {scim_id}.")
        return stored

    def _find_to_change(
        self, uow: UnitOfWork, context: RequestContext, scim_id: str
    ) -> StoredResource:
        """Return what a write is about, as it is under the write lock.

        :raises NotFound: there is none.
        :raises PreconditionFailed: it is not the version that ``If-Match`` names, or it is the one
            that ``If-None-Match`` does (RFC 9110 §13.1.2).
        """
        stored = self._find(uow, context, scim_id)
        tags = context.preconditions.if_match
        if tags and not matches_version(tags, stored.version):
            raise PreconditionFailed
        if matches_version(context.preconditions.if_none_match, stored.version):
            raise PreconditionFailed(
                "Precondition Failed: If-None-Match names the version that there is."
            )
        return stored

    def _written(self, context: RequestContext, scim_id: str) -> Written:
        """Return the answer to a write: the resource as it is now."""
        with self._services(context).context.read() as uow:
            stored = uow.resources.find(self.kind, scim_id)
            if stored is not None:
                return Written(self._render(uow, context, stored), stored.version)
            # The change hid it, such as a closed user where the tenant lists none of them.
            hidden = uow.resources.find_hidden(self.kind, scim_id)
        location = f"{context.base_url}/{self.kind}s/{scim_id}"
        return Written(None, hidden.version if hidden else "", location)
