"""A change as an object: typed operations, sorted, countable, printable, reversible.

A plan is made by :mod:`connector.domain.planner`, refused or let through by
:mod:`connector.domain.guards`, routed by :mod:`connector.domain.policy`, kept in the ledger, and
carried out by :mod:`connector.services.fulfilment`. Each operation is one call to DocuSign, or one
thing for a person to do.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, ClassVar

from connector.domain.names import IDS_ALONE, Names


@dataclass(frozen=True)
class Operation(ABC):
    """One step of a plan. ``kind`` names it in the ledger and never changes."""

    kind: ClassVar[str] = ""

    @abstractmethod
    def describe(self, names: Names = IDS_ALONE) -> str:
        """Return one line for people."""

    def inverse(self) -> Operation | None:
        """Return what undoes this step, or None if nothing can."""
        return None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-ready data from which :func:`operation_from_dict` makes an equal step."""
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Person:
    """The attributes of a person that DocuSign holds in each membership."""

    email: str
    user_name: str
    first_name: str = ""
    last_name: str = ""
    middle_name: str = ""
    suffix: str = ""
    job_title: str = ""
    company: str = ""


NEWCOMER = ""
"""The id of the user or group that an earlier operation of the same plan creates; fulfilment fills
the real one in."""


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
            f"{name} {self.previous.get(name, '')!r} -> {after!r}"
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


@dataclass(frozen=True)
class AddGroupMembers(Operation):
    """Put users into a DocuSign group (at most 100 in one operation)."""

    kind: ClassVar[str] = "add_group_members"
    account_id: str
    group_id: str
    user_ids: tuple[str, ...]

    def describe(self, names: Names = IDS_ALONE) -> str:
        is_new = self.group_id == NEWCOMER
        group = "(new)" if is_new else names.group(self.account_id, self.group_id)
        account = names.account(self.account_id)
        return f"add to group {group} of account {account}: {names.people(self.user_ids)}"

    def inverse(self) -> Operation:
        return RemoveGroupMembers(self.account_id, self.group_id, self.user_ids)


@dataclass(frozen=True)
class RemoveGroupMembers(Operation):
    """Take users out of a DocuSign group (at most 100 in one operation)."""

    kind: ClassVar[str] = "remove_group_members"
    account_id: str
    group_id: str
    user_ids: tuple[str, ...]

    def describe(self, names: Names = IDS_ALONE) -> str:
        group = names.group(self.account_id, self.group_id)
        account = names.account(self.account_id)
        return f"remove from group {group} of account {account}: {names.people(self.user_ids)}"

    def inverse(self) -> Operation:
        return AddGroupMembers(self.account_id, self.group_id, self.user_ids)


@dataclass(frozen=True)
class CreateGroup(Operation):
    """Create a DocuSign group. ``group_id`` is filled in by fulfilment."""

    kind: ClassVar[str] = "create_group"
    account_id: str
    name: str
    group_id: str | None = None

    def describe(self, names: Names = IDS_ALONE) -> str:
        return f"create group {self.name!r} in account {names.account(self.account_id)}"

    def inverse(self) -> Operation | None:
        if self.group_id is None:
            return None
        return DeleteGroup(self.account_id, self.group_id, self.name)


@dataclass(frozen=True)
class RenameGroup(Operation):
    """Rename a DocuSign group."""

    kind: ClassVar[str] = "rename_group"
    account_id: str
    group_id: str
    name: str
    previous_name: str

    def describe(self, names: Names = IDS_ALONE) -> str:
        group = f"{self.previous_name!r} ({self.group_id})"
        account = names.account(self.account_id)
        return f"rename group {group} to {self.name!r} in account {account}"

    def inverse(self) -> Operation:
        return RenameGroup(self.account_id, self.group_id, self.previous_name, self.name)


@dataclass(frozen=True)
class DeleteGroup(Operation):
    """Delete a DocuSign group. Nothing undoes it: a new group has a new id."""

    kind: ClassVar[str] = "delete_group"
    account_id: str
    group_id: str
    name: str

    def describe(self, names: Names = IDS_ALONE) -> str:
        account = names.account(self.account_id)
        return f"delete group {self.name!r} ({self.group_id}) of account {account}"


@dataclass(frozen=True)
class GrantRole(Operation):
    """Give a role that only people can give."""

    kind: ClassVar[str] = "grant_role"
    user_id: str | None
    """None while the person is still to be created in the same plan."""
    role: str

    def describe(self, names: Names = IDS_ALONE) -> str:
        return f"grant the role {self.role} to {names.person(self.user_id)}"

    def inverse(self) -> Operation:
        return RevokeRole(self.user_id, self.role)


@dataclass(frozen=True)
class RevokeRole(Operation):
    """Take away a role that only people can take."""

    kind: ClassVar[str] = "revoke_role"
    user_id: str | None
    role: str

    def describe(self, names: Names = IDS_ALONE) -> str:
        return f"revoke the role {self.role} from {names.person(self.user_id)}"

    def inverse(self) -> Operation:
        return GrantRole(self.user_id, self.role)


