"""What requests say of somebody who was created in DocuSign itself, and what they do not say."""

from __future__ import annotations

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.errors import InvalidRequestError
from connector.services.drift.adoption import Selection
from tests.acceptance.drift.native import give, revoke
from tests.acceptance.drift.stranger import (
    ACTIVE,
    DATABASE,
    MALLORY,
    REPORT,
    TITLE,
    expected_of,
    kinds,
    stranger,
)
from tests.approvals import operator
from tests.connector import ok


@DATABASE
@pytest.mark.parametrize("is_found_before", [True, False])
def test_another_attribute_makes_nothing_expected(start, database, is_found_before):
    mallory = stranger(start(database, drift=REPORT))
    before = mallory.compare() if is_found_before else []
    mallory.patch(TITLE)
    (finding,) = mallory.compare()
    assert finding.kind is DriftKind.UNMANAGED_USER
    assert [item.finding_id for item in before] in ([], [finding.finding_id])
    assert finding.expected == {}
    assert len(finding.actual["memberships"]) == 2


@DATABASE
def test_a_group_makes_expected_that_group_alone(start, database):
    mallory = stranger(start(database, drift=REPORT))
    (before,) = mallory.compare()
    group = mallory.join(1)
    (finding,) = mallory.compare()
    assert finding.finding_id == before.finding_id
    account = mallory.native.account().account_id
    wanted = {"status": "open", "profile": None, "groups": [group.group_id]}
    assert finding.expected == {"memberships": {account: wanted}}
    (granted,) = finding.evidence["granted"]
    assert (granted["entitlement"], granted["by"]) == (
        mallory.connector.group(0, 1),
        "client:iga",
    )


def test_a_group_that_was_joined_natively_is_expected_once_it_is_asked_for(start):
    mallory = stranger(start(drift=REPORT))
    mallory.compare()
    group = mallory.join(0)
    (finding,) = mallory.compare()
    (place,) = finding.expected["memberships"].values()
    assert place["groups"] == [group.group_id]
    assert finding.evidence["granted"]


