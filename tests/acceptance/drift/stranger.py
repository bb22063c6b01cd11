"""Somebody who was created in DocuSign itself."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from connector.domain.drift.expected import Expected
from connector.domain.drift.findings import Finding
from connector.settings import DriftRule, DriftSettings
from simulator.state.model import Group
from tests.acceptance.drift.native import Native
from tests.connector import Connector, ok

MALLORY = "mallory@acme.test"
REPORT = DriftSettings(pending_after_days=0)
CLOSE = DriftSettings(policy=(DriftRule("unmanaged_user", then="revert"),), pending_after_days=0)
TITLE = {"op": "replace", "path": "title", "value": "Counsel"}
ACTIVE = {"op": "replace", "path": "active", "value": True}
DATABASE = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@dataclass
class Stranger:
    """Mallory, whom somebody invited into two accounts and a group, as an administrator."""

    native: Native
    user_id: str

    @property
    def connector(self) -> Connector:
        return self.native.connector

    def patch(self, *operations: dict) -> None:
        ok(self.connector.patch(f"/Users/{self.user_id}", *operations))

    def join(self, number: int) -> Group:
        """Put her into a group by a request."""
        group = self.connector.group(0, number)
        member = {"op": "add", "path": "members", "value": [{"value": self.user_id}]}
        self.connector.patch(f"/Groups/{group}", member)
        return self.native.group(number)

    def compare(self) -> list[Finding]:
        """Read and compare everybody; return the open findings about her."""
        self.connector.reconcile()
        return [item for item in self.connector.findings() if item.subject_id == self.user_id]

    @property
    def is_open(self) -> bool:
        return self.native.place(self.user_id).status.is_open


def stranger(native: Native) -> Stranger:
    admin = native.other_profile(is_admin=True).profile_id
    user = native.invite(MALLORY, "Mallory Moss", profile=admin)
    native.invite(MALLORY, "Mallory Moss", account=1)
    native.join(user.user_id, native.group())
    native.connector.sync()
    return Stranger(native, user.user_id)


def kinds(findings: list[Finding]) -> set[tuple[str, str, str]]:
    return {(str(item.kind), item.attribute, item.entitlement) for item in findings}


def expected_of(connector: Connector, user_id: str) -> Expected | None:
    with connector.services.context.read() as uow:
        return uow.drift.expected([user_id]).get(user_id)
