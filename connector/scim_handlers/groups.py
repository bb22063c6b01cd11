"""Groups: DocuSign's own, and what is shown as Groups for clients that know nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson

from connector.domain.model import DirectoryGroup
from connector.ports import GROUP, USER, GroupMember, StoredResource, UnitOfWork
from connector.scim_handlers.directory_groups import change_directory_group, create_directory_group
from connector.scim_handlers.errors import called_back, translated
from connector.scim_handlers.group_writes import (
    GroupRequest,
    RequestedChange,
    kept_for,
    member_ids,
    wanted_change,
)
from connector.scim_handlers.ports import actor_of
from connector.scim_handlers.reading import StoredReader
from connector.scim_handlers.rendering import (
    deferred,
    members_shown,
    preview,
    reader_of,
    render,
    storable,
)
from connector.scim_handlers.schemas import GROUPS, MEMBERS
from connector.scim_handlers.shown_groups import change_shown_group, is_shown_group
from connector.scim_handlers.translation import reason_in
from connector.services.mirror.presentation import DOCUSIGN_GROUP
from connector.services.provisioning.recording import Outcome as Recorded
from scim.errors import Forbidden, Mutability
from scim.evaluate import element_matches
from scim.filters import Filter
from scim.handlers import (
    Deferred,
    Outcome,
    PatchOperation,
    PlanPreview,
    Rendered,
    RequestContext,
    Resource,
    Written,
)
from scim.members import Selector, member_changes
from scim.patch import apply_patch


class GroupHandler(StoredReader):
    """The groups of a tenant, ``members`` joined where a reader wants them."""

    kind = GROUP
    _passes_through = False

    def create(self, context: RequestContext, resource: Resource) -> Outcome:
        """Create a DocuSign group."""
        with translated(), self._in_time(context):
            outcome = create_directory_group(
                self._services(context),
                resource,
                partial(actor_of, context),
                dry_run=context.dry_run,
                lenient=context.caller.dialect.unknown_members == "lenient",
            )
            return self._answer(context, outcome, outcome.subject_id or "")

    def replace(self, context: RequestContext, scim_id: str, resource: Resource) -> Outcome:
        """Replace name, external id and, where it is given, the list of members."""
        with translated(), self._in_time(context):
            before = self._read(context, scim_id)
            _check_account(before, resource)
            change = RequestedChange(replace=member_ids(resource), name=_new_name(before, resource))
            return self._change(context, scim_id, change, before, resource)

    def patch(
        self, context: RequestContext, scim_id: str, operations: Sequence[PatchOperation]
    ) -> Outcome:
        """Change members and name as one change; the members there are never read."""
        with translated(), self._in_time(context):
            before = self._read(context, scim_id)
            delta = member_changes(operations, self._selector(context, scim_id))
            after = apply_patch(
                before,
                delta.rest,
                GROUPS.schema,
                GROUPS.extensions,
                ignore_unknown=context.caller.dialect.unknown_attributes == "ignore",
            )
            change = wanted_change(delta, _new_name(before, after))
            return self._change(context, scim_id, change, before, after, is_patch=True)

    def delete(self, context: RequestContext, scim_id: str) -> PlanPreview | Deferred | None:
        """Delete a DocuSign group.

        :raises Forbidden: the Group stands for a profile or a role.
        """

        def check(uow: UnitOfWork, group: DirectoryGroup) -> None:
            self._check(uow, context, scim_id)

        with translated(), self._in_time(context):
            self._read(context, scim_id)
            if is_shown_group(scim_id):
                raise Forbidden("Permission profiles and roles cannot be deleted here.")
            outcome = self._services(context).groups.delete(
                scim_id, check, actor_of(context), dry_run=context.dry_run
            )
            if context.dry_run:
                return preview(outcome, self._services(context).context)
            return deferred(context, outcome)

    def _read(self, context: RequestContext, scim_id: str) -> dict[str, Any]:
        with self._services(context).context.read() as uow:
            stored = render(self._find(uow, context, scim_id), reader_of(context))
        resource: dict[str, Any] = orjson.loads(storable(stored, context.caller.dialect).document)
        return resource

    def _change(
        self,
        context: RequestContext,
        scim_id: str,
        change: RequestedChange,
        before: Resource,
        after: Resource,
        *,
        is_patch: bool = False,
    ) -> Outcome:
        if is_shown_group(scim_id):
            # Its members are entitlements of users: the scope of groups alone does not reach them.
            context.caller.require_write(USER)
        actor = actor_of(context)
        external_id = after.get("externalId")
        keeps = external_id != before.get("externalId")
        request = GroupRequest(
            scim_id,
            change,
            kept_for(actor, external_id) if keeps else {},
            lambda uow: self._check(uow, context, scim_id),
            actor,
            context.dry_run,
            lenient=context.caller.dialect.unknown_members == "lenient",
            reason=reason_in(after, DOCUSIGN_GROUP),
        )
        carry_out = change_shown_group if is_shown_group(scim_id) else change_directory_group
        outcome = carry_out(self._services(context), request)
        return self._answer(context, outcome, scim_id, is_patch=is_patch)

    def _selector(self, context: RequestContext, scim_id: str) -> Selector:
        """Return what finds the members whom a path filter selects."""

        def select(filter_: Filter, among: frozenset[str] | None) -> Sequence[str]:
            # Evaluated once on nothing, so that a wrong sub-attribute is an error in any case.
            element_matches(filter_, {}, MEMBERS)
            with self._services(context).context.read() as uow:
                members = uow.resources.members(scim_id, among=among)
            shown = members_shown(members, context.base_url)
            return [one["value"] for one in shown if element_matches(filter_, one, MEMBERS)]

        return select

    def _check(self, uow: UnitOfWork, context: RequestContext, scim_id: str) -> None:
        with called_back():
            self._find_to_change(uow, context, scim_id)

    # answers ------------------------------------------------------------------

    def _answer(
        self, context: RequestContext, outcome: Recorded, scim_id: str, *, is_patch: bool = False
    ) -> Outcome:
        if context.dry_run:
            return preview(outcome, self._services(context).context)
        if later := deferred(context, outcome):
            return later
        if is_patch and context.projection.wants("members"):
            with self._services(context).context.read() as uow:
                if self._is_large(uow, context, scim_id):
                    stored = self._find(uow, context, scim_id)
                    return Written(None, stored.version, f"{context.base_url}/Groups/{scim_id}")
        return self._written(context, scim_id)

    def _is_large(self, uow: UnitOfWork, context: RequestContext, scim_id: str) -> bool:
        """Return whether the members would be out of proportion to a change of a few."""
        limit = self._services(context).settings.scim.members_in_patch_response
        return len(uow.resources.members(scim_id, limit=limit + 1)) > limit

    def _render(self, uow: UnitOfWork, context: RequestContext, stored: StoredResource) -> Rendered:
        members: Sequence[GroupMember] | None = None
        if context.projection.wants("members"):
            members = uow.resources.members(stored.scim_id)
        return storable(render(stored, reader_of(context), members), context.caller.dialect)

    def _render_page(
        self, uow: UnitOfWork, context: RequestContext, page: Sequence[StoredResource]
    ) -> Sequence[Rendered]:
        return [self._render(uow, context, stored) for stored in page]


def _new_name(before: Resource, after: Resource) -> str | None:
    name: str = after["displayName"]
    return name if name != before["displayName"] else None


def _check_account(before: Resource, after: Resource) -> None:
    """Refuse to move a group (RFC 7644 §3.5.1).

    :raises Mutability: the account is given and is another one.
    """
    given = ((after.get(DOCUSIGN_GROUP) or {}).get("account") or {}).get("value")
    held = before[DOCUSIGN_GROUP].get("account", {}).get("value")
    if given is not None and given != held:
        raise Mutability("The account of a group is immutable: create a group in the other one.")
