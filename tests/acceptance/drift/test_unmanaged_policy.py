"""Whom the policy closes because nobody asked for them, and what they get back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.remedies import Remedy
from connector.services.drift.findings import JOB
from connector.services.drift.policy_reverts import PolicyReverts
from connector.settings import DriftRule, DriftSettings
from tests.acceptance.drift.native import BOB
from tests.acceptance.drift.stranger import ACTIVE, CLOSE, DATABASE, TITLE, stranger
from tests.approvals import operator
from tests.connector import ok


def test_the_policy_closes_whom_requests_say_nothing_of_again_and_again(start):
    mallory = stranger(start(drift=CLOSE))
    mallory.patch(TITLE)
    assert mallory.compare() == []
    assert not mallory.is_open
    mallory.native.reopen(mallory.user_id)
    assert mallory.compare() == []
    assert not mallory.is_open


@pytest.mark.parametrize("word", ["group", "active"])
def test_the_policy_closes_nobody_whom_requests_want_and_says_why(start, word):
    mallory = stranger(start(drift=CLOSE))
    mallory.join(1) if word == "group" else mallory.patch(ACTIVE)
    (finding,) = mallory.compare()
    assert mallory.is_open
    assert (finding.kind, finding.remedy) == (DriftKind.UNMANAGED_USER, Remedy.REPORT)
    assert "requests have asked for access" in (finding.problem or "")

    desk = mallory.connector.services.drift.desk
    desk.revert(finding.finding_id, operator(), "Nobody knows her")
    assert not mallory.is_open
    assert mallory.compare() == []


@DATABASE
@pytest.mark.parametrize("is_active", [True, False])
def test_who_leaves_the_last_group_that_was_asked_for_is_wanted_no_more(start, database, is_active):
    mallory = stranger(start(database, drift=CLOSE))
    if is_active:
        mallory.patch(ACTIVE)
    mallory.join(1)
    (finding,) = mallory.compare()
    assert finding.remedy is Remedy.REPORT
    connector = mallory.connector
    path = f'members[value eq "{mallory.user_id}"]'
    ok(connector.patch(f"/Groups/{connector.group(0, 1)}", {"op": "remove", "path": path}))
    left = mallory.compare()
    assert mallory.is_open is is_active
    assert [item.remedy for item in left] == [Remedy.REPORT] * is_active


@pytest.mark.parametrize("word", ["group", "active"])
@pytest.mark.parametrize("is_compared_again", [True, False])
def test_whom_a_request_wants_before_the_policy_gets_to_them_stays(
    start, monkeypatch, word, is_compared_again
):
    """Reverts come after everything is compared, maybe hours after."""
    mallory = stranger(start(drift=CLOSE))
    revert = PolicyReverts.carry_out

    def later(self: PolicyReverts, *arguments: Any) -> Mapping[str, int]:
        mallory.join(1) if word == "group" else mallory.patch(ACTIVE)
        if is_compared_again:
            mallory.connector.services.drift.reconciliation.run_for([mallory.user_id], JOB)
        return revert(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(PolicyReverts, "carry_out", later)
        mallory.compare()
    assert mallory.is_open
    (finding,) = mallory.compare()
    assert mallory.is_open
    assert (finding.kind, finding.remedy) == (DriftKind.UNMANAGED_USER, Remedy.REPORT)
    assert "requests have asked for access" in (finding.problem or "")


@pytest.mark.parametrize("accounts", [(0,), (0, 1)])
def test_what_a_revert_closed_does_not_come_back_with_the_leaver(start, accounts):
    native = start(drift=DriftSettings(policy=(DriftRule(then="revert"),), pending_after_days=0))
    connector, path = native.connector, f"/Users/{native.ann}"
    ok(connector.patch(path, {**ACTIVE, "value": False}))
    connector.reconcile()
    for account in accounts:
        native.reopen(native.ann, account)
        native.set_profile(native.ann, native.other_profile(account, is_admin=True), account)
    native.join(native.ann, native.group(1))
    connector.clock.advance(61)
    connector.reconcile()
    assert not any(item.status.is_open for item in native.user(native.ann).memberships.values())

    ok(connector.patch(path, ACTIVE))

    assert native.snapshot() == native.held
    assert connector.reconcile()["new"] == 0


def test_who_was_closed_as_unmanaged_comes_back_as_a_plain_member(start):
    native = start(drift=CLOSE)
    mallory = stranger(native)
    mallory.compare()
    assert not mallory.is_open

    mallory.patch(ACTIVE)

    for account in (0, 1):
        place = native.place(mallory.user_id, account)
        assert f"{native.account(account).account_id}.{place.profile_id}" == (
            native.connector.baseline(account)
        )
        assert place.status.is_open
        assert not set(place.group_ids)


def test_an_account_that_a_revert_closed_does_not_open_with_the_others(start):
    native = start(drift=DriftSettings(policy=(DriftRule(then="revert"),), pending_after_days=0))
    connector, path = native.connector, f"/Users/{native.bob}"
    native.invite(BOB, "Bob Stone", account=1)
    connector.reconcile()
    assert not native.place(native.bob, 1).status.is_open

    for active in (False, True):
        ok(connector.patch(path, {**ACTIVE, "value": active}))

    assert native.snapshot() == native.held
