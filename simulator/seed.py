"""A believable organization of any size, the same for the same numbers.

Northwind Freight is invented. Its domains end in ``.example`` (RFC 2606), so that no mail can
ever reach anybody.
"""

from __future__ import annotations

import random
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from simulator.names import COMPANIES, FIRST_NAMES, GROUP_NAMES, JOB_TITLES, LAST_NAMES
from simulator.state import State
from simulator.state.keys import new_application
from simulator.state.model import (
    Account,
    Group,
    GroupType,
    Membership,
    Organization,
    Profile,
    ReservedDomain,
    Status,
    User,
)
from simulator.state.organization import utc_now
from simulator.state.users import set_groups
from simulator.variants import Variants

FOUNDED_AT = datetime(2019, 4, 1, 8, 0, tzinfo=UTC)
"""The organization's first day; everything else follows within :data:`DAYS_OF_HISTORY`."""
DAYS_OF_HISTORY = 2400

CLAIMED_WITH_LOGIN = "northwind-freight.example"
CLAIMED = "northwind-rail.example"
NOT_CLAIMED = "partner-logistics.example"

Powers = tuple[bool, bool]
"""Whether a profile makes an account administrator, and whether it may send."""
ADMIN, SENDER, READER = (True, True), (False, True), (False, False)

BUILT_IN: dict[str, Powers] = {
    "Account Administrator": ADMIN,
    "DocuSign Sender": SENDER,
    "DocuSign Viewer": READER,
}
"""The last one is given to users created without a profile."""
BUILT_IN_OLD: dict[str, Powers] = {"DS Admin": ADMIN, "DS Sender": SENDER, "DS Viewer": READER}
"""What old accounts call the same profiles."""

BENCH_FROM_USERS = 20_000
"""From this size on the first account has the groups that the benchmark needs."""
BENCH_SIZES = (10_000, 10)


@dataclass(frozen=True)
class AccountPlan:
    """What one account looks like."""

    name: str
    external_id: int
    share: float
    """Share of the users who are members."""
    built_in: dict[str, Powers]
    custom_profiles: dict[str, Powers]


ACCOUNT_PLANS = (
    AccountPlan(
        name="Northwind Freight",
        external_id=10100,
        share=0.88,
        built_in=BUILT_IN,
        custom_profiles={
            "HR Sender": SENDER,
            "Legal Sender": SENDER,
            "Finance Approver": SENDER,
            "Contract Administrator": ADMIN,
            "Auditor": READER,
        },
    ),
    AccountPlan(
        name="Northwind Rail",
        external_id=10200,
        share=0.28,
        built_in=BUILT_IN,
        custom_profiles={"HR Sender": SENDER, "Dispatch Sender": SENDER, "Safety Auditor": READER},
    ),
    AccountPlan(
        name="Northwind Legacy Contracts",
        external_id=10300,
        share=0.12,
        built_in=BUILT_IN_OLD,
        custom_profiles={"Archive Reader": READER, "Renewals Sender": SENDER},
    ),
)
SITE_ID = 1

STATUS_WEIGHTS = (
    (Status.ACTIVE, 880),
    (Status.CLOSED, 60),
    (Status.ACTIVATION_SENT, 35),
    (Status.ACTIVATION_REQUIRED, 10),
    (Status.DISABLED, 15),
)
FIRST_STATUSES = [status for status, _ in STATUS_WEIGHTS]
"""What the first people are, so that even a small organization has everything."""
REUSED_ADDRESS_SHARE = 0.02
"""Share of users whose address belonged to somebody closed before."""


def seed(
    n_users: int,
    *,
    seed: int = 1,
    variants: Variants | None = None,
    now: Callable[[], datetime] = utc_now,
) -> State:
    """Return an organization with so many users, three accounts and all that belongs to it.

    :param n_users: users in all, closed ones and the service user included; at least 10.
    :param seed: the same number gives the same GUIDs, names and groups.
    """
    return _Sower(n_users, seed, variants, now).sow()


