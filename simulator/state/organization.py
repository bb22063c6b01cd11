"""All state of one simulated organization, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from simulator.state.consent import Applications
from simulator.state.errors import RuleError, user_not_found
from simulator.state.exports import Export
from simulator.state.model import Account, Membership, Organization, ReservedDomain, User
from simulator.state.monitor import EventLog
from simulator.variants import Variants


def utc_now() -> datetime:
    """Return the time as aware UTC."""
    return datetime.now(UTC)


class State:
    """DocuSign's data. Callers hold :attr:`lock` while they read or change it."""

    def __init__(
        self,
        organization: Organization,
        *,
        variants: Variants | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.lock = threading.RLock()
        self.organization = organization
        self.variants = variants or Variants()
        self.now = now
        self.accounts: dict[str, Account] = {}
        self.users: dict[str, User] = {}
        self.applications = Applications(now)
        self.exports: dict[str, Export] = {}
        self.redacted: set[tuple[str, str]] = set()
        """Memberships whose data was deleted, by account and user id."""
        self.events = EventLog()
        self.acting = ("", "")
        """User and integration key of the request at hand, for Monitor; empty: a person in the web
        interface."""
        self.service_user_id = ""
        self._by_email: dict[str, list[User]] = {}

    def account(self, account_id: str) -> Account:
        """Return an account by its GUID or by its number.

        :raises RuleError: there is no such account.
        """
        found = self.accounts.get(account_id.lower())
        if found is None and account_id.isdigit():
            number = int(account_id)
            found = next((a for a in self.accounts.values() if a.external_id == number), None)
        if found is None:
            raise RuleError(
                "USER_LACKS_MEMBERSHIP",
                f"The UserID does not have a valid membership in this Account {account_id}.",
                status=403,
            )
        return found

    def user(self, user_id: str) -> User:
        """Return a user.

        :raises RuleError: there is no such user.
        """
        found = self.users.get(user_id.lower())
        if found is None:
            raise user_not_found(user_id)
        return found

    def membership(self, account: Account, user_id: str) -> Membership:
        """Return a user's place in an account, closed ones included.

        :raises RuleError: the user never was a member.
        """
        found = account.members.get(user_id.lower())
        if found is None:
            raise user_not_found(user_id)
        return found

    def on_address(self, email: str) -> list[User]:
        """Return every user who has this address, oldest first, closed ones included."""
        return self._by_email.get(email.lower(), [])

    def open_on_address(self, email: str) -> User | None:
        """Return the one user who holds this address."""
        return next((user for user in self.on_address(email) if user.is_open), None)

    def claimed(self, email: str) -> ReservedDomain | None:
        """Return the claimed domain of an address."""
        domain = self.organization.domains.get(email.rpartition("@")[2].lower())
        return domain if domain is not None and domain.status == "active" else None

    def administrators(self, account: Account) -> Iterator[Membership]:
        """Return the active administrators of an account."""
        return (item for item in account.roster if item.status == "Active" and item.is_admin)

    # structural changes; the rules are in the modules beside -----------------------------

    def add_account(self, account: Account) -> None:
        """Keep a new account."""
        self.accounts[account.account_id] = account

    def add_user(self, user: User) -> None:
        """Keep a new user."""
        self.users[user.user_id] = user
        self._by_email.setdefault(user.email.lower(), []).append(user)

    def add_membership(self, membership: Membership) -> None:
        """Keep a new membership, with the groups that it names."""
        account, user = membership.account, membership.user
        user.memberships[account.account_id] = membership
        account.roster.append(membership)
        account.members[user.user_id] = membership
        for group_id in membership.group_ids:
            account.groups[group_id].members[user.user_id] = membership

    def remove_membership(self, membership: Membership) -> None:
        """Forget a membership, and with the last one the user."""
        account, user = membership.account, membership.user
        account.roster.remove(membership)
        del account.members[user.user_id]
        del user.memberships[account.account_id]
        for group in account.groups.values():
            group.members.pop(user.user_id, None)
        if not user.memberships:
            del self.users[user.user_id]
            self._by_email[user.email.lower()].remove(user)

    def readdress(self, user: User, email: str) -> None:
        """Give a user another address."""
        self._by_email[user.email.lower()].remove(user)
        user.email = email
        self._by_email.setdefault(email.lower(), []).append(user)

    def touch(self, user: User, account: Account | None = None, *, what: str = "User") -> None:
        """Note that a user changed, memberships and groups included."""
        user.modified_at = self.now()
        self.record(what, "Updated", account, user)

    def record(
        self, what: str, action: str, account: Account | None = None, user: User | None = None
    ) -> None:
        """Let Monitor take an event in; who acts is whoever the request at hand stands for."""
        actor_id, integration_key = self.acting
        body = {
            "organizationId": self.organization.organization_id,
            "accountId": account.account_id if account else "",
            "userId": actor_id,
            "integratorKey": integration_key,
            "affectedUserId": user.user_id if user else "",
            "object": what,
            "action": action,
            "result": "Success",
        }
        self.events.add(self.now(), {key: value for key, value in body.items() if value})
