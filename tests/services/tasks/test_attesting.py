"""Tasks that no API shows done: said by one person, attested by a second."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import WorkItemKind, WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError, NotFoundError
from connector.services.inbox.tasks import MAX_EVIDENCE_BYTES
from connector.services.provisioning.wishes import unchanged
from tests.approvals import ADDRESS, add_account, approver, decide, operator
from tests.services.tasks.conftest import AUDITOR
from tests.services.tasks.opening import open_task


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


# A permission profile of the world is called Auditor as well.
@pytest.mark.parametrize(
    "connector", [{"notary": {**AUDITOR["auditor"], "display": "Notary"}}], indirect=True
)
def test_a_role_that_people_attested_is_told_as_held(connector, ann, tasks):
    task = open_task(connector, ann, "notary")
    explain = connector.services.audit.explain
    told = explain(ann, "notary").now_in_words
    assert told == "not held: nobody attested it, and no API of DocuSign shows it"
    tasks.complete(task, operator("olga"), "Told her")
    tasks.attest(task, operator("paul"), "Seen")
    found = explain(ann, "notary")
    assert (found.holds, found.attested) == (["notary"], ["notary"])
    assert found.now_in_words == "held, attested by people: Notary"


def test_who_gains_by_it_does_not_attest_after_their_address_changed(connector, ann, work, tasks):
    task = open_task(connector, ann)
    tasks.complete(task, operator("olga"))
    state = connector.world.state
    state.readdress(state.user(ann), "ann.bell@acme.test")
    connector.sync()
    mine = operator("ann", email=ADDRESS)
    assert "second person" in work.view(task, mine).attest_refusal
    with pytest.raises(ForbiddenError, match="second person"):
        tasks.attest(task, mine, "Yes")
    assert tasks.attest(task, operator("paul"), "Seen").state is WorkItemState.DONE


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


ASKS_FIRST = {"auditor": {**AUDITOR["auditor"], "fulfilment": "approval"}}


@pytest.mark.parametrize("connector", [ASKS_FIRST], indirect=True)
def test_who_asked_is_known_by_address_also_where_the_task_followed_an_approval(
    connector, ann, tasks
):
    rita = "rita@staff.example"
    by = operator("rita-4711", email=rita)

    def wish(uow, actual):
        return replace(unchanged(uow, actual, by), roles=frozenset({"auditor"}))

    connector.services.users.update(ann, wish, by)
    (item,) = connector.services.approvals.list()
    decide(connector, item, Verdict.APPROVE, approver())
    (task,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    tasks.complete(task.work_item_id, operator("olga"))
    with pytest.raises(ForbiddenError, match="second person"):
        tasks.attest(task.work_item_id, operator("rita", email=rita), "Seen")
    tasks.attest(task.work_item_id, operator("paul"), "Seen")