def test_a_profile_brings_the_user_and_leaves_the_rest_a_finding(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    (before,) = mallory.compare()
    asked = mallory.connector.entitlement(0)
    mallory.patch({"op": "add", "path": "entitlements", "value": [{"value": asked}]})
    account_id, elsewhere = native.account(1).account_id, native.place(mallory.user_id, 1)
    assert kinds(mallory.compare()) == {
        ("native_grant", "group", mallory.connector.group()),
        ("native_grant", "membership", f"{account_id}.{elsewhere.profile_id}"),
    }
    ended = mallory.connector.services.drift.desk.get(before.finding_id).finding
    assert ended.state is FindingState.GONE
    assert "reported by itself" in (ended.reason or "")


def test_a_put_makes_expected_what_it_lists(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    mallory.compare()
    connector = mallory.connector
    user = connector.user(mallory.user_id)
    ok(connector.put(f"/Users/{mallory.user_id}", user))
    assert kinds(mallory.compare()) == {("native_grant", "group", connector.group())}
    with connector.services.context.read() as uow:
        known = {item.entitlement for item in uow.attributes.provenance(mallory.user_id)}
    assert known == {item["value"] for item in user["entitlements"]}


def test_a_put_without_entitlements_says_nothing_of_them(start):
    mallory = stranger(start(drift=REPORT))
    mallory.compare()
    user = mallory.connector.user(mallory.user_id)
    del user["entitlements"]
    ok(mallory.connector.put(f"/Users/{mallory.user_id}", user))
    (finding,) = mallory.compare()
    assert finding.kind is DriftKind.UNMANAGED_USER


@pytest.mark.parametrize("by", ["accepting", "adopting"])
def test_who_is_taken_over_is_expected_as_they_are(start, by):
    mallory = stranger(start(drift=REPORT))
    mallory.join(1)
    (finding,) = mallory.compare()
    drift = mallory.connector.services.drift
    if by == "accepting":
        drift.desk.accept(finding.finding_id, operator(), "Ordered by Legal")
    else:
        done = drift.adoption.adopt(Selection(email=MALLORY), operator(), apply=True)
        assert [item.user.user_id for item in done.adopted] == [mallory.user_id]
    assert mallory.compare() == []
    mallory.native.set_profile(mallory.user_id, mallory.native.other_profile())
    assert {item.kind for item in mallory.compare()} == {DriftKind.NATIVE_GRANT}


def test_who_is_touched_before_the_baseline_is_part_of_it(start):
    native = start(drift=REPORT)
    connector = native.connector
    with connector.services.context.write() as uow:
        uow.put_fact("drift_baseline", {"accounts": [], "admins": False})
        uow.commit()
    mallory = stranger(native)
    mallory.patch(TITLE)
    mallory.join(1)
    assert mallory.compare() == []


def test_who_enables_a_user_says_nothing_of_what_they_were_given_meanwhile(start):
    native = start(drift=REPORT)
    connector = native.connector
    path = f"/Users/{native.bob}"
    ok(connector.patch(path, {"op": "replace", "path": "active", "value": False}))
    connector.reconcile()
    native.reopen(native.bob)
    native.set_profile(native.bob, native.other_profile(is_admin=True))
    native.join(native.bob, native.group())
    connector.sync()
    ok(connector.patch(path, ACTIVE))
    connector.reconcile()
    found = connector.findings(DriftKind.NATIVE_GRANT)
    assert {item.attribute for item in found} == {"profile", "group"}
    for finding in found:
        connector.services.drift.desk.revert(finding.finding_id, operator(), "Nobody asked for it")
    assert native.snapshot() == native.held


def test_who_enables_a_user_gives_the_baseline_in_place_of_what_was_taken(start):
    native = start(drift=REPORT)
    connector, path = native.connector, f"/Users/{native.bob}"
    profile = native.other_profile()
    other = f"{native.account().account_id}.{profile.profile_id}"
    ok(connector.patch(path, give(other)))
    ok(connector.patch(path, {**ACTIVE, "value": False}))
    ok(connector.patch(path, revoke(other)))
    connector.reconcile()
    native.reopen(native.bob)
    native.set_profile(native.bob, profile)
    connector.sync()
    ok(connector.patch(path, ACTIVE))
    connector.reconcile()
    (found,) = connector.findings(DriftKind.NATIVE_GRANT)
    assert (found.attribute, found.entitlement) == ("profile", other)
    connector.services.drift.desk.revert(found.finding_id, operator(), "It was taken")
    baseline = connector.baseline().partition(".")[2]
    assert native.place(native.bob).profile_id == baseline
    connector.reconcile()
    assert connector.findings() == []


def test_a_profile_that_nobody_named_is_for_people_to_change(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    mallory.join(1)
    asked = mallory.connector.entitlement(1)
    mallory.patch({"op": "add", "path": "entitlements", "value": [{"value": asked}]})
    (finding,) = [item for item in mallory.compare() if item.attribute == "profile"]
    assert finding.account_id == native.account().account_id
    desk = mallory.connector.services.drift.desk
    with pytest.raises(InvalidRequestError, match="give them one by a request"):
        desk.revert(finding.finding_id, operator(), "Nobody asked for it")


def test_a_group_that_was_asked_for_and_is_lost_is_found(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    group = mallory.join(1)
    mallory.compare()
    native.connector.clock.advance(61)
    native.leave(mallory.user_id, group)
    found = {item.kind: item for item in mallory.compare()}
    assert set(found) == {DriftKind.UNMANAGED_USER, DriftKind.LOST_GRANT}
    lost = found[DriftKind.LOST_GRANT]
    desk = mallory.connector.services.drift.desk
    desk.revert(lost.finding_id, operator(), "She was given it")
    assert mallory.user_id in set(group.members)


@pytest.mark.parametrize("by", ["accepting", "adopting"])
def test_who_is_taken_over_is_owed_what_was_asked_for_and_is_lost(start, by):
    native = start(drift=REPORT)
    mallory = stranger(native)
    group = mallory.join(1)
    native.connector.clock.advance(61)
    native.leave(mallory.user_id, group)
    found = {item.kind: item for item in mallory.compare()}
    drift = mallory.connector.services.drift
    if by == "accepting":
        finding_id = found[DriftKind.UNMANAGED_USER].finding_id
        drift.desk.accept(finding_id, operator(), "Ordered by Legal")
    else:
        drift.adoption.adopt(Selection(email=MALLORY), operator(), apply=True)
    (lost,) = mallory.compare()
    assert lost.finding_id == found[DriftKind.LOST_GRANT].finding_id


def test_accepting_that_it_is_lost_takes_nothing_else_for_right(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    group = mallory.join(1)
    native.connector.clock.advance(61)
    native.leave(mallory.user_id, group)
    (lost,) = [item for item in mallory.compare() if item.kind is DriftKind.LOST_GRANT]
    mallory.connector.services.drift.desk.accept(lost.finding_id, operator(), "She left it")
    assert {item.kind for item in mallory.compare()} == {DriftKind.UNMANAGED_USER}


def test_whom_requests_want_active_and_somebody_closed_has_vanished(start):
    native = start(drift=REPORT)
    mallory = stranger(native)
    mallory.patch(ACTIVE)
    mallory.compare()
    for account in (0, 1):
        native.close(mallory.user_id, account)
    (finding,) = mallory.compare()
    assert finding.kind is DriftKind.VANISHED_USER
    desk = mallory.connector.services.drift.desk
    with pytest.raises(InvalidRequestError, match="enable them by a request"):
        desk.revert(finding.finding_id, operator(), "She works here")
    desk.accept(finding.finding_id, operator(), "She left")
    assert mallory.compare() == []


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_list_that_names_somebody_inactive_makes_nothing_expected_of_them(start, method):
    native = start(drift=REPORT)
    connector, mallory = native.connector, stranger(native)
    place = f"/Groups/{connector.group()}"
    ok(connector.patch(f"/Users/{native.ann}", {**ACTIVE, "value": False}))
    for account in (0, 1):
        native.close(mallory.user_id, account)
    connector.reconcile()
    before = {key: expected_of(connector, key) for key in (native.ann, mallory.user_id)}
    there = [{"value": native.ann}, {"value": mallory.user_id}]

    if method == "PUT":
        name = ok(connector.get(place))["displayName"]
        ok(connector.put(place, {"displayName": name, "members": there}))
    else:
        ok(connector.patch(place, {"op": "add", "path": "members", "value": there}))

    assert {key: expected_of(connector, key) for key in before} == before
    assert mallory.compare() == []
    assert native.group().members.keys() >= {native.ann, mallory.user_id}
