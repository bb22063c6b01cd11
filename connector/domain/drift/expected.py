"""What the ledger expects DocuSign to show of a person, and how our own changes move it.

An expectation begins with what was there when the connector first looked (the baseline), or with
the change that brought the person. From then on it follows what the connector itself carried out
and what people accepted, and nothing else: whatever DocuSign shows beside it is drift. Of somebody
whom nobody brought, a request makes expected what it says, and nothing of what was there before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from connector.domain.model import Membership, User, group_scim_id, profile_scim_id
from connector.domain.plan import (
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateMembership,
    GrantRole,
    Operation,
    Person,
    RemoveGroupMembers,
    ReopenMembership,
    RevokeRole,
    SetProfile,
    UpdatePerson,
)
from connector.domain.planning import confirmed_roles, person_of

NAME_FIELDS = ("user_name", "first_name", "last_name", "middle_name", "suffix")
"""One name for people: DocuSign makes each of them from the others."""


class Origin(StrEnum):
    """How the connector came to answer for a person."""

    BASELINE = "baseline"
    """Was there when the connector first looked."""
    TOUCHED = "touched"
    """Was created in DocuSign itself; requests have put them into groups, made them administrators
    or said that they are active, and given them no profile. What nobody asked for is expected of
    nobody: they are an unmanaged user."""
    PROVISIONED = "provisioned"
    """A change of ours brought them, or gave them a profile that a client asked for."""
    ADOPTED = "adopted"
    """A person took them over (``docusign-iga adopt``), or accepted the finding."""


@dataclass(frozen=True)
class ExpectedMembership:
    """What is expected of a membership. A closed one is expected to hold nothing."""

    is_open: bool
    profile_id: str | None = None
    """None in an open one: no request said which."""
    group_ids: frozenset[str] = frozenset()


CLOSED = ExpectedMembership(is_open=False)


@dataclass(frozen=True)
class Expected:
    """What is expected of a person."""

    user_id: str
    person: Person
    memberships: Mapping[str, ExpectedMembership] = field(default_factory=dict)
    """By account id; an account that is missing is one where the person is no member."""
    roles: frozenset[str] = frozenset()
    """Manual roles that DocuSign shows: the organization's administrators."""
    managed_by_scim: bool = False
    """Whether DocuSign's own SCIM is known to own the person."""
    origin: Origin = Origin.BASELINE
    since: datetime | None = None
    """Since when the connector answers for them."""

    def membership(self, account_id: str) -> ExpectedMembership:
        """Return what is expected in an account."""
        return self.memberships.get(account_id, CLOSED)

    @property
    def is_open(self) -> bool:
        """Whether the person is expected to have any open membership."""
        return any(item.is_open for item in self.memberships.values())

    @property
    def home(self) -> str | None:
        """The account whose job title and company are expected, as :attr:`User.home`."""
        return min((key for key, item in self.memberships.items() if item.is_open), default=None)

    @property
    def is_stated(self) -> bool:
        """Whether any access of the person is expected."""
        return self.is_open or bool(self.entitlements())

    @property
    def asked_for(self) -> Expected:
        """The expectation with every account as open where requests want the person: as active, or
        in a group. Of whom a request brought, or a person took over, it is the same."""
        if self.origin is not Origin.TOUCHED:
            return self
        places = {
            key: replace(item, is_open=item.is_open or bool(item.group_ids))
            for key, item in self.memberships.items()
        }
        return replace(self, memberships=places)

    def moved(self, memberships: Mapping[str, ExpectedMembership], seen: User | None) -> Expected:
        """Return the expectation with these memberships. Where another one is the home now, its
        job title and company are expected as seen: each membership has its own."""
        after = replace(self, memberships=memberships)
        if seen is None or after.home == self.home or after.home != seen.home:
            return after
        work = {"job_title": seen.job_title, "company": seen.company}
        return replace(after, person=replace(self.person, **work))

    def entitlements(self) -> frozenset[str]:
        """Return the SCIM ids of everything that is expected to be held."""
        return frozenset(self.roles) | {
            entitlement
            for account_id, item in self.memberships.items()
            for entitlement in _held(account_id, item)
        }

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data without the columns of its own."""
        return {
            "person": asdict(self.person),
            "memberships": {
                account_id: [item.is_open, item.profile_id, sorted(item.group_ids)]
                for account_id, item in self.memberships.items()
            },
            "roles": sorted(self.roles),
            "managed_by_scim": self.managed_by_scim,
        }

    @staticmethod
    def from_dict(
        user_id: str, data: Mapping[str, Any], origin: Origin, since: datetime | None
    ) -> Expected:
        """Return the expectation that :meth:`to_dict` wrote."""
        return Expected(
            user_id,
            Person(**data["person"]),
            {
                account_id: ExpectedMembership(is_open, profile_id, frozenset(group_ids))
                for account_id, (is_open, profile_id, group_ids) in data["memberships"].items()
            },
            frozenset(data["roles"]),
            data["managed_by_scim"],
            origin,
            since,
        )


def _held(account_id: str, item: ExpectedMembership) -> Iterable[str]:
    if item.is_open and item.profile_id:
        yield profile_scim_id(account_id, item.profile_id)
    yield from (group_scim_id(account_id, group_id) for group_id in item.group_ids)


@dataclass(frozen=True)
class KnownEntitlement:
    """A permission profile or a group as it is expected to be."""

    scim_id: str
    name: str
    is_admin: bool = False
    managed_by_scim: bool = False


def as_seen(user: User, origin: Origin, since: datetime) -> Expected:
    """Return the expectation that a person stays as DocuSign shows them now."""
    return Expected(
        user.user_id,
        person_of(user),
        {account_id: seen_membership(item) for account_id, item in user.memberships.items()},
        seen_roles(user),
        is_managed_by_scim(user),
        origin,
        since,
    )


def unasked(user: User, since: datetime) -> Expected:
    """Return the expectation of somebody who was created in DocuSign itself: nothing that they
    hold, until it is asked for."""
    return Expected(
        user.user_id,
        person_of(user),
        managed_by_scim=is_managed_by_scim(user),
        origin=Origin.TOUCHED,
        since=since,
    )


def taken_over(user: User, before: Expected | None, since: datetime) -> Expected:
    """Return what is expected of somebody unmanaged whom a person takes over: what they hold, and
    what requests gave them before and is lost."""
    seen = as_seen(user, Origin.ADOPTED, since)
    if before is None:
        return seen
    places = dict(seen.memberships)
    for account_id, item in before.asked_for.memberships.items():
        held = places.get(account_id, CLOSED)
        if held.is_open:
            groups = held.group_ids | item.group_ids
            places[account_id] = replace(held, group_ids=groups)
        elif item.is_open:
            places[account_id] = item
    return replace(seen, memberships=places, roles=seen.roles | before.roles)


def settled(expected: Expected) -> Expected:
    """Return an expectation once a request is through: whoever was given a profile is unmanaged no
    longer, and open in the accounts of the groups that they were put into."""
    places = expected.asked_for.memberships
    is_brought = any(item.is_open and item.profile_id for item in places.values())
    if expected.origin is not Origin.TOUCHED or not is_brought:
        return expected
    return replace(expected, memberships=places, origin=Origin.PROVISIONED)


def seen_membership(membership: Membership | None) -> ExpectedMembership:
    """Return the expectation that a membership stays as it is."""
    if membership is None or not membership.status.is_open:
        return CLOSED
    return ExpectedMembership(
        is_open=True, profile_id=membership.profile_id, group_ids=membership.group_ids
    )


def seen_roles(user: User) -> frozenset[str]:
    """Return the manual roles that DocuSign shows."""
    return confirmed_roles(user)


def is_managed_by_scim(user: User) -> bool:
    """Whether DocuSign's own SCIM owns the person, or one of their memberships."""
    return user.managed_by_scim or any(item.managed_by_scim for item in user.memberships.values())


