"""What the policy does by itself, what guards keep it from, and what requests say meanwhile."""

from __future__ import annotations

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.domain.drift.remedies import Remedy
from connector.errors import ForbiddenError, GuardError, InvalidRequestError
from connector.settings import DriftRule, DriftSettings
from simulator.state.model import Status
from tests.acceptance.drift.native import ANN, give, revoke, seen
from tests.approvals import approver, operator
from tests.connector import ok
from tests.visitors import signed_in

REVERT = DriftSettings(policy=(DriftRule(then="revert"),), pending_after_days=0)
WITHOUT_PENDING = DriftSettings(pending_after_days=0)


def test_the_first_run_is_a_baseline(start):
    native = start(drift=WITHOUT_PENDING)
    assert native.connector.findings(every=True) == []
    native.connector.clock.advance(60)
    assert native.connector.reconcile()["new"] == 0


def test_the_policy_reverts_through_a_plan_of_its_own(start):
    native = start(drift=REVERT)
    native.set_profile(native.ann, native.other_profile())

    counts = native.connector.reconcile()

    assert counts["reverting"] == 1
    assert native.snapshot() == native.held
    (finding,) = native.connector.findings(every=True)
    assert (finding.state, finding.decided_by) == (FindingState.REVERTED, "job:reconcile")
    with native.connector.services.context.read() as uow:
        plan, _ = uow.plans.get(finding.plan_id or "")
    assert (plan.requester, plan.source) == ("job:reconcile", "job")
    assert native.connector.reconcile()["new"] == 0, "its own change is no drift"


def test_the_policy_accepts(start):
    rule = DriftRule(kind="changed_attribute", attribute="job_title", then="accept")
    native = start(drift=DriftSettings(policy=(rule,), pending_after_days=0))
    native.set_work(native.ann, job_title="Boss", company="Rival")
    native.connector.reconcile()
    assert seen(native.connector) == {("changed_attribute", "company")}
    assert native.connector.reconcile()["new"] == 0


def test_an_entitlement_has_a_word_of_its_own(start):
    rule = {"match": "*", "kind": "group", "on_drift": "revert"}
    native = start(drift=WITHOUT_PENDING, entitlements=(rule,))
    native.join(native.ann, native.group(1))
    native.set_profile(native.ann, native.other_profile())
    native.connector.reconcile()
    assert seen(native.connector) == {("native_grant", "profile")}
    assert native.ann not in set(native.group(1).members)


def held_back(connector):
    """Return how often it was told that too much would be reverted."""
    with connector.services.context.read() as uow:
        events = uow.audit.events(limit=10_000)
    return sum(event.action == "drift.held_back" for event in events)


def test_more_than_the_set_share_waits_for_a_person(start):
    guards = {"max_affected_pct": 1, "max_affected_min": 1}
    native = start(drift=REVERT, guards=guards)
    connector = native.connector
    before = native.place(native.ann).company
    native.set_profile(native.ann, native.other_profile())
    native.set_profile(native.bob, native.other_profile())

    counts = connector.reconcile()

    assert counts["held_back"] == 2
    assert "reverting" not in counts
    assert native.snapshot() != native.held
    findings = connector.findings()
    assert {item.state for item in findings} == {FindingState.OPEN}
    assert all("person's word" in (item.problem or "") for item in findings)
    assert held_back(connector) == 1

    assert connector.reconcile()["held_back"] == 2
    assert held_back(connector) == 1, "nothing new was held back"
    native.set_work(native.ann, company="Rival")
    assert connector.reconcile()["held_back"] == 3
    assert held_back(connector) == 2
    native.set_work(native.ann, company=before)
    connector.reconcile()

    desk = connector.services.drift.desk
    for finding in findings:
        desk.revert(finding.finding_id, operator(), "Looked at both")
    assert native.snapshot() == native.held


def test_a_guard_refuses_and_the_finding_says_why(start):
    native = start(drift=REVERT)
    service = native.connector.world.service_user
    native.rename_user(service.user_id, "Renamed", "Service")
    counts = native.connector.reconcile()
    assert counts["refused"] == 1
    (finding,) = native.connector.findings()
    assert "impersonates" in (finding.problem or "")
    with pytest.raises(GuardError):
        native.connector.services.drift.desk.revert(finding.finding_id, operator(), "Try again")


