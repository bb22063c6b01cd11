"""Steps that give and take what only people can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan.operation import Operation


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
