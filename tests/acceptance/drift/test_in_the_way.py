"""Reverts that meet approvals, changes under way, a DocuSign that is down, or their own limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.domain.work_items.approvals import Verdict
from connector.errors import TemporaryError, UnknownOutcomeError
from connector.services.context import Actor
from connector.services.drift.reverts import Reverts
from connector.settings import DriftRule, DriftSettings
from mappings.loader import load_entitlements
from simulator.faults import Fault
from tests.acceptance.drift.native import seen
from tests.approvals import approver, operator
from tests.connector import ok

REVERT = DriftSettings(policy=(DriftRule(then="revert"),), pending_after_days=0)
REPORT = DriftSettings(pending_after_days=0)
QUEUE = {"on_unavailable": "queue"}
JOB = Actor("job:test", "job", "test")
DATABASE = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


def down(native) -> None:
    native.connector.world.faults.add(Fault("error", "*", "/restapi/", status=503, times=None))


def later(native) -> None:
    """DocuSign is back, leases are over, and the jobs finish what was left."""
    native.connector.world.faults.clear()
    native.connector.clock.advance(130)
    native.connector.services.settlement.settle_all(JOB)


def only(native, kind=None):
    """Return the one finding there ever was."""
    (finding,) = native.connector.findings(*filter(None, (kind,)), every=True)
    return finding


# approvals ------------------------------------------------------------------------


@DATABASE
@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.DENY])
def test_a_revert_waits_for_the_approval_of_what_it_gives_back(start, database, verdict):
    rule = {"match": "*", "kind": "profile", "fulfilment": "approval"}
    native = start(database, drift=REPORT)
    connector = native.connector
    held = native.place(native.ann).profile_id
    native.set_profile(native.ann, native.other_profile())
    connector.reconcile()
    desk = connector.services.drift.desk
    asking(connector, rule)

    finding = desk.revert(only(native).finding_id, operator(), "Nobody asked")

    assert finding.state is FindingState.REVERTING
    assert native.place(native.ann).profile_id != held, "nothing happens before the decision"
    connector.reconcile()
    assert only(native).state is FindingState.REVERTING, "it is no second finding"
    (item,) = connector.services.approvals.list()
    connector.services.approvals.decide(
        item.work_item_id, verdict, approver(), comment="As it should be"
    )
    connector.reconcile()
    finding = only(native)
    if verdict is Verdict.APPROVE:
        assert finding.state is FindingState.REVERTED
        assert native.snapshot() == native.held
    else:
        assert finding.state is FindingState.OPEN, "denied, it is as drifted as before"
        assert native.place(native.ann).profile_id != held
        assert finding.problem


def asking(connector, rule) -> None:
    """Let the policy ask from now on."""
    policy = connector.services.context.policy
    object.__setattr__(policy, "mapping", load_entitlements(entitlements=[rule]))


@DATABASE
def test_a_rejected_task_opens_the_finding_again_and_the_policy_asks_no_second_time(
    start, database
):
    native = start(database, drift=REVERT)
    connector = native.connector
    asking(connector, {"match": "*", "kind": "group", "fulfilment": "manual"})
    native.leave(native.ann, native.group())
    connector.reconcile()
    (task,) = connector.services.work_items.list()

    connector.services.tasks.reject(task.work_item_id, operator(), "She left the team")
    connector.reconcile()
    connector.reconcile()

    finding = only(native)
    assert finding.state is FindingState.OPEN, "refusing to do it makes nothing expected"
    assert "She left the team" in (finding.problem or "")
    assert connector.services.work_items.list() == []
    connector.services.drift.desk.accept(finding.finding_id, operator("olga"), "She left the team")
    connector.reconcile()
    assert only(native).state is FindingState.ACCEPTED, "accepted, it does not come back"


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("approval", "waits for an approval"),
        ("manual", "waits for a person"),
        ("queue", "waits until DocuSign can be asked"),
    ],
)
def test_whoever_reverts_is_told_what_becomes_of_each(start, way, words):
    native = start(drift=REPORT, provisioning=QUEUE)
    connector = native.connector
    native.set_profile(native.ann, native.other_profile())
    connector.reconcile()
    if way == "queue":
        connector.world.faults.add(Fault("error", "PUT", "/restapi/", status=503, times=None))
    else:
        asking(connector, {"match": "*", "kind": "profile", "fulfilment": way})
    decisions = connector.services.drift.decisions
    choice = decisions.named([only(native).finding_id])
    decided = decisions.revert(choice, operator(), "Nobody asked for it")
    ((view, told),) = decisions.outcomes(decided.finding_ids)
    assert (view.finding.subject_id, view.finding.state) == (native.ann, FindingState.REVERTING)
    assert words in told


# DocuSign is down -----------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", "PUT", "/restapi/", status=503, times=None),
        Fault("lose_answer", "PUT", "/restapi/", times=None),
        Fault("error", "*", "/restapi/", status=503, times=None),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.method}",
)
@pytest.mark.parametrize("queue", [{}, QUEUE], ids=["refuse", "queue"])
def test_a_revert_that_meets_trouble_is_carried_out_later(start, fault, queue):
    native = start(drift=REVERT, provisioning=queue)
    connector = native.connector
    native.set_profile(native.ann, native.other_profile())
    connector.sync()
    connector.clock.advance(120)
    connector.world.faults.add(fault)

    connector.reconcile(sync=False)
    is_known_done = fault.kind == "lose_answer"  # It was read back.
    assert only(native).state.is_open is not is_known_done
    connector.reconcile(sync=False)
    assert only(native).state.is_open is not is_known_done, "it is the same finding"
    later(native)
    connector.reconcile()
    connector.reconcile()
    assert native.snapshot() == native.held
    assert only(native).state is FindingState.REVERTED


def test_a_person_is_told_that_docusign_is_down_and_it_ends_well(start):
    native = start(drift=REPORT)
    connector = native.connector
    native.set_profile(native.ann, native.other_profile())
    connector.reconcile()
    connector.world.faults.add(Fault("error", "PUT", "/restapi/", status=503, times=None))
    with pytest.raises(TemporaryError):
        connector.services.drift.desk.revert(only(native).finding_id, operator(), "Nobody asked")
    assert only(native).state is FindingState.OPEN, "nothing is left of the refused plan"
    later(native)
    connector.services.drift.desk.revert(only(native).finding_id, operator(), "Nobody asked")
    assert native.snapshot() == native.held
    connector.reconcile()
    finding = only(native)
    assert (finding.state, finding.decided_by) == (FindingState.REVERTED, "user:olga")


@DATABASE
def test_a_revert_in_doubt_is_ours_when_it_is_settled(start, database):
    native = start(database, drift=REPORT)
    connector = native.connector
    native.set_profile(native.ann, native.other_profile())
    connector.reconcile()
    connector.world.faults.add(Fault("drop", "PUT", "/users", times=None))
    connector.world.faults.add(Fault("drop", "GET", "/users/", times=None))
    with pytest.raises((TemporaryError, UnknownOutcomeError)):
        connector.services.drift.desk.revert(only(native).finding_id, operator(), "Nobody asked")
    assert only(native).state is FindingState.REVERTING
    later(native)
    connector.reconcile()
    if (finding := only(native)).state is FindingState.OPEN:
        assert finding.problem, "DocuSign never heard of it: nobody repeats it unasked"
    else:
        assert finding.state is FindingState.REVERTED
        assert native.snapshot() == native.held


# changes under way ----------------------------------------------------------------


def test_a_queued_change_of_the_same_user_is_neither_drift_nor_reverted(start):
    native = start(drift=REVERT, provisioning=QUEUE)
    connector = native.connector
    profile = native.other_profile()
    native.set_profile(native.ann, profile)
    connector.sync()
    down(native)
    connector.clock.advance(120)
    asked = f"{native.account().account_id}.{profile.profile_id}"
    value = [{"value": asked}]
    answer = connector.patch(
        f"/Users/{native.ann}", {"op": "add", "path": "entitlements", "value": value}
    )
    assert answer.status_code in (200, 202), answer.json

    counts = connector.reconcile(sync=False)

    assert seen(connector) == set()
    assert "reverting" not in counts
    later(native)
    connector.reconcile()
    assert seen(connector) == set()
    assert native.place(native.ann).profile_id == profile.profile_id


@pytest.mark.parametrize("whole", [False, True], ids=["patch", "put"])
def test_a_queued_change_of_a_group_is_neither_drift_nor_reverted(start, whole):
    native = start(drift=REVERT, provisioning=QUEUE)
    connector, group, path = native.connector, native.group(), f"/Groups/{native.connector.group()}"
    native.join(native.bob, group)
    native.leave(native.ann, group)
    connector.sync()
    down(native)
    connector.clock.advance(120)
    members = [{"value": native.bob}]
    if whole:
        shown = ok(connector.get(path))
        answer = connector.put(path, {"displayName": shown["displayName"], "members": members})
    else:
        answer = connector.patch(
            path,
            {"op": "add", "path": "members", "value": members},
            {"op": "remove", "path": f'members[value eq "{native.ann}"]'},
        )
    assert answer.status_code in (200, 202), answer.json

    counts = connector.reconcile(sync=False)

    assert "reverting" not in counts
    later(native)
    connector.reconcile()
    assert native.bob in set(group.members) and native.ann not in set(group.members)
    assert seen(connector) == set()


def test_one_user_whose_change_waits_does_not_keep_others_from_being_reverted(start):
    native = start(drift=REVERT, provisioning=QUEUE)
    connector = native.connector
    for user_id in (native.ann, native.bob):
        native.set_profile(user_id, native.other_profile())
    connector.sync()
    with connector.services.context.write() as uow:
        now = connector.clock.now()
        uow.locks.acquire([f"user:{native.ann}"], "another", now + timedelta(seconds=600), now)
        uow.commit()

    counts = connector.reconcile(sync=False)

    assert (counts["reverting"], counts["postponed"]) == (1, 1)
    finding = next(item for item in connector.findings() if item.subject_id == native.ann)
    assert finding.problem


@pytest.mark.parametrize("failing", [1, 3], ids=["one of them", "DocuSign"])
def test_one_finding_that_fails_for_now_keeps_no_other_from_its_turn(start, monkeypatch, failing):
    native = start(drift=REVERT)
    connector = native.connector
    for user_id in (native.ann, native.bob):
        native.set_work(user_id, company="Rival", job_title="Boss")
    connector.sync()
    put_right, tried = Reverts.put_right, []

    def unlucky(self, finding, *arguments):
        tried.append(finding.finding_id)
        if len(tried) <= failing:
            raise TemporaryError("DocuSign answered 500.")
        return put_right(self, finding, *arguments)

    monkeypatch.setattr(Reverts, "put_right", unlucky)
    counts = connector.reconcile(sync=False)
    assert counts["postponed"] == failing
    assert counts.get("reverting", 0) == (3 if failing == 1 else 0)
    assert len(tried) == (4 if failing == 1 else 3)


# limits ---------------------------------------------------------------------------


def test_the_policy_leaves_the_reserve_to_clients_and_goes_on_in_the_next_hour(start):
    native = start(drift=REVERT)
    connector = native.connector
    for user_id in (native.ann, native.bob):
        native.set_profile(user_id, native.other_profile())
    connector.sync()
    connector.clock.advance(120)
    limits = connector.world.limits
    limits.hourly = 1000
    # Others have left less of the hour than is kept for changes.
    limits.use_up(native.account().account_id, remaining=40)
    title = {"op": "replace", "path": "title", "value": "x"}
    ok(connector.patch(f"/Users/{native.bob}", title))
    connector.clock.advance(120)

    counts = connector.reconcile(sync=False)

    assert counts["postponed"] == 1 and "reverting" not in counts
    findings = connector.findings(DriftKind.NATIVE_GRANT)
    assert {item.state for item in findings} == {FindingState.OPEN}
    assert any("kept for changes" in (item.problem or "") for item in findings)
    ok(connector.patch(f"/Users/{native.bob}", {**title, "value": "y"}))

    limits.next_hour()
    connector.clock.advance(3700)
    counts = connector.reconcile()
    assert counts["reverting"] == 2


def test_a_reconciliation_that_is_killed_holds_up_the_next_as_briefly_as_any_job(start):
    native = start(drift=REPORT)
    services = native.connector.services
    lease_ends = native.connector.clock.now() + timedelta(seconds=46)
    held: list[tuple[int, int]] = []

    def report(_):
        with services.context.read() as uow:
            now = native.connector.clock.now()
            held.append((len(uow.locks.live(now)), len(uow.locks.live(lease_ends))))

    services.drift.reconciliation.run(JOB, report)
    assert held
    assert set(held) == {(1, 0)}
    with services.context.read() as uow:
        assert uow.locks.live(native.connector.clock.now()) == [], "it was given back"
