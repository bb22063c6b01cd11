"""Manual tasks: worked off by people, verified by DocuSign or by a second person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.audit.events import AuditFilter
from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import Direction, WorkItemKind, WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError, NotFoundError
from connector.services.authentication.identities import Identity
from connector.services.context import Actor
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES
from tests.approvals import (
    add_account,
    administrator,
    approver,
    ask,
    disable,
    held,
    operator,
    pending,
    somebody,
)
from tests.connector import ORGANIZATION_ADMIN, ManualClock, connected, ok
from tests.simulated import simulated

ADDRESS = "ann.lee@acme.test"
JOB = Actor("job:verify", "job", "test")
DAY = 86_400
AUDITOR = {
    "auditor": {
        "display": "Auditor",
        "instructions": {"grant": ["Tell {email}."], "revoke": ["Tell {email} again."]},
    }
}


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    running = connected(
        tmp_path / "c.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        manual_roles=AUDITOR,
        entitlements=({"kind": "group", "match": "*", "fulfilment": "manual", "risk": "high"},),
    )
    yield running
    running.close()


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)["id"]


@pytest.fixture
def work(connector):
    return connector.services.work_items


@pytest.fixture
def tasks(connector):
    return connector.services.tasks


def open_task(connector, user_id, role="auditor"):
    value = [{"value": role}]
    ok(connector.patch(f"/Users/{user_id}", {"op": "add", "path": "roles", "value": value}))
    (item,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    return item.work_item_id


def test_what_no_api_shows_is_attested_by_a_second_person(connector, ann, tasks):
    task = open_task(connector, ann)
    item = tasks.complete(task, operator("olga"), "Told her")
    assert item.state is WorkItemState.AWAITING_VERIFICATION
    assert "roles" not in connector.user(ann)
    with pytest.raises(ForbiddenError, match="second person"):
        tasks.attest(task, operator("olga"), "Yes")
    with pytest.raises(ForbiddenError, match="second person"):
        tasks.attest(task, operator("ann", email=ADDRESS), "Yes")
    with pytest.raises(InvalidRequestError, match="Say what you saw"):
        tasks.attest(task, operator("paul"), " ")
    assert tasks.attest(task, operator("paul"), "Seen").state is WorkItemState.DONE
    assert [role["value"] for role in connector.user(ann)["roles"]] == ["auditor"]
    with connector.services.context.read() as uow:
        (known,) = [p for p in uow.attributes.provenance(ann) if p.entitlement == "auditor"]
    assert known.granted_by == "client:iga"


def test_a_task_is_said_to_be_done_once(connector, ann, work, tasks):
    task = open_task(connector, ann)
    tasks.complete(task, operator("olga"), "Told her")
    for repeated in ("", "Told her"):
        item = tasks.complete(task, operator("olga"), repeated)
        assert (item.state, item.comment) == (WorkItemState.AWAITING_VERIFICATION, "Told her")
    with pytest.raises(InvalidRequestError, match="what is left to say is a comment"):
        tasks.complete(task, operator("olga"), "And wrote it down")
    with pytest.raises(InvalidRequestError, match="a second person attests it"):
        tasks.complete(task, operator("paul"))
    acts = [event.act for event in work.view(task).history]
    assert acts.count(Act.COMPLETED) == 1


def test_who_looks_is_told_whether_they_may_attest(connector, ann, work, tasks):
    task = open_task(connector, ann)
    assert work.view(task, operator("olga")).attest_refusal is None
    tasks.complete(task, operator("olga"))
    assert "second person" in work.view(task, operator("olga")).attest_refusal
    assert "second person" in work.view(task, operator("ann", email=ADDRESS)).attest_refusal
    assert "no e-mail address" in work.view(task, operator("root", email="")).attest_refusal
    assert work.view(task, operator("paul")).attest_refusal is None


def test_who_has_no_address_is_no_second_person_and_no_first(connector, ann, work, tasks):
    task = open_task(connector, ann)
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        tasks.complete(task, operator("olga", email=""))
    tasks.complete(task, operator("olga"))
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        tasks.attest(task, operator("root", email=""), "Seen")
    assert work.get(task).state is WorkItemState.AWAITING_VERIFICATION


@pytest.mark.parametrize("has_account", [True, False])
def test_two_accounts_of_one_person_are_not_two_people(connector, ann, tasks, has_account):
    task = open_task(connector, ann)
    if has_account:
        add_account(connector, "olga", ConsoleRole.OPERATOR, email="Olga@Staff.example")
    tasks.complete(task, operator("olga"))
    with pytest.raises(ForbiddenError, match="second person"):
        tasks.attest(task, operator("olga.admin", email="olga@staff.example"), "Seen")


def test_a_person_who_is_called_as_a_client_is_not_taken_for_it(connector, ann, tasks):
    task = open_task(connector, ann)
    tasks.complete(task, operator("olga"))
    assert tasks.attest(task, operator("iga"), "Seen").state is WorkItemState.DONE


def test_a_task_waits_only_for_those_who_may_attest_it(connector, ann, tasks):
    task = open_task(connector, ann)
    with connector.services.context.write() as uow:
        uow.work_items.save(replace(uow.work_items.get(task), requester="user:rita"))
        uow.commit()
    tasks.complete(task, operator("olga"))
    parties = (
        operator("olga"),
        operator("olga.admin", email="olga@staff.example"),
        operator("rita"),
        operator("ann", email=ADDRESS),
        operator("root", email=""),
    )
    for who in parties:
        assert connector.services.inbox.page(who) == ([], None), who
        with pytest.raises(ForbiddenError):
            tasks.attest(task, who, "Seen")
    (waits,), _ = connector.services.inbox.page(operator("paul"))
    assert waits.work_item_id == task
    assert tasks.attest(task, operator("paul"), "Seen").state is WorkItemState.DONE


def test_evidence_serves_instead_of_a_comment(connector, ann, work, tasks):
    task = open_task(connector, ann)
    tasks.complete(task, operator("olga"))
    evidence = tasks.attach(task, operator("olga"), "../../etc/shot\r\n.png", "image/png", b"x")
    assert evidence.name == "shot.png"
    assert work.evidence_content(task, evidence.evidence_id) == (evidence, b"x")
    with pytest.raises(NotFoundError):
        work.evidence_content("another", evidence.evidence_id)
    assert tasks.attest(task, operator("paul"), "").state is WorkItemState.DONE


@pytest.mark.parametrize("size", [0, MAX_EVIDENCE_BYTES + 1])
def test_evidence_has_a_size(connector, ann, tasks, size):
    task = open_task(connector, ann)
    with pytest.raises(InvalidRequestError, match="bytes"):
        tasks.attach(task, operator(), "f", "text/plain", b"x" * size)


def test_nothing_is_attested_that_nobody_completed(connector, ann, tasks):
    with pytest.raises(InvalidRequestError, match="Nobody has completed"):
        tasks.attest(open_task(connector, ann), operator("paul"), "Seen")


def test_a_claimed_task_is_left_to_who_claimed_it(connector, ann, work, tasks):
    task = open_task(connector, ann)
    tasks.claim(task, operator("olga"))
    for act in (tasks.claim, tasks.release, tasks.complete):
        with pytest.raises(ForbiddenError, match="olga"):
            act(task, operator("paul"))
    work.comment(task, operator("paul"), "I can take it")
    assert tasks.hand_over(task, operator("olga"), "paul").assignee == "user:paul"
    assert tasks.release(task, administrator()).assignee is None
    assert tasks.claim(task, operator("eva")).assignee == "user:eva"
    acts = [event.act for event in work.view(task).history]
    taken = [Act.OPENED, Act.CLAIMED, Act.COMMENTED, Act.HANDED_OVER, Act.RELEASED, Act.CLAIMED]
    assert acts == taken


def signed_in_through_the_provider(connector, login, *roles):
    identity = Identity(
        login, login.title(), f"{login}@corp.example", frozenset(roles), method=SignInMethod.OIDC
    )
    return connector.application.console_sign_in.with_identity("default", identity, "c")


def test_a_task_is_handed_to_people_who_may_work_it(connector, ann, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR, email="Lena@Corp.example")
    signed_in_through_the_provider(connector, "paula@corp.example", ConsoleRole.ADMINISTRATOR)
    for text, login in (
        ("lena", "lena"),
        ("user:LENA", "lena"),
        ("lena@corp.example", "lena"),
        ("Paula@corp.example", "paula@corp.example"),
    ):
        assert tasks.hand_over(task, administrator(), text).assignee == f"user:{login}"


def test_a_task_is_not_handed_to_nobody(connector, ann, work, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    add_account(connector, "vera", ConsoleRole.VIEWER)
    add_account(connector, "gone", ConsoleRole.OPERATOR)
    disable(connector, "gone")
    signed_in_through_the_provider(connector, "adam", ConsoleRole.APPROVER)
    for text in ("somebody", "vera", "gone", "adam", "len", "' OR 1=1 --", "*"):
        with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
            tasks.hand_over(task, operator("olga"), text)
    assert work.view(task).item.assignee is None


def viewer_only(connector, login):
    connector.application.console_accounts.set_roles(
        "default", login, [ConsoleRole.VIEWER], administrator()
    )


@pytest.mark.parametrize("put_out", [disable, viewer_only])
def test_who_is_put_out_gives_their_tasks_back(connector, ann, work, tasks, put_out):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    tasks.claim(task, operator("lena", is_local=True))
    put_out(connector, "lena")
    view = work.view(task)
    assert (view.item.assignee, view.history[-1].act) == (None, Act.RELEASED)
    assert tasks.complete(task, operator("olga"), "Told her").completed_by == "user:olga"


def test_who_signs_in_elsewhere_too_keeps_their_tasks(connector, ann, work, tasks):
    task = open_task(connector, ann)
    add_account(connector, "lena", ConsoleRole.OPERATOR)
    signed_in_through_the_provider(connector, "lena", ConsoleRole.OPERATOR)
    tasks.claim(task, operator("lena"))
    disable(connector, "lena")
    assert work.view(task).item.assignee == "user:lena"


def test_who_was_signed_in_once_can_still_be_given_a_task(connector, ann, tasks):
    task = open_task(connector, ann)
    sign_in = connector.application.console_sign_in
    token = signed_in_through_the_provider(connector, "paula", ConsoleRole.OPERATOR)
    sign_in.sign_out("default", sign_in.find("default", token), "c")
    assert tasks.hand_over(task, operator("olga"), "paula").assignee == "user:paula"
    token = signed_in_through_the_provider(connector, "paula", ConsoleRole.VIEWER)
    sign_in.sign_out("default", sign_in.find("default", token), "c")
    with pytest.raises(InvalidRequestError, match="Nobody who may work tasks"):
        tasks.hand_over(task, administrator(), "paula")


@pytest.mark.parametrize("by", [somebody("vera"), approver()])
def test_only_operators_work_tasks(connector, ann, tasks, by):
    task = open_task(connector, ann)
    for act in (tasks.claim, tasks.release, tasks.complete):
        with pytest.raises(ForbiddenError, match="operator"):
            act(task, by)


def test_a_closed_task_stays_closed(connector, ann, tasks):
    task = open_task(connector, ann)
    with pytest.raises(InvalidRequestError, match="reason"):
        tasks.reject(task, operator(), "  ")
    tasks.reject(task, operator(), "Not needed")
    for act in (tasks.claim, tasks.complete):
        with pytest.raises(InvalidRequestError, match="rejected already"):
            act(task, operator())


def test_an_overdue_task_is_escalated_once(connector, ann, work):
    task = open_task(connector, ann)
    connector.clock.advance(6 * DAY)
    assert connector.services.due.run(JOB)["escalated"] == 1
    assert connector.services.due.run(JOB)["escalated"] == 0
    assert work.get(task).escalated_at is not None


def test_a_group_may_be_left_to_people_and_is_verified_in_docusign(connector, ann, work, tasks):
    group = connector.group()
    value = [{"value": ann}]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})
    assert pending(connector.user(ann)) == [("manual_task", group, "grant")]
    (item,) = work.list()
    assert (item.risk, item.verification) == ("high", "docusign")
    assert any("Ann" in step or ADDRESS in step for step in item.instructions)
    after = tasks.complete(item.work_item_id, operator())
    assert after.state is WorkItemState.AWAITING_VERIFICATION
    account_id, _, number = group.partition(".g")
    connector.services.context.directory.add_group_members(account_id, number, (ann,))
    assert connector.services.verification.verify_all(JOB) == {
        "checked": 1,
        "closed": 1,
        "failed": 0,
    }
    assert pending(connector.user(ann)) == []
    assert group in {item["value"] for item in connector.user(ann)["groups"]}


@pytest.fixture
def administrator_of_an_account(connector, ann):
    """Return an account administrator, as DocuSign has them, known to the connector."""
    profiles = connector.world.account.profiles.values()
    member = connector.membership(ann)
    member.profile_id = next(item.profile_id for item in profiles if item.is_admin)
    connector.clock.advance(120)
    connector.reconcile()
    return member.user


def test_who_was_organization_admin_from_the_start_is_no_news(connector, work):
    connector.reconcile()
    assert work.list() == []


def test_a_native_organization_admin_is_reviewed(connector, work, administrator_of_an_account):
    user = administrator_of_an_account
    user.is_organization_admin = True
    connector.reconcile()
    (item,) = work.list()
    assert (item.subject_id, item.entitlement) == (user.user_id, ORGANIZATION_ADMIN)
    assert item.direction is Direction.REVOKE
    assert item.requester == "job:reconcile"
    with connector.services.context.read() as uow:
        actions = [event.action for event in uow.audit.events(limit=10_000)]
    assert actions.count("organization_admin.unexpected") == 1
    connector.reconcile()
    assert len(work.list()) == 1

    user.is_organization_admin = False
    assert connector.services.verification.verify_all(JOB)["closed"] == 1


def test_an_accepted_organization_admin_is_known_from_then_on(
    connector, work, tasks, administrator_of_an_account
):
    user = administrator_of_an_account
    user.is_organization_admin = True
    connector.reconcile()
    (item,) = work.list()
    with pytest.raises(ForbiddenError, match="your own user"):
        tasks.reject(item.work_item_id, operator("chief", email=user.email.upper()), "It is me")
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        tasks.reject(item.work_item_id, operator("chief", email=""), "It is me")
    tasks.reject(item.work_item_id, operator("olga"), "New IT lead")
    for state in (False, True):
        user.is_organization_admin = state
        connector.reconcile()
    assert work.list() == []
    with connector.services.context.read() as uow:
        (known,) = [
            p
            for p in uow.attributes.provenance(user.user_id)
            if p.entitlement == ORGANIZATION_ADMIN
        ]
    assert (known.granted_by, known.source) == ("user:olga", "accepted")


def test_a_role_may_be_approved_before_its_task(tmp_path):
    rule = {"organization-admin": {"fulfilment": "approval", "approvers": {"people": ["bob"]}}}
    running = connected(tmp_path / "r.db", world=simulated(10), manual_roles=rule)
    try:
        user = running.create(ADDRESS, roles=[{"value": ORGANIZATION_ADMIN}])
        assert pending(user) == [("approval", ORGANIZATION_ADMIN, "grant")]
        (item,) = running.services.approvals.list()
        running.services.approvals.decide(item.work_item_id, Verdict.APPROVE, somebody("bob"))
        assert pending(running.user(user["id"])) == [("manual_task", ORGANIZATION_ADMIN, "grant")]
        remove = {"op": "remove", "path": f'roles[value eq "{ORGANIZATION_ADMIN}"]'}
        assert pending(ok(running.patch(f"/Users/{user['id']}", remove))) == []
    finally:
        running.close()


def test_asking_for_a_profile_in_the_usual_way_needs_nobody(connector, ann, work):
    assert held(ask(connector, ann, connector.entitlement())) == {connector.entitlement()}
    assert work.list() == []


@pytest.mark.parametrize("text", ["\x00", "\x1b[2J", "\ud800", "x" * 10_000, "<script>"])
def test_what_people_write_can_be_kept_whatever_it_is(connector, ann, work, tasks, text):
    task = open_task(connector, ann)
    tasks.claim(task, operator("olga"))
    tasks.release(task, operator("olga"), f"a{text}b")
    said = work.view(task).history[-1].comment
    assert said.startswith("a")
    assert len(said) <= 4_000
    assert "\x00" not in said
    assert "\x1b" not in said


def test_a_check_that_finds_the_same_moves_nothing_and_is_no_event(connector, ann, work):
    task = open_task(connector, ann, ORGANIZATION_ADMIN)
    connector.services.verification.verify(task, JOB)
    before, asked_at = connector.user(ann)["meta"], work.get(task).last_checked_at
    connector.clock.advance(300)
    connector.services.verification.verify(task, JOB)
    assert connector.user(ann)["meta"] == before
    assert work.get(task).last_checked_at > asked_at
    assert work.get(task).last_check == "DocuSign: the user is no organization administrator"
    assert checks(connector) == ["is no organization administrator"]
    connector.services.verification.verify(task, operator("olga"))
    connector.world.state.user(ann).is_organization_admin = True
    assert connector.services.verification.verify(task, JOB).state is WorkItemState.DONE
    no, yes = "is no organization administrator", "is an organization administrator"
    assert checks(connector) == [no, no, yes]
    assert connector.user(ann)["meta"] != before


def checks(connector) -> list[str]:
    with connector.services.context.read() as uow:
        events = uow.audit.walk(AuditFilter(action="work_item.checked"))
        return [event.data["result"] for event in events]
