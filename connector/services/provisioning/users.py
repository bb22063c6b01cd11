"""Users: from what a client wants to a recorded plan, carried out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any

from connector.domain.model import fold
from connector.domain.plan import Plan
from connector.domain.planning import (
    ActualUser,
    Addresses,
    DesiredUser,
    Statement,
    plan_creation,
    plan_deletion,
    plan_return,
    plan_user,
)
from connector.errors import InvalidRequestError, TemporaryError
from connector.patience import within
from connector.ports import GROUP, USER, UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.expectations import STATES, STATES_OF_MANY
from connector.services.locks import (
    EVERYBODY,
    LOCKED_USERS,
    WriteLocks,
    address_key,
    group_key,
    user_key,
)
from connector.services.mirror.actual import load_actual, load_attributes
from connector.services.mirror.neighbours import users_on
from connector.services.provisioning.recording import ChangePipeline, Outcome
from connector.services.provisioning.subjects import FORGETS_OF_MANY
from connector.services.provisioning.wishes import (
    Check,
    Wish,
    as_taken,
    changes_roles,
    client_part,
    same_person,
    taken,
)
from connector.services.queued_requests import Subject
from connector.services.targeted_aggregation.refresh import RefreshService


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
        subject = Subject(USER, None, [address_key(email_key)])
        behind = self._queues_of_address(email_key)

        def record(held: ExitStack) -> Outcome:
            self._refresh.find_address(desired.person.email)
            returning = self._find_returning(desired, email_key, actor)
            if returning is None:
                return self._record_creation(desired, subject, actor, dry_run=dry_run)
            key = user_key(returning.user.user_id)
            held.enter_context(self._locks.hold([key], self._wait_s))
            return self._record_return(returning, desired, actor, dry_run=dry_run)

        return self._pipeline.in_turn(
            subject,
            behind,
            record,
            actor,
            check=partial(self._check_creation, desired, actor),
            dry_run=dry_run,
            extra=client_part(desired, actor),
        )

    def _queues_of_address(self, email_key: str) -> list[str]:
        """Return in whose queues stands what decides on an address: creations on it, and changes of
        those who hold or held it."""
        with self._context.read() as uow:
            holders = uow.mirror.users_by_email([email_key]).get(email_key, ())
        return [address_key(email_key), *(user_key(user.user_id) for user in holders)]

    def _check_creation(
        self, desired: DesiredUser, actor: Actor, uow: UnitOfWork, is_next: bool
    ) -> None:
        book = self._context.book(uow.mirror.catalogue())
        self._check_roles(desired)
        plan_creation(desired, book, Addresses())
        if is_next:
            self._returning(uow, desired, fold(desired.person.email), actor)

    def _record_creation(
        self, desired: DesiredUser, subject: Subject, actor: Actor, *, dry_run: bool
    ) -> Outcome:
        addresses = self._addresses()
        with self._context.write() as uow:
            book = self._context.book(uow.mirror.catalogue())
            self._check_roles(desired)
            known = users_on(uow, fold(desired.person.email))
            plan = plan_creation(desired, book, addresses, known)
            extra = {**client_part(desired, actor), "create": True}
            return self._pipeline.record(uow, plan, subject, actor, extra=extra, dry_run=dry_run)

    def _find_returning(
        self, desired: DesiredUser, email_key: str, actor: Actor
    ) -> ActualUser | None:
        """Return the person who comes back, None for a new one.

        :raises UniquenessError: the address is somebody else's.
        """
        with self._context.read() as uow:
            return self._returning(uow, desired, email_key, actor)

    @staticmethod
    def _returning(
        uow: UnitOfWork, desired: DesiredUser, email_key: str, actor: Actor
    ) -> ActualUser | None:
        visible = uow.resources.find_by_name(USER, email_key)
        if visible is not None:
            actual = load_actual(uow, visible.scim_id)
            external_ids = load_attributes(uow, visible.scim_id).external_ids
            same = same_person(external_ids, desired, actor)
            # A creation that waited may find its person there: an earlier one took effect.
            if same and (actor.turn is not None or not any(actual.user.open_memberships())):
                return actual
            raise taken(desired.person.email, visible.scim_id)
        for tombstone in uow.attributes.tombstones(email_key):
            if same_person(tombstone.external_ids, desired, actor):
                return load_actual(uow, tombstone.scim_id)
        return None

    def _record_return(
        self, actual: ActualUser, desired: DesiredUser, actor: Actor, *, dry_run: bool
    ) -> Outcome:
        user_id = actual.user.user_id
        addresses = self._addresses()
        with self._context.write() as uow:
            book = self._context.book(uow.mirror.catalogue())
            self._check_roles(desired)
            actual = load_actual(uow, user_id)
            is_there = any(actual.user.open_memberships())
            plan_it = plan_user if is_there else plan_return
            plan = plan_it(desired, actual, book, addresses)
            subject = Subject(USER, user_id, [user_key(user_id)])
            extra = {**client_part(desired, actor), "return": True}
            return self._pipeline.record(uow, plan, subject, actor, extra=extra, dry_run=dry_run)

    # changing -----------------------------------------------------------------

    def update(self, user_id: str, wish: Wish, actor: Actor, *, dry_run: bool = False) -> Outcome:
        """Make a user what *wish* says.

        :raises connector.errors.NotFoundError: no such user.
        :raises InvalidRequestError: the wish cannot be, see the message.
        :raises connector.errors.GuardError: a safety rule refuses.
        """
        subject = Subject(USER, user_id, [user_key(user_id)])
        behind = self._queues_of([user_id])

        def record(held: ExitStack) -> Outcome:
            self._refresh.refresh_if_stale(user_id)
            held.enter_context(self._administrators([user_id]))
            outcome = self._plan_and_record(user_id, wish, actor, dry_run=dry_run, look=True)
            if outcome is None:
                # User lists do not show organization admins: look before asking a person.
                self._refresh.refresh_roles(user_id)
                outcome = self._plan_and_record(user_id, wish, actor, dry_run=dry_run, look=False)
            return outcome or Outcome(Plan())

        return self._pipeline.in_turn(
            subject,
            behind,
            record,
            actor,
            check=partial(self._check_update, {user_id: wish}),
            dry_run=dry_run,
        )

    def _check_update(self, wishes: Mapping[str, Wish], uow: UnitOfWork, is_next: bool) -> None:
        for user_id, wish in wishes.items():
            try:
                self._plan(uow, user_id, wish, Addresses(None))
            except TemporaryError:
                continue  # It changes an address: DocuSign has to be asked what is claimed.
            except InvalidRequestError:
                if is_next:
                    raise
                # What it contradicts may be otherwise when its turn comes.

    def _plan_and_record(
        self, user_id: str, wish: Wish, actor: Actor, *, dry_run: bool, look: bool
    ) -> Outcome | None:
        """Return the recorded plan, or None where *look* asks for a fresh view of roles first."""
        addresses = self._addresses()
        with self._context.write() as uow:
            plan, desired = self._plan(uow, user_id, wish, addresses)
            if look and changes_roles(plan):
                return None
            extra = client_part(desired, actor)
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
        are_locked = len(user_ids) <= LOCKED_USERS
        keys = [group_key(scim_id), *(map(user_key, user_ids) if are_locked else ())]
        subject = Subject(GROUP, scim_id, keys, touches_many=not are_locked)
        behind = [group_key(scim_id), *self._queues_of(user_ids)] if are_locked else None

        def record(held: ExitStack) -> Outcome:
            for user_id in user_ids:
                self._refresh.refresh_if_stale(user_id)
            held.enter_context(self._administrators(user_ids))
            self._look_at_roles(wishes)
            addresses = self._addresses()
            with self._context.write() as uow:
                planned = {key: self._plan(uow, key, wishes[key], addresses) for key in user_ids}
                plan = Plan(tuple(step for steps, _ in planned.values() for step in steps))
                said = {key: wish.says.to_dict() for key, (_, wish) in planned.items()}
                taken = {key: as_taken(wish) for key, (_, wish) in planned.items() if wish.forgets}
                stated = {**extra, STATES_OF_MANY: said, FORGETS_OF_MANY: taken}
                return self._pipeline.record(
                    uow, plan, subject, actor, extra=stated, dry_run=dry_run
                )

        return self._pipeline.in_turn(
            subject,
            behind,
            record,
            actor,
            check=partial(self._check_update, wishes),
            dry_run=dry_run,
        )

    def behind_everybody(self, scim_id: str, actor: Actor) -> Outcome | None:
        """Return a queued change of all members of a Group that stands for what they hold, None
        where nothing waits: whom an earlier change brings has to be seen before it is said who
        leaves.

        :raises TemporaryError: something waits, and this change may not.
        """
        keys = [group_key(scim_id)]
        subject = Subject(GROUP, scim_id, keys, touches_many=True)
        outcome = self._pipeline.in_turn(
            subject, None, lambda _: Outcome(Plan()), actor, check=_unchecked, dry_run=False
        )
        return outcome if outcome.record is not None else None

    def _look_at_roles(self, wishes: Mapping[str, Wish]) -> None:
        """Read the organization-admin flag of those whose roles shall change."""
        addresses = self._addresses()
        with self._context.read() as uow:
            plans = {key: self._plan(uow, key, wish, addresses)[0] for key, wish in wishes.items()}
        for user_id, plan in plans.items():
            if changes_roles(plan):
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
            raise taken(desired.person.email, holder.scim_id)

    # deleting -----------------------------------------------------------------

    def delete(self, user_id: str, check: Check, actor: Actor, *, dry_run: bool = False) -> Outcome:
        """Close and strip every membership and leave a tombstone: 404 from then on.

        :raises connector.errors.NotFoundError: no such user.
        :raises connector.errors.GuardError: a safety rule refuses.
        """
        subject = Subject(USER, user_id, [user_key(user_id)])
        behind = self._queues_of([user_id])

        def record(held: ExitStack) -> Outcome:
            self._refresh.refresh_if_stale(user_id)
            held.enter_context(self._administrators([user_id]))
            with self._context.write() as uow:
                actual = load_actual(uow, user_id)
                check(uow, actual)
                plan = plan_deletion(actual)
                extra = {"delete": True, STATES: Statement(active=False).to_dict()}
                return self._pipeline.record(
                    uow, plan, subject, actor, extra=extra, dry_run=dry_run
                )

        return self._pipeline.in_turn(
            subject,
            behind,
            record,
            actor,
            check=lambda uow, _: check(uow, load_actual(uow, user_id)),
            dry_run=dry_run,
        )

    # common -------------------------------------------------------------------

    def _queues_of(self, user_ids: Iterable[str]) -> list[str]:
        """Return in whose queues stands what decides on users: their own changes, those of many
        users, and what may have created them."""
        ids = list(user_ids)
        with self._context.read() as uow:
            users = uow.mirror.get_users(ids).values()
        addresses = (address_key(user.email_key) for user in users)
        return [EVERYBODY, *map(user_key, ids), *addresses]

    @property
    def _wait_s(self) -> float:
        return within(self._context.settings.provisioning.wait_s)

    def _administrators(self, user_ids: Iterable[str]) -> AbstractContextManager[None]:
        return self._locks.hold_administrators(user_ids, self._wait_s)

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


def _unchecked(_uow: UnitOfWork, _is_next: bool) -> None:
    """Its members were checked by the request, and are again when its turn comes."""
