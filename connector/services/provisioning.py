"""Users: from what a client wants to a recorded plan, carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from connector.domain.desired import ActualUser, DesiredUser
from connector.domain.model import fold
from connector.domain.plan import GrantRole, Plan, RevokeRole
from connector.domain.planner import (
    Addresses,
    person_of,
    plan_creation,
    plan_deletion,
    plan_return,
    plan_user,
)
from connector.errors import InvalidRequestError, UniquenessError
from connector.ports import GROUP, USER, UnitOfWork
from connector.services.actual import load_actual, load_attributes
from connector.services.context import Actor, TenantContext
from connector.services.locks import (
    LOCKED_USERS,
    WriteLocks,
    address_key,
    group_key,
    user_key,
)
from connector.services.reasons import as_context
from connector.services.recording import ChangePipeline, Outcome, Subject
from connector.services.refresh import RefreshService

Wish = Callable[[UnitOfWork, ActualUser], DesiredUser]
"""Says what a user shall become, from what they are; runs under the write lock and checks the
client's precondition there."""
Check = Callable[[UnitOfWork, ActualUser], None]


class UserProvisioning:
    """Creates, changes and deletes the users of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        locks: WriteLocks,
        refresh: RefreshService,
        pipeline: ChangePipeline,
    ) -> None:
        self._context = context
        self._locks = locks
        self._refresh = refresh
        self._pipeline = pipeline

    # creating -----------------------------------------------------------------

    def create(self, desired: DesiredUser, actor: Actor, *, dry_run: bool = False) -> Outcome:
        """Create a person, or bring the same person back (equal ``externalId``).

        :raises UniquenessError: somebody else holds the address, active or inactive.
        :raises InvalidRequestError: unknown entitlement or role, or a contradiction.
        """
        email_key = fold(desired.person.email)
        keys = [address_key(email_key)]
        with self._locks.hold(keys, self._pipeline.wait_s):
            self._pipeline.settle_creations(USER, keys, actor, dry_run=dry_run)
            self._refresh.find_address(desired.person.email)
            returning = self._find_returning(desired, email_key, actor)
            if returning is not None:
                return self._bring_back(returning, desired, actor, dry_run=dry_run)
            return self._create(desired, email_key, actor, dry_run=dry_run)

    def _create(
        self, desired: DesiredUser, email_key: str, actor: Actor, *, dry_run: bool
    ) -> Outcome:
        addresses = self._addresses()
        with self._context.write() as uow:
            book = self._context.book(uow.mirror.catalogue())
            self._check_roles(desired)
            plan = plan_creation(desired, book, addresses, _users_on(uow, email_key))
            subject = Subject(USER, None, [address_key(email_key)])
            extra = {**_client_part(desired, actor), "create": True}
            outcome = self._pipeline.record(uow, plan, subject, actor, extra=extra, dry_run=dry_run)
        return self._pipeline.carry_out(outcome, actor)

    def _find_returning(
        self, desired: DesiredUser, email_key: str, actor: Actor
    ) -> ActualUser | None:
        """Return the person who comes back, None for a new one.

        :raises UniquenessError: the address is somebody else's.
        """
        with self._context.read() as uow:
            visible = uow.resources.find_by_name(USER, email_key)
            if visible is not None:
                actual = load_actual(uow, visible.scim_id)
                external_ids = load_attributes(uow, visible.scim_id).external_ids
                same = _same_person(external_ids, desired, actor)
                if same and not any(actual.user.open_memberships()):
                    return actual
                raise _taken(desired.person.email, visible.scim_id)
            for tombstone in uow.attributes.tombstones(email_key):
                if _same_person(tombstone.external_ids, desired, actor):
                    return load_actual(uow, tombstone.scim_id)
        return None

    def _bring_back(
        self, actual: ActualUser, desired: DesiredUser, actor: Actor, *, dry_run: bool
    ) -> Outcome:
        user_id = actual.user.user_id
        with self._locks.hold([user_key(user_id)], self._pipeline.wait_s):
            self._pipeline.settle_earlier(USER, user_id, actor, dry_run=dry_run)
            addresses = self._addresses()
            with self._context.write() as uow:
                book = self._context.book(uow.mirror.catalogue())
                self._check_roles(desired)
                plan = plan_return(desired, load_actual(uow, user_id), book, addresses)
                subject = Subject(USER, user_id, [user_key(user_id)])
                extra = {**_client_part(desired, actor), "return": True}
                outcome = self._pipeline.record(
                    uow, plan, subject, actor, extra=extra, dry_run=dry_run
                )
            return self._pipeline.carry_out(outcome, actor)

    # changing -----------------------------------------------------------------

    def update(self, user_id: str, wish: Wish, actor: Actor, *, dry_run: bool = False) -> Outcome:
        """Make a user what *wish* says.

        :raises connector.errors.NotFoundError: no such user.
        :raises InvalidRequestError: the wish cannot be, see the message.
        :raises connector.errors.GuardError: a safety rule refuses.
        """
        self._settle_creations([user_id], actor, dry_run=dry_run)
        with self._locks.hold([user_key(user_id)], self._pipeline.wait_s):
            self._pipeline.settle_earlier(USER, user_id, actor, dry_run=dry_run)
            self._refresh.refresh_if_stale(user_id)
            with self._locks.hold_administrators([user_id], self._pipeline.wait_s):
                outcome = self._plan_and_record(user_id, wish, actor, dry_run=dry_run, look=True)
                if outcome is None:
                    # User lists do not show organization admins: look before asking a person.
                    self._refresh.refresh_roles(user_id)
                    outcome = self._plan_and_record(
                        user_id, wish, actor, dry_run=dry_run, look=False
                    )
                return self._pipeline.carry_out(outcome or Outcome(Plan()), actor)

    def _plan_and_record(
        self, user_id: str, wish: Wish, actor: Actor, *, dry_run: bool, look: bool
    ) -> Outcome | None:
        """Return the recorded plan, or None where *look* asks for a fresh view of roles first."""
        addresses = self._addresses()
        with self._context.write() as uow:
            plan, desired = self._plan(uow, user_id, wish, addresses)
            if look and _changes_roles(plan):
                return None
            extra = _client_part(desired, actor)
            taken_back = ([user_id], [".".join(item) for item in desired.takes_back])
            subject = Subject(USER, user_id, [user_key(user_id)], taken_back)
            return self._pipeline.record(uow, plan, subject, actor, extra=extra, dry_run=dry_run)

    def _plan(
        self, uow: UnitOfWork, user_id: str, wish: Wish, addresses: Addresses
    ) -> tuple[Plan, DesiredUser]:
        actual = load_actual(uow, user_id)
        desired = wish(uow, actual)
        self._check_roles(desired)
        self._check_address(uow, desired, actual)
        book = self._context.book(uow.mirror.catalogue())
        return plan_user(desired, actual, book, addresses), desired

    def update_together(
        self,
        wishes: Mapping[str, Wish],
        scim_id: str,
        actor: Actor,
        *,
        extra: Mapping[str, Any],
        dry_run: bool = False,
    ) -> Outcome:
        """Make each user what their wish says, in one plan: all of them or nobody.

        :param scim_id: the Group that stands for what they hold; *extra* is kept for it.
        :raises connector.errors.ConnectorError: as :meth:`update`, for any of them.
        """
        user_ids = sorted(wishes)
        keys = [group_key(scim_id)]
        if len(user_ids) <= LOCKED_USERS:
            keys += [user_key(user_id) for user_id in user_ids]
        self._settle_creations(user_ids, actor, dry_run=dry_run)
        with self._locks.hold(keys, self._pipeline.wait_s):
            self._pipeline.settle_earlier(GROUP, scim_id, actor, dry_run=dry_run)
            for user_id in user_ids:
                self._pipeline.settle_earlier(USER, user_id, actor, dry_run=dry_run)
                self._refresh.refresh_if_stale(user_id)
            with self._locks.hold_administrators(user_ids, self._pipeline.wait_s):
                self._look_at_roles(wishes)
                addresses = self._addresses()
                with self._context.write() as uow:
                    plans = [self._plan(uow, key, wishes[key], addresses)[0] for key in user_ids]
                    plan = Plan(tuple(step for each in plans for step in each))
                    outcome = self._pipeline.record(
                        uow,
                        plan,
                        Subject(GROUP, scim_id, keys),
                        actor,
                        extra=extra,
                        dry_run=dry_run,
                    )
                return self._pipeline.carry_out(outcome, actor)

    def _look_at_roles(self, wishes: Mapping[str, Wish]) -> None:
        """Read the organization-admin flag of those whose roles shall change."""
        addresses = self._addresses()
        with self._context.read() as uow:
            plans = {key: self._plan(uow, key, wish, addresses)[0] for key, wish in wishes.items()}
        for user_id, plan in plans.items():
            if _changes_roles(plan):
                self._refresh.refresh_roles(user_id)

    def _check_address(self, uow: UnitOfWork, desired: DesiredUser, actual: ActualUser) -> None:
        """Refuse an address that another visible user holds.

        :raises UniquenessError: it is taken.
        """
        email_key = fold(desired.person.email)
        if email_key == actual.user.email_key:
            return
        holder = uow.resources.find_by_name(USER, email_key)
        if holder is not None and holder.scim_id != actual.user.user_id:
            raise _taken(desired.person.email, holder.scim_id)

    # deleting -----------------------------------------------------------------

    def delete(self, user_id: str, check: Check, actor: Actor, *, dry_run: bool = False) -> Outcome:
        """Close and strip every membership and leave a tombstone: 404 from then on.

        :raises connector.errors.NotFoundError: no such user.
        :raises connector.errors.GuardError: a safety rule refuses.
        """
        self._settle_creations([user_id], actor, dry_run=dry_run)
        with self._locks.hold([user_key(user_id)], self._pipeline.wait_s):
            self._pipeline.settle_earlier(USER, user_id, actor, dry_run=dry_run)
            self._refresh.refresh_if_stale(user_id)
            with self._locks.hold_administrators([user_id], self._pipeline.wait_s):
                with self._context.write() as uow:
                    actual = load_actual(uow, user_id)
                    check(uow, actual)
                    plan = plan_deletion(actual)
                    subject = Subject(USER, user_id, [user_key(user_id)])
                    outcome = self._pipeline.record(
                        uow, plan, subject, actor, extra={"delete": True}, dry_run=dry_run
                    )
                return self._pipeline.carry_out(outcome, actor)

    # common -------------------------------------------------------------------

    def _settle_creations(self, user_ids: Iterable[str], actor: Actor, *, dry_run: bool) -> None:
        """Finish what may have created these people, before their own locks are taken: a creation
        takes the lock of the address first.

        :raises TemporaryError: as :meth:`ChangePipeline.settle_earlier`.
        """
        with self._context.read() as uow:
            users = uow.mirror.get_users(user_ids).values()
        keys = self._pipeline.creation_keys(USER, [address_key(user.email_key) for user in users])
        if keys:
            with self._locks.hold(keys, self._pipeline.wait_s):
                self._pipeline.settle_creations(USER, keys, actor, dry_run=dry_run)

    def _addresses(self) -> Addresses:
        return Addresses(self._refresh.claimed_domains())

    def _check_roles(self, desired: DesiredUser) -> None:
        has_organization = self._context.directory.has_organization
        offered = self._context.policy.visible_roles(has_organization=has_organization)
        known = {role.role_id for role in offered}
        unknown = sorted((desired.roles or frozenset()) - known)
        if unknown:
            raise InvalidRequestError(
                f"There is no role {', '.join(unknown)}. Roles that can be asked for: "
                f"{', '.join(sorted(known)) or 'none'}; list /Roles."
            )


def unchanged(uow: UnitOfWork, actual: ActualUser, actor: Actor) -> DesiredUser:
    """Return the wish that everything stays, to be narrowed with :func:`dataclasses.replace`."""
    attributes = load_attributes(uow, actual.user.user_id)
    return DesiredUser(
        person=person_of(actual.user),
        external_id=attributes.external_ids.get(actor.external_id_scope),
        kept={key: value for key, value in attributes.kept.items() if not key.startswith("_")},
    )


def _users_on(uow: UnitOfWork, email_key: str) -> frozenset[str]:
    """Return everybody who is known to be or to have been on an address."""
    users = uow.mirror.users_by_email([email_key]).get(email_key, ())
    deleted = uow.attributes.tombstones(email_key)
    return frozenset({user.user_id for user in users} | {item.scim_id for item in deleted})


def _changes_roles(plan: Plan) -> bool:
    return any(isinstance(step, GrantRole | RevokeRole) for step in plan)


def _client_part(desired: DesiredUser, actor: Actor) -> dict[str, Any]:
    return {
        "external_id_scope": actor.external_id_scope,
        "external_id": desired.external_id,
        "kept": dict(desired.kept),
        **as_context(desired.reason),
    }


def _same_person(external_ids: Mapping[str, str], desired: DesiredUser, actor: Actor) -> bool:
    """Only an equal external id makes two records one person: addresses are re-used."""
    known = external_ids.get(actor.external_id_scope)
    return known is not None and known == desired.external_id


def _taken(address: str, holder: str) -> UniquenessError:
    return UniquenessError(
        f"{address} is taken by user {holder}. Link that user, or use another address; an inactive "
        "user is enabled with active=true."
    )