def follow(expected: Expected, step: Operation, seen: User | None) -> Expected:
    """Return what is expected after an operation of ours was carried out.

    :param seen: the person as the mirror has them now: DocuSign puts names together its own way.
    """
    if isinstance(step, GrantRole):
        return replace(expected, roles=expected.roles | {step.role})
    if isinstance(step, RevokeRole):
        return replace(expected, roles=expected.roles - {step.role})
    if isinstance(step, UpdatePerson | ChangeEmail):
        return _with_person(expected, step, seen) if seen else expected
    account_id = getattr(step, "account_id", "")
    after = _membership_after(expected.membership(account_id), step)
    if after is None:
        return expected
    return expected.moved({**expected.memberships, account_id: after}, seen)


def _membership_after(before: ExpectedMembership, step: Operation) -> ExpectedMembership | None:
    """Return what is expected of a membership after a step; None where it is about none."""
    if isinstance(step, CreateMembership | ReopenMembership):
        return ExpectedMembership(True, step.profile_id, frozenset(step.group_ids))
    if isinstance(step, CloseMembership):
        return CLOSED
    if isinstance(step, SetProfile):
        return replace(before, is_open=True, profile_id=step.profile_id)
    if isinstance(step, AddGroupMembers):
        return replace(before, group_ids=before.group_ids | {step.group_id})
    if isinstance(step, RemoveGroupMembers):
        return replace(before, group_ids=before.group_ids - {step.group_id})
    return None


def _with_person(expected: Expected, step: UpdatePerson | ChangeEmail, seen: User) -> Expected:
    changed = {"email"} if isinstance(step, ChangeEmail) else set(step.changes)
    if changed & set(NAME_FIELDS):
        changed |= set(NAME_FIELDS)
    now = person_of(seen)
    return replace(
        expected, person=replace(expected.person, **{name: getattr(now, name) for name in changed})
    )
