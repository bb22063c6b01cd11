"""Between the report and the revert somebody may have put it right, or wanted it so."""

from __future__ import annotations

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.errors import InvalidRequestError
from connector.settings import AggregationSettings, DriftRule, DriftSettings
from simulator.state.model import Status
from tests.acceptance.drift.native import Native, give
from tests.approvals import operator
from tests.connector import ok

WITHOUT_PENDING = DriftSettings(pending_after_days=0)


def found_about(native: Native, user_id: str) -> str:
    (finding,) = [i for i in native.connector.findings() if i.subject_id == user_id]
    return str(finding.finding_id)


def revert_in_vain(native: Native, finding_id: str) -> None:
    desk = native.connector.services.drift.desk
    with pytest.raises(InvalidRequestError, match="Nothing is to be done"):
        desk.revert(finding_id, operator(), "Seen in the report of last week")
    assert desk.get(finding_id).finding.state is FindingState.OPEN


def test_who_signed_in_since_the_report_is_not_closed_for_being_dormant(start):
    native = start(drift=DriftSettings(dormant_after_days=30, pending_after_days=0))
    connector = native.connector
    native.user(native.ann).last_login_at = connector.clock.now()
    connector.clock.advance(31 * 86_400)
    connector.reconcile()
    finding_id = found_about(native, native.ann)
    native.user(native.ann).last_login_at = connector.clock.now()
    connector.clock.advance(300)

    revert_in_vain(native, finding_id)

    assert native.snapshot() == native.held


def test_who_signed_in_is_not_closed_however_young_the_copy_seems(start):
    native = start(
        drift=DriftSettings(dormant_after_days=30, pending_after_days=0),
        provisioning={"fresh_for_s": 366 * 86_400},
    )
    connector = native.connector
    native.user(native.ann).last_login_at = connector.clock.now()
    connector.clock.advance(31 * 86_400)
    connector.reconcile()
    finding_id = found_about(native, native.ann)
    native.user(native.ann).last_login_at = connector.clock.now()

    revert_in_vain(native, finding_id)

    assert native.snapshot() == native.held


def test_nobody_is_dormant_by_runs_that_do_not_show_who_signed_in(start):
    rule = DriftRule("dormant_user", then="revert")
    native = start(
        drift=DriftSettings(policy=(rule,), dormant_after_days=30, pending_after_days=0),
        guards={"max_affected_min": 1000},
        aggregation=AggregationSettings(source="export", thorough_every_days=365),
    )
    connector, day = native.connector, 86_400
    everybody = native.state.users.values()
    for user in everybody:
        user.last_login_at = connector.clock.now()
    connector.services.aggregation.sync(lists=True)
    connector.clock.advance(29 * day)
    native.user(native.ann).last_login_at = connector.clock.now()
    connector.clock.advance(2 * day)

    counts = connector.reconcile()

    assert "exported_differing" in connector.services.runs.latest("sync").counts
    assert counts.get("reverting", 0) == 0
    assert connector.findings(DriftKind.DORMANT_USER) == []

    connector.services.aggregation.sync(lists=True)
    counts = connector.reconcile(sync=False)
    assert counts["reverting"] > 0
    assert native.place(native.ann).status.is_open
    assert not native.place(native.bob).status.is_open


def test_an_invitation_that_was_taken_up_since_the_report_is_not_closed(start):
    native = start(drift=DriftSettings(pending_after_days=10, dormant_after_days=0))
    connector = native.connector
    native.place(native.bob).status = Status.ACTIVATION_SENT
    connector.clock.advance(11 * 86_400)
    connector.reconcile()
    finding_id = found_about(native, native.bob)
    native.place(native.bob).status = Status.ACTIVE
    connector.clock.advance(300)

    revert_in_vain(native, finding_id)

    assert native.place(native.bob).status is Status.ACTIVE


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_a_client_asked_for_since_the_report_is_not_taken(start, database):
    native = start(database, drift=WITHOUT_PENDING)
    connector, group = native.connector, native.group(1)
    native.join(native.ann, group)
    connector.reconcile()
    finding_id = found_about(native, native.ann)
    member = {"op": "add", "path": "members", "value": [{"value": native.ann}]}
    ok(connector.patch(f"/Groups/{connector.group(0, 1)}", member))

    revert_in_vain(native, finding_id)

    assert native.ann in set(group.members)


def test_a_name_that_a_client_changed_since_the_report_is_not_changed_back(start):
    native = start(drift=WITHOUT_PENDING)
    connector = native.connector
    native.rename_user(native.ann, "Ann", "Gray")
    connector.reconcile()
    finding_id = found_about(native, native.ann)
    change = {"op": "replace", "path": "name.familyName", "value": "White"}
    ok(connector.patch(f"/Users/{native.ann}", change))

    revert_in_vain(native, finding_id)

    assert native.user(native.ann).last_name == "White"


def test_who_was_given_a_profile_since_the_report_is_not_closed(start):
    native = start(drift=WITHOUT_PENDING)
    connector = native.connector
    stranger = native.invite("mallory@acme.test", "Mallory Moss")
    connector.reconcile()
    finding_id = found_about(native, stranger.user_id)
    ok(connector.patch(f"/Users/{stranger.user_id}", give(connector.entitlement())))

    revert_in_vain(native, finding_id)

    assert native.place(stranger.user_id).status.is_open
