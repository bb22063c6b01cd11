"""The drift suite: whatever is changed in DocuSign itself is found, classified and put right."""

from __future__ import annotations

import pytest

from connector.domain.drift import FindingState
from tests.acceptance.drift.cases import CASES, Case
from tests.acceptance.drift.native import seen
from tests.approvals import operator

CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
DATABASE = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


def test_there_are_forty_kinds() -> None:
    assert len(CASES) >= 40
    assert len({case.name for case in CASES}) == len(CASES)


@DATABASE
@CASE
def test_it_is_found_classified_and_put_right(start, database: str, case: Case) -> None:
    native = start(database)
    connector, desk = native.connector, native.connector.services.drift.desk
    case.change(native)

    counts = connector.reconcile()
    assert seen(connector) == case.found
    assert counts["new"] == len(
        [item for item in connector.findings() if not item.kind.is_standing]
    )
    connector.reconcile(sync=False)
    assert seen(connector) == case.found, "seen again, it is the same finding"

    if case.reverts:
        for finding in connector.findings():
            if not finding.kind.is_standing:
                desk.revert(finding.finding_id, operator(), "Nobody asked for it")
        assert native.snapshot() == native.held
        connector.reconcile()
        assert seen(connector) == set()
        states = {
            item.state for item in connector.findings(every=True) if not item.kind.is_standing
        }
        assert states <= {FindingState.REVERTED}


@CASE
def test_what_is_accepted_is_expected_from_then_on(start, case: Case) -> None:
    native = start()
    connector, desk = native.connector, native.connector.services.drift.desk
    case.change(native)
    connector.reconcile()

    for finding in connector.findings():
        if not finding.kind.is_standing:
            closed = desk.accept(finding.finding_id, operator(), "Ordered by phone")
            assert (closed.state, closed.decided_by) == (FindingState.ACCEPTED, "user:olga")

    connector.reconcile()
    assert seen(connector) == set()
