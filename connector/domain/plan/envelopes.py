"""Steps that hand over what a leaver has in DocuSign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from connector.domain.naming.names import IDS_ALONE, Names
from connector.domain.plan.operation import Operation


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
