"""Users: requests turned into wishes for :class:`UserProvisioning`."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.desired import ActualUser, DesiredUser
from connector.ports import USER, UnitOfWork
from connector.scim_handlers.errors import translated
from connector.scim_handlers.ports import actor_of
from connector.scim_handlers.reading import StoredReader
from connector.scim_handlers.rendering import deferred, preview, to_resource
from connector.scim_handlers.schemas import PATCHED_USER_SCHEMA, USERS
from connector.scim_handlers.translation import (
    creation,
    lists_entitlements,
    modification,
    replacement,
    with_requested_roles,
)
from connector.services.actual import load_attributes
from connector.services.recording import Outcome as Recorded
from scim.errors import Unavailable
from scim.handlers import (
    Deferred,
    Outcome,
    PatchOperation,
    PlanPreview,
    RequestContext,
    Resource,
)
from scim.patch import apply_patch


class UserHandler(StoredReader):
    """The people of a tenant."""

    kind = USER

    def create(self, context: RequestContext, resource: Resource) -> Outcome:
        """Create a person, or bring the same person back."""
        services = self._services(context)
        with translated():
            desired = creation(resource, services.user_mapping)
            # Who joins inactive takes two plans.
            actor = actor_of(context, waits=True if desired.active is False else None)
            outcome = services.users.create(desired, actor, dry_run=context.dry_run)
            return self._answer(context, outcome)

    def replace(self, context: RequestContext, scim_id: str, resource: Resource) -> Outcome:
        """Replace what is known of a person (RFC 7644 §3.5.1)."""
        services = self._services(context)

        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            self._find_to_change(uow, context, scim_id)
            return replacement(
                resource,
                services.user_mapping,
                actual,
                load_attributes(uow, scim_id).kept,
                shows_requested=services.settings.provisioning.report == "requested",
            )

        with translated():
            outcome = services.users.update(
                scim_id, wish, actor_of(context), dry_run=context.dry_run
            )
            return self._answer(context, outcome, scim_id)

    def patch(
        self, context: RequestContext, scim_id: str, operations: Sequence[PatchOperation]
    ) -> Outcome:
        """Change a person, all or nothing (RFC 7644 §3.5.2)."""
        services = self._services(context)

        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            stored = self._find_to_change(uow, context, scim_id)
            before = with_requested_roles(to_resource(stored, context.base_url), actual)
            after = apply_patch(before, operations, PATCHED_USER_SCHEMA, USERS.extensions)
            return modification(
                before,
                after,
                services.user_mapping,
                actual,
                load_attributes(uow, scim_id).kept,
                exact=lists_entitlements(operations),
            )

        with translated():
            outcome = services.users.update(
                scim_id, wish, actor_of(context), dry_run=context.dry_run
            )
            return self._answer(context, outcome, scim_id)

    def delete(self, context: RequestContext, scim_id: str) -> PlanPreview | Deferred | None:
        """Close and strip every membership; the id answers 404 from then on."""

        def check(uow: UnitOfWork, actual: ActualUser) -> None:
            self._find_to_change(uow, context, scim_id)

        with translated():
            outcome = self._services(context).users.delete(
                scim_id, check, actor_of(context), dry_run=context.dry_run
            )
        return preview(outcome) if context.dry_run else deferred(context, outcome)

    def _answer(
        self, context: RequestContext, outcome: Recorded, scim_id: str | None = None
    ) -> Outcome:
        if context.dry_run:
            return preview(outcome)
        if later := deferred(context, outcome):
            return later
        created = scim_id or outcome.subject_id
        if created is None:
            raise Unavailable(
                "DocuSign is temporarily unavailable (503). The user is queued and will be created "
                "when it is back; look for the userName then."
            )
        return self._written(context, created)
