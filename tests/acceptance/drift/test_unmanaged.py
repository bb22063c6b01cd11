"""What requests say of somebody who was created in DocuSign itself, and what they do not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Expected
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.remedies import Remedy
from connector.errors import InvalidRequestError
from connector.services.drift.adoption import Selection
from connector.services.drift.findings import JOB
from connector.services.drift.policy_reverts import PolicyReverts
from connector.settings import DriftRule, DriftSettings
from simulator.state.model import Group
from tests.acceptance.drift.native import BOB, Native, give, revoke
from tests.approvals import operator
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


def expected_of(connector: Connector, user_id: str) -> Expected | None:
    with connector.services.context.read() as uow:
        return uow.drift.expected([user_id]).get(user_id)


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
