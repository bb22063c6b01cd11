"""Steps that open, change and close memberships, and change who the person is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan.operation import Operation, Person


@dataclass(frozen=True)
class CreateMembership(Operation):
    """Join a person to an account. ``user_id`` is None for the first account of a new person."""

    kind: ClassVar[str] = "create_membership"
    account_id: str
    person: Person
    profile_id: str
    group_ids: tuple[str, ...] = ()
    user_id: str | None = None
    auto_activate: bool = False
    predecessors: tuple[str, ...] | None = None
    """For a new person: the users whom the address had before, closed or deleted. Whoever is on it
    besides them came with this step. None where nobody looked."""

    def describe(self, names: Names = IDS_ALONE) -> str:
        profile = names.profile(self.account_id, self.profile_id)
        account = names.account(self.account_id)
        return f"join {self.person.email} to account {account} as profile {profile}"

    def inverse(self) -> Operation | None:
        # The user id is only known after the call: fulfilment fills it in.
        if self.user_id is None:
            return None
        return CloseMembership(self.account_id, self.user_id, strip=True)


@dataclass(frozen=True)
class ReopenMembership(Operation):
    """Re-open a closed membership of the same person and give profile and groups again."""

    kind: ClassVar[str] = "reopen_membership"
    account_id: str
    user_id: str
    person: Person
    profile_id: str
    group_ids: tuple[str, ...] = ()

    def describe(self, names: Names = IDS_ALONE) -> str:
        profile = names.profile(self.account_id, self.profile_id)
        where = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"re-open the membership of {where} as profile {profile}"

    def inverse(self) -> Operation:
        return CloseMembership(self.account_id, self.user_id)


@dataclass(frozen=True)
class CloseMembership(Operation):
    """Close a membership. ``strip`` also removes groups, profile and signing-group mail."""

    kind: ClassVar[str] = "close_membership"
    account_id: str
    user_id: str
    strip: bool = False
    reopen: ReopenMembership | None = None
    """What would restore it, as it was when planned."""
    restorable: bool = True
    """Whether what it held is given again when the person is enabled: not after a revocation."""
    unasked: bool = False
    """Whether it was opened natively and nobody asked for it: what was remembered before stays, and
    where nothing was, a restorable one is given the baseline again."""

    def describe(self, names: Names = IDS_ALONE) -> str:
        tail = " and remove its groups and profile" if self.strip else ""
        where = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"close the membership of {where}{tail}"

    def inverse(self) -> Operation | None:
        return self.reopen


@dataclass(frozen=True)
class SetProfile(Operation):
    """Replace the one permission profile of a membership."""

    kind: ClassVar[str] = "set_profile"
    account_id: str
    user_id: str
    profile_id: str
    previous_profile_id: str | None = None

    def describe(self, names: Names = IDS_ALONE) -> str:
        before = self.previous_profile_id
        old = names.profile(self.account_id, before) if before else "none"
        new = names.profile(self.account_id, self.profile_id)
        where = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"change the profile of {where}: {old} -> {new}"

    def inverse(self) -> Operation | None:
        if self.previous_profile_id is None:
            return None
        return SetProfile(self.account_id, self.user_id, self.previous_profile_id, self.profile_id)


@dataclass(frozen=True)
class UpdatePerson(Operation):
    """Change names, job title or company of a membership. Only changed fields are listed."""

    kind: ClassVar[str] = "update_person"
    account_id: str
    user_id: str
    changes: Mapping[str, str]
    """:class:`Person` field name to new value."""
    previous: Mapping[str, str] = field(default_factory=dict)

    def describe(self, names: Names = IDS_ALONE) -> str:
        where = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        changes = ", ".join(
            f"{names.attribute(name)} {self.previous.get(name, '')!r} -> {after!r}"
            for name, after in sorted(self.changes.items())
        )
        return f"change {changes} of {where}"

    def inverse(self) -> Operation:
        return UpdatePerson(self.account_id, self.user_id, self.previous, self.changes)


@dataclass(frozen=True)
class ChangeEmail(Operation):
    """Change the address of a person everywhere; possible only in claimed domains."""

    kind: ClassVar[str] = "change_email"
    user_id: str
    email: str
    previous_email: str
    site_id: int | None = None

    def describe(self, names: Names = IDS_ALONE) -> str:
        return f"change the address {self.previous_email} -> {self.email} ({self.user_id})"

    def inverse(self) -> Operation:
        return ChangeEmail(self.user_id, self.previous_email, self.email, self.site_id)
