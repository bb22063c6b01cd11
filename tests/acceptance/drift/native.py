"""Changes that people make in DocuSign itself, and a connector before whose eyes they do it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.state import groups, memberships, profiles, users
from simulator.state.model import Account, Group, Membership, Profile, Status, User
from tests.connector import Connector, ok

ANN = "ann.bell@northwind-freight.example"
BOB = "bob.stone@northwind-freight.example"
Seen = tuple[str, str]
"""Class and what of it: the attribute, or the subject for those without."""


@dataclass
class Native:
    """DocuSign's own pages. Ann is in two accounts and one group, Bob in one account."""

    connector: Connector
    ann: str = ""
    bob: str = ""
    held: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        connector = self.connector
        connector.reconcile()
        wanted = [{"value": connector.entitlement(account)} for account in (0, 1)]
        name = {"givenName": "Ann", "familyName": "Bell"}
        self.ann = connector.create(ANN, name=name, title="Clerk", entitlements=wanted)["id"]
        self.bob = connector.create(BOB, displayName="Bob Stone")["id"]
        member = {"op": "add", "path": "members", "value": [{"value": self.ann}]}
        ok(connector.patch(f"/Groups/{connector.group()}", member))
        connector.reconcile()
        self.held = self.snapshot()
        # For a moment the mirror keeps the groups that the connector has just written.
        connector.clock.advance(61)

    # what there is ------------------------------------------------------------

    @property
    def state(self) -> Any:
        return self.connector.world.state

    def account(self, number: int = 0) -> Account:
        return self.connector.world.accounts[number]

    def user(self, user_id: str) -> User:
        found: User = self.state.users[user_id]
        return found

    def place(self, user_id: str, account: int = 0) -> Membership:
        return self.account(account).members[user_id]

    def group(self, number: int = 0, account: int = 0) -> Group:
        group_id = self.connector.group(account, number).partition(".g")[2]
        return self.account(account).groups[group_id]

    def other_profile(self, account: int = 0, *, is_admin: bool = False) -> Profile:
        """Return a profile that neither Ann nor Bob holds there."""
        taken: set[str | None] = {self.account(account).default_profile_id}
        taken |= {m.profile_id for u in (self.ann, self.bob) if (m := self._member(u, account))}
        return next(
            item
            for item in self.account(account).profiles.values()
            if item.is_admin is is_admin and item.profile_id not in taken
        )

    def _member(self, user_id: str, account: int) -> Membership | None:
        return self.account(account).members.get(user_id)

    def snapshot(self) -> dict[str, Any]:
        """Return what Ann and Bob have, to compare with later."""
        return {
            user_id: (
                user.email.lower(),
                user.user_name,
                user.is_organization_admin,
                {
                    key: (item.profile_id, sorted(item.group_ids), item.job_title, item.company)
                    for key, item in user.memberships.items()
                    if item.status.is_open
                },
            )
            for user_id in (self.ann, self.bob)
            if (user := self.state.users.get(user_id)) is not None
        }

    # what people do -----------------------------------------------------------

    def set_profile(self, user_id: str, profile: Profile, account: int = 0) -> None:
        self.place(user_id, account).profile_id = profile.profile_id

    def join(self, user_id: str, group: Group, account: int = 0) -> None:
        groups.add_member(self.state, self.account(account), group.group_id, user_id)

    def leave(self, user_id: str, group: Group, account: int = 0) -> None:
        groups.remove_member(self.state, self.account(account), group.group_id, user_id)

    def close(self, user_id: str, account: int = 0) -> None:
        membership = self.place(user_id, account)
        membership.status, membership.closed_at = Status.CLOSED, self.state.now()

    def reopen(self, user_id: str, account: int = 0) -> None:
        memberships.reopen(self.state, self.place(user_id, account), Status.ACTIVE)

    def invite(self, email: str, name: str, account: int = 0, profile: str | None = None) -> User:
        new = users.NewMember(email, name, profile_id=profile)
        return users.join(self.state, self.account(account), new).user

    def remove(self, user_id: str, account: int = 0) -> None:
        self.state.remove_membership(self.place(user_id, account))

    def rename_user(self, user_id: str, first: str, last: str) -> None:
        users.rename(self.state, self.user(user_id), {"first_name": first, "last_name": last})

    def readdress(self, user_id: str, email: str) -> None:
        self.state.readdress(self.user(user_id), email)

    def set_work(self, user_id: str, **changes: str) -> None:
        for membership in self.user(user_id).memberships.values():
            for name, value in changes.items():
                setattr(membership, name, value)

    def rename_group(self, group: Group, name: str) -> None:
        groups.rename(self.state, self.account(), group.group_id, name)

    def set_group_managed(self, group: Group) -> None:
        group.managed_by_scim = True

    def delete_group(self, group: Group) -> None:
        groups.delete(self.state, self.account(), group.group_id)

    def delete_profile(self, profile: Profile, move_to: str | None = None) -> None:
        profiles.delete(self.state, self.account(), profile.profile_id, move_to)


def seen(connector: Connector) -> set[Seen]:
    """Return the open findings, each as class and attribute, those of time left out."""
    return {
        (str(item.kind), item.attribute)
        for item in connector.findings()
        if not item.kind.is_standing
    }


def revoke(entitlement: str) -> dict[str, Any]:
    """Return the operation that takes an entitlement away."""
    return {"op": "remove", "path": f'entitlements[value eq "{entitlement}"]'}


def give(entitlement: str) -> dict[str, Any]:
    """Return the operation that gives an entitlement."""
    return {"op": "add", "path": "entitlements", "value": [{"value": entitlement}]}
