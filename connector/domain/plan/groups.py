"""Steps that change DocuSign groups and who is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan.operation import NEWCOMER, Operation
from connector.domain.writing import counted


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
    user_ids: tuple[str, ...] = ()
    """Who loses it: it is part of what happened to them."""

    def describe(self, names: Names = IDS_ALONE) -> str:
        account = names.account(self.account_id)
        whose = f", with {counted(len(self.user_ids), 'member')}" if self.user_ids else ""
        return f"delete group {self.name!r} ({self.group_id}) of account {account}{whose}"