# what requests say ----------------------------------------------------------------


def test_who_asks_for_what_was_given_natively_has_it_given(start):
    native = start(drift=WITHOUT_PENDING)
    connector, profile = native.connector, native.other_profile()
    native.set_profile(native.ann, profile)
    connector.reconcile()
    assert seen(connector) == {("native_grant", "profile")}

    asked = f"{native.account().account_id}.{profile.profile_id}"
    ok(connector.patch(f"/Users/{native.ann}", give(asked)))

    connector.reconcile()
    assert seen(connector) == set()
    with connector.services.context.read() as uow:
        known = {item.entitlement: item for item in uow.attributes.provenance(native.ann)}
    assert known[asked].granted_by == "client:iga"
    (ended,) = connector.findings(every=True)
    assert (ended.state, ended.reason) == (
        FindingState.GONE,
        "client:iga has asked for it since.",
    )
    page = signed_in(connector, "viewer").get(f"/drift/{ended.finding_id}").get_data(as_text=True)
    assert "It is no difference any more: client:iga has asked for it since." in page
    assert "nobody here did it" not in page
    with connector.services.context.read() as uow:
        (event,) = [item for item in uow.audit.events(limit=1000) if item.action == "drift.gone"]
    assert event.data["reason"] == ended.reason


def test_who_disables_a_person_that_was_closed_natively_wants_them_closed(start):
    native = start(drift=REVERT)
    connector = native.connector
    native.close(native.bob)
    connector.sync()
    ok(connector.patch(f"/Users/{native.bob}", {"op": "replace", "path": "active", "value": False}))
    connector.reconcile()
    assert connector.findings(every=True) == []
    assert not native.place(native.bob).status.is_open, "nobody re-opens a leaver"


def test_who_leaves_a_group_that_was_lost_natively_stays_out(start):
    native = start(drift=REVERT)
    connector, group = native.connector, native.group()
    native.leave(native.ann, group)
    connector.sync()
    path = f'members[value eq "{native.ann}"]'
    connector.patch(f"/Groups/{connector.group()}", {"op": "remove", "path": path})
    connector.reconcile()
    assert native.ann not in set(group.members)


def test_another_attribute_says_nothing_of_access(start):
    native = start(drift=WITHOUT_PENDING)
    native.set_profile(native.ann, native.other_profile())
    native.connector.sync()
    change = {"op": "replace", "path": "title", "value": "Head clerk"}
    ok(native.connector.patch(f"/Users/{native.ann}", change))
    native.connector.reconcile()
    assert seen(native.connector) == {("native_grant", "profile")}


def test_own_changes_of_every_kind_are_no_drift(start):
    native = start(drift=WITHOUT_PENDING)
    connector, user = native.connector, native.ann
    path = f"/Users/{user}"
    account = native.account().account_id
    ok(connector.patch(path, give(f"{account}.{native.other_profile().profile_id}")))
    ok(connector.patch(path, {"op": "replace", "path": "name.familyName", "value": "Gray"}))
    ok(connector.patch(path, {"op": "replace", "path": "active", "value": False}))
    ok(connector.patch(path, {"op": "replace", "path": "active", "value": True}))
    group = {"op": "replace", "path": "displayName", "value": "Renamed by us"}
    ok(connector.patch(f"/Groups/{connector.group(0, 1)}", group))
    connector.delete(f"/Groups/{connector.group(0, 1)}")
    ok(connector.post("/Groups", {"displayName": "Made by us"}), 201)
    connector.delete(f"/Users/{native.bob}")
    assert connector.reconcile()["new"] == 0
    assert seen(connector) == set()


