"""A process that dies while it undoes a failed plan leaves no half of it."""

from __future__ import annotations

import pytest

from connector.services.context import Actor
from connector.services.provisioning.undoing import Undoer
from simulator.faults import Fault
from tests.acceptance.agreement import disagreements
from tests.connector import ok


class Died(BaseException):
    """The process ends here."""


def test_undoing_goes_on_after_a_crash(connector, monkeypatch: pytest.MonkeyPatch):
    held = [{"value": connector.entitlement(account)} for account in (0, 1)]
    user = connector.create("ann@acme.test", entitlements=held)
    commit = Undoer._commit_undone

    def commit_and_die(*arguments):
        commit(*arguments)
        raise Died

    last = connector.world.accounts[1].account_id
    connector.world.faults.add(
        Fault("error", "PUT", f"{last}/users", status=400),
        Fault("error", "DELETE", f"{last}/users", status=400),
    )
    moved = {
        "op": "replace",
        "path": "entitlements",
        "value": [{"value": connector.entitlement(2)}],
    }
    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(Undoer, "_commit_undone", commit_and_die)
        connector.patch(f"/Users/{user['id']}", moved)
    connector.world.faults.clear()
    connector.clock.advance(130)

    connector.services.settlement.settle_all(Actor("job:test", "job", "test"))

    after = connector.user(user["id"])
    assert {item["value"] for item in after["entitlements"]} == {item["value"] for item in held}
    assert not disagreements(
        connector.world.state, connector.application, lambda path: ok(connector.get(path))
    )
