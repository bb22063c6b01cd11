"""The drift suite: whatever is changed in DocuSign itself is found, classified and put right."""

from __future__ import annotations

import pytest

from connector.domain.drift.findings import FindingState
from connector.settings import AggregationSettings
from tests.acceptance.drift.cases import CASES, Case
from tests.acceptance.drift.native import Seen, seen
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


# How else DocuSign is read -----------------------------------------------------------

NOT_IN_EXPORTS = {
    "a user managed by DocuSign's SCIM",
    "a membership managed by DocuSign's SCIM",
}
NOT_BY_DELTAS: dict[str, set[Seen]] = {
    # Whom DocuSign denies a full run takes out, which sees how many they are.
    "one membership removed": set(),
    "a user removed everywhere": set(),
    # Nobody is hinted at, or not with that.
    "an organization administrator": {("native_grant", "profile")},
    "a group renamed": set(),
    "a profile renamed": set(),
    "a profile that makes administrators": set(),
    "a group managed by DocuSign's SCIM": set(),
}


@CASE
def test_a_run_by_export_finds_it_but_for_what_exports_lack(start, case: Case) -> None:
    native = start(aggregation=AggregationSettings(source="export"))
    case.change(native)
    native.connector.reconcile()
    lacks = case.name in NOT_IN_EXPORTS
    assert seen(native.connector) == (set() if lacks else case.found)
    if lacks:
        native.connector.services.aggregation.sync(lists=True)
        native.connector.reconcile(sync=False)
        assert seen(native.connector) == case.found


@CASE
def test_a_delta_finds_it_where_somebody_is_hinted_at(start, case: Case) -> None:
    native = start()
    connector = native.connector
    connector.clock.advance(600)
    case.change(native)
    for user in list(native.state.users.values()):
        if user.user_id in (native.ann, native.bob) or user.email.startswith("mallory"):
            native.state.touch(user)
    connector.clock.advance(600)
    connector.services.delta.run()
    connector.reconcile(sync=False)
    assert seen(connector) == NOT_BY_DELTAS.get(case.name, case.found)
    connector.reconcile()
    assert seen(connector) == case.found