def test_closing_one_account_is_no_drift_of_the_other_ones_job_title(start):
    native = start(drift=REVERT)
    connector = native.connector
    first, second = sorted((0, 1), key=lambda number: native.account(number).account_id)
    native.place(native.ann, first).job_title = "Clerk"
    native.place(native.ann, second).job_title = "Director"
    connector.reconcile()
    assert connector.findings(every=True) == [], "the first account's job title counts"
    path = f"/Users/{native.ann}"
    ok(connector.patch(path, revoke(connector.entitlement(first))))
    ok(connector.patch(path, revoke(connector.baseline(first))))
    assert not native.place(native.ann, first).status.is_open
    connector.reconcile()
    assert connector.findings(every=True) == []
    assert ok(connector.get(path))["title"] == "Director"

    native.place(native.ann, second).job_title = "Boss"
    connector.reconcile()
    (finding,) = connector.findings(every=True)
    assert (finding.attribute, finding.state) == ("job_title", FindingState.REVERTED)
    assert native.place(native.ann, second).job_title == "Director"


def test_a_leaver_who_is_opened_natively_is_found(start):
    native = start(drift=WITHOUT_PENDING)
    native.connector.delete(f"/Users/{native.bob}")
    native.connector.reconcile()
    native.reopen(native.bob)
    native.connector.reconcile()
    assert seen(native.connector) == {("native_grant", "membership")}


# people ---------------------------------------------------------------------------


def test_only_operators_decide_and_say_why(start):
    native = start(drift=WITHOUT_PENDING)
    native.set_profile(native.ann, native.other_profile())
    native.connector.reconcile()
    (finding,) = native.connector.findings()
    desk = native.connector.services.drift.desk
    assert finding.remedy is Remedy.REPORT
    for act in (desk.accept, desk.revert):
        with pytest.raises(ForbiddenError):
            act(finding.finding_id, approver(), "Because")
        with pytest.raises(InvalidRequestError):
            act(finding.finding_id, operator(), "  ")
    ann = operator("ann.admin", email=ANN.upper())
    with pytest.raises(ForbiddenError, match="your own user"):
        desk.accept(finding.finding_id, ann, "Ordered")
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        desk.accept(finding.finding_id, operator(email=""), "Ordered")
    desk.accept(finding.finding_id, operator(), "Ordered")
    with pytest.raises(InvalidRequestError, match="accepted already"):
        desk.accept(finding.finding_id, operator(), "Again")


def test_evidence_says_who_gave_what_when_and_which_sync_read_it(start):
    native = start(drift=WITHOUT_PENDING)
    native.leave(native.ann, native.group())
    native.connector.reconcile()
    (finding,) = native.connector.findings()
    (granted,) = finding.evidence["granted"]
    assert granted["entitlement"] == native.connector.group()
    assert (granted["by"], granted["source"]) == ("client:iga", "scim")
    assert granted["plan"]
    with native.connector.services.context.read() as uow:
        sync = uow.jobs.latest_done("sync")
    assert finding.evidence["last"]["sync"] == sync.run_id == finding.last_run_id


def test_a_dormant_user_who_is_accepted_is_not_told_again_until_they_return(start):
    settings = DriftSettings(dormant_after_days=30, pending_after_days=0)
    native = start(drift=settings)
    connector, day = native.connector, 86_400
    native.user(native.ann).last_login_at = connector.clock.now()
    connector.clock.advance(31 * day)
    connector.reconcile()
    (finding,) = [item for item in connector.findings() if item.subject_id == native.ann]
    assert finding.kind is DriftKind.DORMANT_USER
    connector.services.drift.desk.accept(finding.finding_id, operator(), "On leave")
    connector.reconcile()
    assert [i for i in connector.findings() if i.subject_id == native.ann] == []

    native.user(native.ann).last_login_at = connector.clock.now()
    connector.reconcile()
    connector.clock.advance(31 * day)
    connector.reconcile()
    assert [i.kind for i in connector.findings() if i.subject_id == native.ann] == [
        DriftKind.DORMANT_USER
    ]


def test_an_invitation_that_nobody_takes_up_is_found(start):
    native = start(drift=DriftSettings(pending_after_days=10, dormant_after_days=0))
    native.place(native.bob).status = Status.ACTIVATION_SENT
    native.connector.clock.advance(11 * 86_400)
    native.connector.reconcile()
    found = {item.subject_id for item in native.connector.findings(DriftKind.PENDING_USER)}
    assert native.bob in found
    assert native.ann not in found
