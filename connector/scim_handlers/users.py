"""Users: requests turned into wishes for :class:`UserProvisioning`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import orjson

from connector.domain.planning import ActualUser, DesiredUser, ProfileKey, held_profiles
from connector.ports import ENTITLEMENT, GROUP, ROLE, USER, StoredResource, UnitOfWork
from connector.scim_handlers.errors import called_back, translated
from connector.scim_handlers.ports import actor_of
from connector.scim_handlers.reading import StoredReader
from connector.scim_handlers.rendering import deferred, is_queued, preview, reader_of, to_resource
from connector.scim_handlers.schemas import USER_SCHEMA_FOR_PATCH, USERS
from connector.scim_handlers.translation import (
    Element,
    as_requested,
    creation,
    modification,
    replacement,
)
from connector.scim_handlers.user_groups import (
    GroupWishes,
    change_groups,
    check_groups,
    following,
    group_wishes,
    with_group_changes,
)
from connector.services.mirror.actual import load_attributes
from connector.services.mirror.documents import present
from connector.services.mirror.presentation import MANUAL_ROLE, PERMISSION_PROFILE
from connector.services.provisioning.recording import Outcome as Recorded
from connector.services.provisioning.wishes import Wish
from connector.services.queued_requests import SUBJECT_MARK
from scim.handlers import Deferred, Outcome, PatchOperation, PlanPreview, RequestContext, Resource
from scim.patch import apply_patch

_log = logging.getLogger(__name__)


class UserHandler(StoredReader):
    """The people of a tenant."""

    kind = USER

    def create(self, context: RequestContext, resource: Resource) -> Outcome:
        """Create a person, or bring the same person back."""
        services = self._services(context)
        with translated(), self._in_time(context):
            desired = self._of_known_roles(context, creation(resource, services.user_mapping))
            wishes = self._group_wishes(context, None, lambda _before: resource)
            actor = actor_of(context, following(SUBJECT_MARK, wishes))
            outcome = services.users.create(desired, actor, dry_run=context.dry_run)
            if wishes and outcome.subject_id is not None and not _is_followed(context, outcome):
                outcome = self._change_groups(context, outcome, wishes)
            return self._answer(context, outcome)

    def replace(self, context: RequestContext, scim_id: str, resource: Resource) -> Outcome:
        """Replace what is known of a person (RFC 7644 §3.5.1)."""
        services = self._services(context)

        find = self._finder(context, scim_id)

        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            find(uow)
            desired = replacement(
                resource,
                services.user_mapping,
                actual,
                load_attributes(uow, scim_id).kept,
                shows_requested=services.settings.provisioning.report == "requested",
            )
            return self._of_known_roles(context, desired)

        return self._update(context, scim_id, wish, lambda _before: resource)

    def patch(
        self, context: RequestContext, scim_id: str, operations: Sequence[PatchOperation]
    ) -> Outcome:
        """Change a person, all or nothing (RFC 7644 §3.5.2)."""
        services = self._services(context)
        dialect = context.caller.dialect
        schema = USER_SCHEMA_FOR_PATCH[dialect.allow_group_writes_via_user]

        def patched(before: Resource) -> Resource:
            return apply_patch(
                before,
                operations,
                schema,
                USERS.extensions,
                value_path_create=dialect.value_path_create,
                ignore_unknown=dialect.unknown_attributes == "ignore",
            )

        find = self._finder(context, scim_id)

        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            shown = to_resource(find(uow), reader_of(context))
            roles = _elements(uow, ROLE, actual.requested_roles, MANUAL_ROLE)
            before = as_requested(shown, roles, _entitlements(uow, actual.pending_profiles))
            desired = modification(
                before,
                patched,
                services.user_mapping,
                actual,
                load_attributes(uow, scim_id).kept,
                operations=operations,
                hidden=_entitlements(uow, actual.profiles_to_return - held_profiles(actual.user)),
            )
            return self._of_known_roles(context, desired)

        # A PATCH that leaves no groups asserts that.
        return self._update(context, scim_id, wish, lambda b: {"groups": [], **patched(b)})

    def _of_known_roles(self, context: RequestContext, desired: DesiredUser) -> DesiredUser:
        """Return the wish without roles that are none, for clients who send them."""
        if context.caller.dialect.unknown_roles != "ignore" or not desired.roles:
            return desired
        services = self._services(context).context
        offered = services.policy.visible_roles(
            has_organization=services.directory.has_organization
        )
        known = desired.roles & {role.role_id for role in offered}
        if known != desired.roles:
            _log.info(
                "passed over unknown roles: %.200r (client %s, correlation id %s)",
                sorted(desired.roles - known),
                context.caller.client_id,
                context.correlation_id,
            )
        return replace(desired, roles=known)

    def _finder(
        self, context: RequestContext, scim_id: str
    ) -> Callable[[UnitOfWork], StoredResource]:
        """Return what finds the user for a wish, which may be asked twice.

        ``If-Match`` is checked at the first time only: what the connector itself then reads from
        DocuSign makes a new version, and is no change that the client has missed.
        """
        find = self._find_to_change

        def found(uow: UnitOfWork) -> StoredResource:
            nonlocal find
            stored = find(uow, context, scim_id)
            find = self._find
            return stored

        return found

    def _update(
        self,
        context: RequestContext,
        scim_id: str,
        wish: Wish,
        asked: Callable[[Resource], Resource],
    ) -> Outcome:
        """Carry a wish out, and then what *asked* makes of the groups that the user is in."""

        def wished(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            with called_back():
                return wish(uow, actual)

        with translated(), self._in_time(context):
            wishes = self._group_wishes(context, scim_id, asked)
            actor = actor_of(context, following(scim_id, wishes))
            outcome = self._services(context).users.update(
                scim_id, wished, actor, dry_run=context.dry_run
            )
            if wishes and not _is_followed(context, outcome):
                outcome = self._change_groups(context, replace(outcome, subject_id=scim_id), wishes)
            return self._answer(context, outcome, scim_id)

    def _group_wishes(
        self,
        context: RequestContext,
        scim_id: str | None,
        asked: Callable[[Resource], Resource],
    ) -> GroupWishes:
        """Return how the groups shall change; clients write them only where they are let."""
        if not context.caller.dialect.allow_group_writes_via_user:
            return GroupWishes()
        with self._services(context).context.read() as uow:
            before: Resource = {}
            if scim_id is not None:
                found = self._find_to_change(uow, context, scim_id)
                before = to_resource(found, reader_of(context))
            after = asked(before)
            wishes = group_wishes(before, after) if "groups" in after else GroupWishes()
            if wishes:
                context.caller.require_write(GROUP)
            check_groups(uow, wishes)
            return wishes

    def _change_groups(
        self, context: RequestContext, outcome: Recorded, wishes: GroupWishes
    ) -> Recorded:
        services, user_id = self._services(context), outcome.subject_id or ""
        # Nobody asks for these alone: what cannot be done now is answered 503.
        actor = replace(actor_of(context), waits=True, request=None)
        changes = change_groups(services, user_id, wishes, actor, dry_run=context.dry_run)
        return with_group_changes(services, outcome, changes)

    def delete(self, context: RequestContext, scim_id: str) -> PlanPreview | Deferred | None:
        """Close and strip every membership; the id answers 404 from then on."""

        def check(uow: UnitOfWork, actual: ActualUser) -> None:
            with called_back():
                self._find_to_change(uow, context, scim_id)

        with translated(), self._in_time(context):
            outcome = self._services(context).users.delete(
                scim_id, check, actor_of(context), dry_run=context.dry_run
            )
            if context.dry_run:
                return preview(outcome, self._services(context).context)
            return deferred(context, outcome)

    def _answer(
        self, context: RequestContext, outcome: Recorded, scim_id: str | None = None
    ) -> Outcome:
        if context.dry_run:
            return preview(outcome, self._services(context).context)
        if later := deferred(context, outcome):
            return later
        return self._written(context, scim_id or outcome.subject_id or "")


def _is_followed(context: RequestContext, outcome: Recorded) -> bool:
    """Return whether the changes of groups stand in the queue behind the user's own."""
    return context.turn is not None or is_queued(outcome)


def _entitlements(uow: UnitOfWork, profiles: Iterable[ProfileKey]) -> list[Element]:
    """Return profiles as elements of ``entitlements``, as they are shown of somebody who holds
    them."""
    return _elements(uow, ENTITLEMENT, map(".".join, profiles), PERMISSION_PROFILE)


def _elements(uow: UnitOfWork, kind: str, scim_ids: Iterable[str], type_: str) -> list[Element]:
    """Return what is in a catalogue as elements of a user, with the name that clients see there."""
    ids = sorted(scim_ids)
    rows = uow.resources.rows(kind, ids) if ids else {}
    names = {key: orjson.loads(row.document)["displayName"] for key, row in rows.items()}
    return [present(value=key, display=names.get(key), type=type_) for key in ids]
