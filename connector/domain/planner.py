"""From desired and actual to a plan. Pure: no clock, no database, no DocuSign.

Order of operations: first what widens nothing (address, names), then memberships opened, then
profiles, then memberships closed, last what people have to do. The plan can stop after any
of them and leave nobody with more access than was asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from connector.domain.accounts import AccountBook
from connector.domain.desired import (
    ActualUser,
    DesiredUser,
    GroupChange,
    ProfileKey,
    Remembered,
)
from connector.domain.model import DirectoryGroup, Membership, MembershipStatus, User
from connector.domain.plan import (
    NEWCOMER,
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateGroup,
    CreateMembership,
    DeleteGroup,
    GrantRole,
    Operation,
    Person,
    Plan,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    RevokeRole,
    SetProfile,
    UpdatePerson,
)
from connector.errors import InvalidRequestError, TemporaryError

GROUP_CHUNK = 100
"""Users in one group call; the maximum is unpublished (docusign-api.md 2.8)."""


@dataclass(frozen=True)
class Addresses:
    """What is known of e-mail domains: both sides of a change must be claimed."""

    claimed_domains: frozenset[str] | None = frozenset()
    """None while DocuSign could not be asked."""

    def is_claimed(self, email: str) -> bool:
        """Return whether the organization is known to have claimed the domain of this address."""
        return email.rpartition("@")[2].lower() in (self.claimed_domains or ())


# ------------------------------------------------------------------------- users


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
    wanted = _wanted_profiles(desired.profiles or frozenset(), book)
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
        steps += _closed_again(steps)
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
        _refuse_grants_to_inactive(desired, actual, is_open=is_open)
        steps = [*_person_steps(desired.person, user, addresses), *_closings(user)]
    else:
        steps = [
            *_person_steps(desired.person, user, addresses),
            *_membership_steps(desired, actual, book, addresses),
        ]
    return Plan((*steps, *_role_steps(desired, actual)))


def plan_deletion(actual: ActualUser) -> Plan:
    """Return how a person leaves for good: every membership closed and stripped."""
    user = actual.user
    closings = [
        CloseMembership(item.account_id, user.user_id, strip=True, reopen=_reopening(user, item))
        for item in _ordered(user)
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
        return Plan((*plan, *_closed_again(plan)))
    return plan


def person_of(user: User) -> Person:
    """Return the attributes of a user that are the same in every membership."""
    return Person(
        email=user.email,
        user_name=user.user_name,
        first_name=user.first_name,
        last_name=user.last_name,
        middle_name=user.middle_name,
        suffix=user.suffix,
        job_title=user.job_title,
        company=user.company,
    )


def _person_steps(desired: Person, user: User, addresses: Addresses) -> Iterator[Operation]:
    if desired.email != user.email:
        _check_address_change(desired.email, user.email, addresses)
        yield ChangeEmail(user.user_id, desired.email, user.email, user.site_id)
    changes, previous = _differences(desired, person_of(user))
    if not changes:
        return
    accounts = sorted(item.account_id for item in user.open_memberships())
    for account_id in accounts:
        yield UpdatePerson(account_id, user.user_id, changes, previous)


def _differences(desired: Person, actual: Person) -> tuple[dict[str, str], dict[str, str]]:
    changes: dict[str, str] = {}
    previous: dict[str, str] = {}
    for name, before in vars(actual).items():
        after = getattr(desired, name)
        if name != "email" and after != before:
            changes[name], previous[name] = after, before
    return changes, previous


def _check_address_change(new: str, old: str, addresses: Addresses) -> None:
    if addresses.is_claimed(new) and addresses.is_claimed(old):
        return
    if addresses.claimed_domains is None:
        raise TemporaryError(
            "The claimed domains could not be read from DocuSign, so the address cannot be "
            "changed now; the service is temporarily unavailable."
        )
    raise InvalidRequestError(
        f"The address {old} cannot become {new}: DocuSign changes addresses only within the "
        "domains that the organization has claimed. Claim the domain in DocuSign Admin, or "
        "delete the user and create a new one."
    )


def _membership_steps(
    desired: DesiredUser, actual: ActualUser, book: AccountBook, addresses: Addresses
) -> list[Operation]:
    user = actual.user
    targets = _target_profiles(desired, actual, book)
    reopened: list[Operation] = []
    joined: list[Operation] = []
    changed: list[Operation] = []
    closed: list[Operation] = []
    person = desired.person
    for account_id, profile_id in sorted(targets.items()):
        membership = user.memberships.get(account_id)
        if profile_id is None:
            if membership is not None and membership.status.is_open:
                closed.append(replace(_closing(user, membership), restorable=False))
        elif membership is None:
            automatic = addresses.is_claimed(person.email)
            joined.append(
                CreateMembership(
                    account_id, person, profile_id, (), user.user_id, auto_activate=automatic
                )
            )
        elif not membership.status.is_open:
            groups = _groups_to_restore(actual, membership)
            reopened.append(ReopenMembership(account_id, user.user_id, person, profile_id, groups))
        elif membership.profile_id != profile_id:
            changed.append(SetProfile(account_id, user.user_id, profile_id, membership.profile_id))
    # A closed person is re-opened first: DocuSign joins only an open one under the same id, and
    # makes a second user of a closed one.
    if joined and not reopened and not any(user.open_memberships()):
        for step in _passage(user, person, book):
            (closed if isinstance(step, CloseMembership) else reopened).append(step)
    return [*reopened, *joined, *changed, *closed]


def _passage(user: User, person: Person, book: AccountBook) -> Iterator[Operation]:
    """Return how a closed person is open for a moment, in an account where they do not stay."""
    for item in _ordered(user):
        if item.status is MembershipStatus.CLOSED and book.is_governed(item.account_id):
            baseline = book.baseline(item.account_id).profile_id
            yield ReopenMembership(item.account_id, user.user_id, person, baseline)
            yield CloseMembership(item.account_id, user.user_id, restorable=False)
            return


def _target_profiles(
    desired: DesiredUser, actual: ActualUser, book: AccountBook
) -> dict[str, str | None]:
    """Return the profile wanted in each account that may change; None closes the membership."""
    held = _held(actual.user)
    targets: dict[str, str | None] = {}
    if desired.profiles is not None:
        if desired.exact:
            _wanted_profiles(desired.profiles, book)
        added = _wanted_profiles(desired.profiles - held, book)
        targets.update(added)
        for account_id, profile_id in held - desired.profiles:
            if account_id not in added:
                # A full list says where somebody belongs, and says the same when it is repeated;
                # taking one profile away leaves a plain member.
                kept = None if desired.exact else _after_revocation(account_id, profile_id, book)
                targets[account_id] = kept
    names_all = desired.exact and bool(desired.profiles)
    if desired.active and not any(actual.user.open_memberships()) and not names_all:
        targets = {**_restored(actual, book), **targets}
    return targets


def _held(user: User) -> frozenset[ProfileKey]:
    """Return the profiles held. DocuSign may hide that of a pending membership: what nobody sees,
    nobody can have left out on purpose."""
    return frozenset(
        (item.account_id, item.profile_id) for item in user.open_memberships() if item.profile_id
    )


def _wanted_profiles(profiles: frozenset[ProfileKey], book: AccountBook) -> dict[str, str]:
    wanted: dict[str, str] = {}
    for account_id, profile_id in sorted(profiles):
        book.profile(account_id, profile_id)
        if account_id in wanted:
            raise InvalidRequestError(
                f"Two permission profiles for account {account_id} in one request: "
                f"{wanted[account_id]} and {profile_id}. A membership holds exactly one."
            )
        wanted[account_id] = profile_id
    return wanted


def _after_revocation(account_id: str, profile_id: str, book: AccountBook) -> str | None:
    baseline = book.baseline(account_id).profile_id
    return None if profile_id == baseline else baseline


def _restored(actual: ActualUser, book: AccountBook) -> dict[str, str | None]:
    """Return the profiles to give again: what was remembered, else the last known."""
    source: Mapping[str, Remembered] = actual.remembered or {
        item.account_id: Remembered(item.profile_id)
        for item in actual.user.memberships.values()
        if item.status is MembershipStatus.CLOSED and book.is_governed(item.account_id)
    }
    restored: dict[str, str | None] = {}
    for account_id, before in source.items():
        known = (account_id, before.profile_id or "") in book.catalogue.profiles
        restored[account_id] = before.profile_id if known else book.baseline(account_id).profile_id
    return restored


def _groups_to_restore(actual: ActualUser, membership: Membership) -> tuple[str, ...]:
    remembered = actual.remembered.get(membership.account_id)
    return remembered.group_ids if remembered else ()


def _refuse_grants_to_inactive(desired: DesiredUser, actual: ActualUser, *, is_open: bool) -> None:
    """An inactive person shows no entitlements and DocuSign ignores edits of closed users."""
    wants_more = bool(desired.profiles and desired.profiles - _held(actual.user))
    changes, _ = _differences(desired.person, person_of(actual.user))
    if wants_more:
        raise InvalidRequestError(
            "The user is inactive: an entitlement can be granted only together with active=true "
            "or after it."
        )
    if changes and not is_open:
        raise InvalidRequestError(
            f"The user is inactive, and DocuSign ignores changes of closed users "
            f"({', '.join(sorted(changes))}). Send active=true in the same request or before."
        )


def _closings(user: User) -> list[Operation]:
    return [_closing(user, item) for item in _ordered(user) if item.status.is_open]


def _closing(user: User, membership: Membership) -> CloseMembership:
    return CloseMembership(membership.account_id, user.user_id, reopen=_reopening(user, membership))


def _reopening(user: User, membership: Membership) -> ReopenMembership | None:
    if not membership.status.is_open or membership.profile_id is None:
        return None
    return ReopenMembership(
        membership.account_id,
        user.user_id,
        person_of(user),
        membership.profile_id,
        tuple(sorted(membership.group_ids)),
    )


def _closed_again(steps: Iterable[Operation]) -> list[Operation]:
    """Return what closes the memberships that *steps* leave open, so that enabling the person
    some day gives again what was asked for now."""
    opened: dict[str, Operation] = {}
    for step in steps:
        if isinstance(step, CreateMembership | ReopenMembership):
            user_id = step.user_id or NEWCOMER
            reopen = ReopenMembership(
                step.account_id, user_id, step.person, step.profile_id, step.group_ids
            )
            opened[step.account_id] = CloseMembership(step.account_id, user_id, reopen=reopen)
        elif isinstance(step, CloseMembership):
            opened.pop(step.account_id, None)
    return [opened[account_id] for account_id in sorted(opened)]


def _ordered(user: User) -> list[Membership]:
    return [user.memberships[key] for key in sorted(user.memberships)]


def _role_steps(desired: DesiredUser, actual: ActualUser) -> Iterator[Operation]:
    if desired.roles is None:
        return
    before = actual.requested_roles
    for role in sorted(desired.roles - before):
        yield GrantRole(actual.user.user_id, role)
    for role in sorted(before - desired.roles):
        yield RevokeRole(actual.user.user_id, role)


# ------------------------------------------------------------------------- groups


def plan_group_change(
    group: DirectoryGroup, change: GroupChange, members: frozenset[str], trusted: frozenset[str]
) -> Plan:
    """Return how a group changes.

    :param members: those of the users named in the change that the mirror has in the group.
    :param trusted: users whose mirror copy is fresh. For others a call is sent even where the
        mirror sees nothing to do: adding twice and removing twice succeed in DocuSign.
    """
    adding = change.add - (members & trusted)
    removing = change.remove - (trusted - members)
    steps: list[Operation] = []
    if change.name is not None and change.name != group.name:
        steps.append(RenameGroup(group.account_id, group.group_id, change.name, group.name))
    steps += [AddGroupMembers(group.account_id, group.group_id, chunk) for chunk in _chunks(adding)]
    steps += [
        RemoveGroupMembers(group.account_id, group.group_id, chunk) for chunk in _chunks(removing)
    ]
    return Plan(tuple(steps))


def plan_group_creation(account_id: str, name: str, members: frozenset[str] = frozenset()) -> Plan:
    """Return how a group comes to be, with these users in it."""
    joining = [AddGroupMembers(account_id, NEWCOMER, chunk) for chunk in _chunks(members)]
    return Plan((CreateGroup(account_id, name), *joining))


def plan_group_deletion(group: DirectoryGroup) -> Plan:
    """Return how a group goes."""
    return Plan((DeleteGroup(group.account_id, group.group_id, group.name),))


def _chunks(user_ids: frozenset[str]) -> Iterator[tuple[str, ...]]:
    ordered = sorted(user_ids)
    for start in range(0, len(ordered), GROUP_CHUNK):
        yield tuple(ordered[start : start + GROUP_CHUNK])
