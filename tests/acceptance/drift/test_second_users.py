"""Reverts that lead DocuSign to make a second user of somebody known."""

from __future__ import annotations

import pytest

from connector.domain.audit.events import AuditFilter
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Origin
from connector.errors import PermanentError
from simulator.faults import Fault
from tests.acceptance.drift.native import BOB
from tests.acceptance.drift.stranger import DATABASE, REPORT, expected_of
from tests.approvals import operator
from tests.connector import ok


def second_user(native) -> str:
    """Bob is gone from DocuSign, and somebody has him brought back; return the new user's id."""
    connector = native.connector
    native.remove(native.bob)
    connector.reconcile()
    (gone,) = connector.findings(DriftKind.VANISHED_USER)
    with pytest.raises(PermanentError, match="as a second user") as caught:
        connector.services.drift.desk.revert(gone.finding_id, operator("olga"), "He works here")
    (second,) = native.state.on_address(BOB)
    assert second.user_id in str(caught.value)
    return second.user_id


@DATABASE
@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_a_second_user_counts_as_made_by_the_connector(start, database, is_answer_lost):
    native = start(database, drift=REPORT)
    connector = native.connector
    if is_answer_lost:
        connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))

    second = second_user(native)

    connector.reconcile()
    (finding,) = connector.findings()
    assert (finding.kind, finding.subject_id) == (DriftKind.VANISHED_USER, native.bob)
    assert "as a second user" in (finding.problem or "")
    expected = expected_of(connector, second)
    assert expected is not None
    assert expected.origin is Origin.PROVISIONED
    with connector.services.context.read() as uow:
        held = {item.entitlement: item.granted_by for item in uow.attributes.provenance(second)}
        (doubled,) = uow.audit.walk(AuditFilter(subjects=(second,), action="user.doubled"))
        told = [*uow.audit.walk(AuditFilter(people=(native.bob,), action="user.doubled"))]
    assert held == {connector.baseline(): operator("olga").name}
    assert doubled.data["user_id"] == native.bob
    assert told == [doubled]


def test_who_accepts_that_the_first_is_gone_goes_on_with_the_second(start):
    native = start(drift=REPORT)
    connector = native.connector
    second = second_user(native)

    (gone,) = connector.findings()
    connector.services.drift.desk.accept(gone.finding_id, operator("olga"), "He has another id")

    connector.reconcile()
    assert connector.findings() == []
    assert connector.user(second)["active"] is True
    ok(connector.patch(f"/Users/{second}", {"op": "replace", "path": "active", "value": False}))
    connector.reconcile()
    assert connector.findings() == []
