"""How a person joins, becomes what is desired, leaves and comes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from connector.domain.model import Membership, MembershipStatus, User
from connector.domain.naming.account_book import AccountBook
from connector.domain.naming.names import Names
from connector.domain.plan import (
    CloseMembership,
    CreateMembership,
    GrantRole,
    Operation,
    Person,
    Plan,
    ReopenMembership,
    RevokeRole,
    SetProfile,
    UpdatePerson,
)
from connector.domain.planning.addresses import Addresses
from connector.domain.planning.closings import (
    closed_again,
    closing,
    closings,
    memberships_by_account,
    reopening,
)
from connector.domain.planning.desired import ActualUser, DesiredUser, Remembered
from connector.domain.planning.persons import differences, person_of, person_steps
from connector.domain.planning.targets import held_profiles, target_profiles, wanted_profiles
from connector.errors import InvalidRequestError


def plan_creation(
    desired: DesiredUser,
    book: AccountBook,
    addresses: Addresses,
    predecessors: Iterable[str] | None = None,
) -> Plan:
    """Return how a new person joins. Created inactive means joined, then closed: DocuSign knows
    no closed newcomer.

    :param predecessors: the users that the address has had until now.
    :raises InvalidRequestError: unknown entitlement, or two for one account.
    """
    wanted = wanted_profiles(desired.profiles or frozenset(), book)
    if not wanted:
        account_id = book.default_account
        wanted = {account_id: book.baseline(account_id).profile_id}
    automatic = addresses.is_claimed(desired.person.email)
    earlier = None if predecessors is None else tuple(sorted(predecessors))
    steps: list[Operation] = [
        CreateMembership(
            account_id,
            desired.person,
            profile_id,
            auto_activate=automatic,
            predecessors=earlier,
        )
        for account_id, profile_id in sorted(wanted.items())
    ]
    if desired.active is False:
        _refuse_roles_to_inactive(desired, frozenset())
        steps += closed_again(steps)
    steps += [GrantRole(None, role) for role in sorted(desired.roles or ())]
    return Plan(tuple(steps))


def plan_user(
    desired: DesiredUser, actual: ActualUser, book: AccountBook, addresses: Addresses
) -> Plan:
    """Return how an existing person becomes what is desired; empty if they are.

    :raises InvalidRequestError: the request contradicts itself, names an unknown entitlement, or
        asks for what DocuSign does not do (see the message).
    """
    user = actual.user
    is_open = any(user.open_memberships())
    stays_open = is_open if desired.active is None else desired.active
    if not stays_open:
        names = Names(attributes=book.attribute_names)
        _refuse_grants_to_inactive(desired, actual, names, is_open=is_open)
        closed = [replace(step, unasked=desired.unasked) for step in closings(user)]
        steps = [*person_steps(desired.person, user, addresses), *closed]
    else:
        steps = [
            *person_steps(desired.person, user, addresses),
            *_membership_steps(desired, actual, book, addresses),
        ]
    return Plan((*steps, *_role_steps(desired, actual)))


def plan_deletion(actual: ActualUser) -> Plan:
    """Return how a person leaves for good: every membership closed and stripped."""
    user = actual.user
    closings = [
        CloseMembership(item.account_id, user.user_id, strip=True, reopen=reopening(user, item))
        for item in memberships_by_account(user)
        if item.status.is_open or item.profile_id or item.group_ids
    ]
    roles = actual.requested_roles | actual.confirmed_roles
    revocations = [RevokeRole(user.user_id, role) for role in sorted(roles)]
    return Plan((*closings, *revocations))


def plan_return(
    desired: DesiredUser, actual: ActualUser, book: AccountBook, addresses: Addresses
) -> Plan:
    """Return how a deleted person comes back under their old id, with what is asked for now and
    nothing of what they held before. Who comes back inactive is open for a moment."""
    account_id = book.default_account
    default = frozenset({(account_id, book.baseline(account_id).profile_id)})
    wish = replace(desired, active=True, profiles=desired.profiles or default, exact=True)
    plan = plan_user(wish, replace(actual, remembered={}), book, addresses)
    if desired.active is False:
        _refuse_roles_to_inactive(desired, actual.requested_roles)
        return Plan((*plan, *closed_again(plan)))
    return plan


def _membership_steps(
    desired: DesiredUser, actual: ActualUser, book: AccountBook, addresses: Addresses
) -> list[Operation]:
    user = actual.user
    targets = target_profiles(desired, actual, book)
    reopened: list[Operation] = []
    joined: list[Operation] = []
    changed: list[Operation] = []
    closed: list[Operation] = []
    person = desired.person
    for account_id, profile_id in sorted(targets.items()):
        membership = user.memberships.get(account_id)
        if profile_id is None:
            if membership is not None and membership.status.is_open:
                leaving = replace(closing(user, membership), restorable=False)
                closed.append(replace(leaving, unasked=desired.unasked))
        elif membership is None:
            automatic = addresses.is_claimed(person.email)
            joined.append(
                CreateMembership(
                    account_id,
                    person,
                    profile_id,
                    _groups_of_return(desired, account_id, book),
                    user.user_id,
                    auto_activate=automatic,
                )
            )
        elif not membership.status.is_open:
            groups = _groups_to_restore(desired, actual, membership, book)
            reopened.append(ReopenMembership(account_id, user.user_id, person, profile_id, groups))
        elif membership.profile_id != profile_id:
            changed.append(SetProfile(account_id, user.user_id, profile_id, membership.profile_id))
    # A closed person is re-opened first: DocuSign joins only an open one under the same id, and
    # makes a second user of a closed one.
    if joined and not reopened and not any(user.open_memberships()):
        for step in _passage(user, person, book):
            (closed if isinstance(step, CloseMembership) else reopened).append(step)
    return [*reopened, *_renamings(desired, user, reopened), *joined, *changed, *closed]


def _renamings(
    desired: DesiredUser, user: User, reopened: Iterable[Operation]
) -> Iterator[UpdatePerson]:
    """Yield what a request that enables somebody changes of who they are: closed, DocuSign would
    have ignored it. What comes back by itself, or by a creation, comes back as it was."""
    changes, previous = differences(desired.person, person_of(user))
    for step in reopened if desired.says and changes else ():
        if isinstance(step, ReopenMembership):
            yield UpdatePerson(step.account_id, user.user_id, changes, previous)


def _passage(user: User, person: Person, book: AccountBook) -> Iterator[Operation]:
    """Return how a closed person is open for a moment, in an account where they do not stay."""
    for item in memberships_by_account(user):
        if item.status is MembershipStatus.CLOSED and book.is_governed(item.account_id):
            baseline = book.baseline(item.account_id).profile_id
            yield ReopenMembership(item.account_id, user.user_id, person, baseline)
            yield CloseMembership(item.account_id, user.user_id, restorable=False)
            return


def _groups_to_restore(
    desired: DesiredUser, actual: ActualUser, membership: Membership, book: AccountBook
) -> tuple[str, ...]:
    remembered = {**actual.remembered, **desired.restores}.get(membership.account_id)
    return _still_there(remembered, membership.account_id, book)


def _groups_of_return(desired: DesiredUser, account_id: str, book: AccountBook) -> tuple[str, ...]:
    return _still_there(desired.restores.get(account_id), account_id, book)


def _still_there(
    remembered: Remembered | None, account_id: str, book: AccountBook
) -> tuple[str, ...]:
    """Return the groups that were held and still exist: one that is gone would hold back the rest
    of the return."""
    held = remembered.group_ids if remembered else ()
    return tuple(one for one in held if (account_id, one) in book.catalogue.groups)


def _refuse_grants_to_inactive(
    desired: DesiredUser, actual: ActualUser, names: Names, *, is_open: bool
) -> None:
    """An inactive person shows no entitlements and DocuSign ignores edits of closed users."""
    _refuse_roles_to_inactive(desired, actual.requested_roles)
    held = held_profiles(actual.user)
    if desired.exact:
        # A list of what enabling the person gives again asks for nothing, however often it is sent.
        held |= actual.profiles_to_return
    wants_more = bool(desired.profiles and desired.profiles - held)
    changes, _ = differences(desired.person, person_of(actual.user))
    if wants_more:
        raise InvalidRequestError(
            "The user is inactive: an entitlement can be granted only together with active=true "
            "or after it."
        )
    if changes and not is_open:
        told = ", ".join(sorted(map(names.attribute, changes)))
        raise InvalidRequestError(
            f"The user is inactive, and DocuSign ignores changes of closed users ({told}). Send "
            "active=true in the same request or before."
        )


def _refuse_roles_to_inactive(desired: DesiredUser, before: frozenset[str]) -> None:
    """Nobody shall be asked to give power to somebody who has left."""
    if more := (desired.roles or frozenset()) - before:
        raise InvalidRequestError(
            f"The user is inactive: a role ({', '.join(sorted(more))}) can be asked for only "
            "together with active=true or after it."
        )


def _role_steps(desired: DesiredUser, actual: ActualUser) -> Iterator[Operation]:
    if desired.roles is None:
        return
    before = actual.requested_roles
    for role in sorted(desired.roles - before):
        yield GrantRole(actual.user.user_id, role)
    for role in sorted(before - desired.roles):
        yield RevokeRole(actual.user.user_id, role)