class _Sower:
    """Draws everything from one random source, in one order."""

    def __init__(
        self, n_users: int, seed: int, variants: Variants | None, now: Callable[[], datetime]
    ) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- repeatable, not secret
        self._n_users = max(n_users, 10)
        organization = Organization(self._guid(), "Northwind Freight Group", FOUNDED_AT)
        self._state = State(organization, variants=variants, now=now)
        self._days = [FOUNDED_AT + timedelta(days=day) for day in range(DAYS_OF_HISTORY)]
        self._addresses: dict[str, int] = {}
        self._people = 0

    def sow(self) -> State:
        """Return the organization."""
        self._claim_domains()
        for plan in ACCOUNT_PLANS:
            self._add_account(plan)
        self._add_administrators()
        while len(self._state.users) < self._n_users:
            self._add_person()
        for account in self._state.accounts.values():
            self._fill_groups(account)
        if self._n_users >= BENCH_FROM_USERS:
            self._add_bench_groups(next(iter(self._state.accounts.values())))
        self._state.applications.add(new_application(self._guid(), self._state.service_user_id))
        return self._state

    def _guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _claim_domains(self) -> None:
        organization = self._state.organization
        organization.identity_provider_id = self._guid()
        organization.identity_provider_name = "Northwind Login"
        for host, provider in (
            (CLAIMED_WITH_LOGIN, organization.identity_provider_id),
            (CLAIMED, None),
        ):
            organization.domains[host] = ReservedDomain(self._guid(), host, "active", provider)

    def _add_account(self, plan: AccountPlan) -> None:
        account = Account(self._guid(), plan.name, plan.external_id, SITE_ID, FOUNDED_AT)
        account.next_number = plan.external_id * 100
        for name, kind in (("Administrators", GroupType.ADMIN), ("Everyone", GroupType.EVERYONE)):
            group = Group(account.take_number(), name, FOUNDED_AT, kind)
            account.groups[group.group_id] = group
        add_profiles(account, plan.built_in, FOUNDED_AT, is_built_in=True)
        account.default_profile_id = list(account.profiles)[-1]
        add_profiles(account, plan.custom_profiles, FOUNDED_AT)
        self._state.add_account(account)

    def _add_administrators(self) -> None:
        """Add the service user and two people, all of them administrators everywhere."""
        for first, last, title in (
            ("Identity", "Connector", "Service user"),
            ("Astrid", "Holm", "Head of Digital Agreements"),
            ("Tomás", "Ferreira", "Agreement Systems Administrator"),
        ):
            user = self._add_user(first, last, CLAIMED_WITH_LOGIN, self._days[0])
            user.is_organization_admin = True
            for account in self._state.accounts.values():
                profile_id = next(p.profile_id for p in account.profiles.values() if p.is_admin)
                membership = self._add_membership(user, account, Status.ACTIVE, profile_id)
                membership.job_title = title
            self._state.service_user_id = self._state.service_user_id or user.user_id

    def _add_user(
        self, first: str, last: str, domain: str, created_at: datetime, email: str = ""
    ) -> User:
        user = User(
            user_id=self._guid(),
            email=email or self._address(first, last, domain),
            user_name=f"{first} {last}",
            created_at=created_at,
            modified_at=created_at,
            site_id=SITE_ID,
            first_name=first,
            last_name=last,
        )
        self._state.add_user(user)
        return user

    def _address(self, first: str, last: str, domain: str) -> str:
        """Return an address that nobody has yet."""
        local = _ascii(f"{first}.{last}".lower().replace(" ", ""))
        number = self._addresses[local] = self._addresses.get(local, 0) + 1
        return f"{local}{number if number > 1 else ''}@{domain}"

    def _add_person(self) -> None:
        """Add somebody, and now and then the closed user who had the address before."""
        draw = self._random
        first, last = draw.choice(FIRST_NAMES), draw.choice(LAST_NAMES)
        domain = draw.choices((CLAIMED_WITH_LOGIN, CLAIMED, NOT_CLAIMED), (80, 12, 8))[0]
        day = draw.randrange(200, DAYS_OF_HISTORY)
        email = ""
        self._people += 1
        room = len(self._state.users) + 1 < self._n_users
        if room and (draw.random() < REUSED_ADDRESS_SHARE or self._people == len(FIRST_STATUSES)):
            email = self._address(first, last, domain)
            before = self._add_user(draw.choice(FIRST_NAMES), last, domain, self._days[50], email)
            self._add_memberships(before, Status.CLOSED, day - 100)
        user = self._add_user(first, last, domain, self._days[day], email)
        self._add_memberships(user, self._status(), min(day + 90, DAYS_OF_HISTORY - 1))

    def _status(self) -> Status:
        if self._people <= len(FIRST_STATUSES):
            return FIRST_STATUSES[self._people - 1]
        return self._random.choices(FIRST_STATUSES, [weight for _, weight in STATUS_WEIGHTS])[0]

    def _add_memberships(self, user: User, status: Status, last_day: int) -> None:
        """Join a user to some accounts, at least one."""
        accounts = [
            account
            for plan, account in zip(ACCOUNT_PLANS, self._state.accounts.values(), strict=True)
            if self._random.random() < plan.share
        ]
        job_title = self._random.choice(JOB_TITLES)
        for account in accounts or [next(iter(self._state.accounts.values()))]:
            profile_id = self._profile(account)
            membership = self._add_membership(user, account, status, profile_id)
            membership.job_title = job_title
            membership.company = COMPANIES[user.domain]
            if status is Status.CLOSED:
                membership.closed_at = user.closed_at = self._days[last_day]
                user.modified_at = self._days[last_day]

    def _profile(self, account: Account) -> str:
        """Return the profile of an ordinary user: mostly a viewer or a sender."""
        profiles = list(account.profiles.values())
        weights = [1 if item.is_admin else 30 if item.is_built_in else 8 for item in profiles]
        return self._random.choices(profiles, weights)[0].profile_id

    def _add_membership(
        self, user: User, account: Account, status: Status, profile_id: str
    ) -> Membership:
        membership = Membership(
            membership_id=self._guid(),
            account=account,
            user=user,
            status=status,
            profile_id=profile_id,
            created_at=user.created_at,
            activated_at=user.created_at if status is Status.ACTIVE else None,
        )
        self._state.add_membership(membership)
        user.default_account_id = user.default_account_id or account.account_id
        return membership

    def _fill_groups(self, account: Account) -> None:
        """Make the custom groups, the smallest with 5 members, the largest with a third of all."""
        open_members = [item for item in account.roster if item.status is not Status.CLOSED]
        largest = max(5.0, len(open_members) / 3)
        for index, name in enumerate(GROUP_NAMES):
            size = round(5 * (largest / 5) ** (index / (len(GROUP_NAMES) - 1)))
            self._add_group(account, name, open_members, size)

    def _add_bench_groups(self, account: Account) -> None:
        open_members = [item for item in account.roster if item.status is not Status.CLOSED]
        for size in BENCH_SIZES:
            self._add_group(account, f"Bench {size}", open_members, size)

    def _add_group(self, account: Account, name: str, members: list[Membership], size: int) -> None:
        group = Group(account.take_number(), name, FOUNDED_AT)
        account.groups[group.group_id] = group
        for membership in self._random.sample(members, min(size, len(members))):
            set_groups(membership, (*membership.group_ids, group.group_id))


def add_profiles(
    account: Account,
    profiles: Mapping[str, Powers],
    modified_at: datetime,
    *,
    is_built_in: bool = False,
) -> None:
    """Give an account permission profiles."""
    for name, (is_admin, can_send) in profiles.items():
        profile_id = account.take_number()
        account.profiles[profile_id] = Profile(
            profile_id, name, modified_at, is_admin, can_send, is_built_in
        )


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return decomposed.encode("ascii", "ignore").decode()