def with_user_id(step: Operation, user_id: str | None) -> Operation:
    """Return a step for a newcomer with the user id that an earlier one of its plan brought.

    Steps that name their user already stay as they are, and so does every step without an id.
    """
    if not user_id:
        return step
    if isinstance(step, CreateMembership | GrantRole | RevokeRole):
        return replace(step, user_id=step.user_id or user_id)
    if isinstance(step, CloseMembership) and step.user_id == NEWCOMER:
        reopen = replace(step.reopen, user_id=user_id) if step.reopen else None
        return replace(step, user_id=user_id, reopen=reopen)
    if isinstance(step, SetProfile) and step.user_id == NEWCOMER:
        return replace(step, user_id=user_id)
    if isinstance(step, AddGroupMembers) and NEWCOMER in step.user_ids:
        return replace(
            step, user_ids=tuple(user_id if item == NEWCOMER else item for item in step.user_ids)
        )
    return step


def with_subject_id(step: Operation, scim_id: str | None) -> Operation:
    """Return a step with the id of the user or group that an earlier one of its plan brought."""
    if scim_id and isinstance(step, AddGroupMembers) and step.group_id == NEWCOMER:
        return replace(step, group_id=scim_id.partition(".g")[2])
    return with_user_id(step, scim_id)


@dataclass(frozen=True)
class HandOverEnvelopes(Operation):
    """Let another member receive what a leaver has in flight, once it is completed. ``rule_id`` is
    filled in by fulfilment, which goes on without the rule where DocuSign refuses it."""

    kind: ClassVar[str] = "hand_over_envelopes"
    account_id: str
    user_id: str
    to_user_id: str
    rule_id: str | None = None

    def describe(self, names: Names = IDS_ALONE) -> str:
        whose = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"hand envelopes of {whose} to {names.person(self.to_user_id)} when completed"

    def inverse(self) -> Operation | None:
        if self.rule_id is None:
            return None
        return EndHandOver(self.account_id, self.user_id, self.rule_id, self.to_user_id)


@dataclass(frozen=True)
class EndHandOver(Operation):
    """Delete the rule by which a leaver's envelopes went to another member."""

    kind: ClassVar[str] = "end_hand_over"
    account_id: str
    user_id: str
    rule_id: str
    to_user_id: str

    def describe(self, names: Names = IDS_ALONE) -> str:
        whose = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"no longer hand envelopes of {whose} to {names.person(self.to_user_id)}"

    def inverse(self) -> Operation:
        return HandOverEnvelopes(self.account_id, self.user_id, self.to_user_id)


@dataclass(frozen=True)
class TakeCustody(Operation):
    """Let a person hand over the envelopes and templates that a leaver owns: no API does."""

    kind: ClassVar[str] = "take_custody"
    account_id: str
    user_id: str
    to: str
    """Address of who takes over; empty: the person who does it decides."""

    def describe(self, names: Names = IDS_ALONE) -> str:
        whose = f"{names.person(self.user_id)} in account {names.account(self.account_id)}"
        return f"transfer custody of what {whose} owns to {self.to or 'somebody'}"


OPERATION_TYPES: dict[str, type[Operation]] = {
    cls.kind: cls
    for cls in (
        CreateMembership,
        ReopenMembership,
        CloseMembership,
        SetProfile,
        UpdatePerson,
        ChangeEmail,
        AddGroupMembers,
        RemoveGroupMembers,
        CreateGroup,
        RenameGroup,
        DeleteGroup,
        GrantRole,
        RevokeRole,
        HandOverEnvelopes,
        EndHandOver,
        TakeCustody,
    )
}


def operation_from_dict(data: Mapping[str, Any]) -> Operation:
    """Return the operation that ``to_dict`` wrote.

    :raises KeyError: the kind is unknown: the ledger was written by a newer version.
    """
    cls = OPERATION_TYPES[data["kind"]]
    known = {item.name for item in fields(cls)}
    values = {key: value for key, value in data.items() if key in known}
    for key in ("group_ids", "user_ids", "predecessors"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    if isinstance(values.get("person"), Mapping):
        values["person"] = Person(**values["person"])
    if isinstance(values.get("reopen"), Mapping):
        nested = operation_from_dict({"kind": ReopenMembership.kind, **values["reopen"]})
        values["reopen"] = nested
    return cls(**values)


@dataclass(frozen=True)
class Plan:
    """The operations that lead from what is to what is wanted, in an order safe to stop after any.

    Empty when nothing is to be done.
    """

    operations: tuple[Operation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    @property
    def checksum(self) -> str:
        """A digest that an approval binds to: equal plans have equal checksums."""
        text = json.dumps([item.to_dict() for item in self.operations], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def describe(self, names: Names = IDS_ALONE) -> Sequence[str]:
        """Return one line for each operation."""
        return [item.describe(names) for item in self.operations]
