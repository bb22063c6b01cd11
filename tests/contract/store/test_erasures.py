"""What the ledger says of a person is replaced wherever it names them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.erasure import ERASED_TEXT
from connector.domain.ledger.plans import PlanState
from connector.domain.model import fold
from connector.domain.plan import AddGroupMembers, SetProfile
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.work_items.items import ApprovalTerms, WorkItemState
from connector.ports import GROUP, UnitOfWork
from connector.services.people import names_of
from connector.store import SqlStore
from mappings.model import Approvers
from tests.contract.store import records
from tests.contract.store.people import ACCOUNT, NOW
from tests.contract.store.test_console import SESSION

ID = "0a1b2c3d-0000-4000-8000-00000000000a"
OTHER_ID = "0a1b2c3d-0000-4000-8000-00000000000b"
ADDRESSES = [
    ("Ada.Lee@Acme.test", "ada.lee@ACME.test"),
    ("Jürgen.Öz@acme.test", "JÜRGEN.öz@ACME.TEST"),
    ("a_b%/c@acme.test", "A_B%/C@acme.test"),
    ('"a\\b"@acme.test', '"A\\B"@acme.test'),
]
"""As somebody gave it to us, and as it stands in a text."""


def summary(unit: UnitOfWork, plan_id: str) -> str:
    return unit.plans.get(plan_id)[0].summary


@pytest.mark.parametrize(("email", "told"), ADDRESSES)
def test_a_creation_that_failed_forgets_its_address(store: SqlStore, email: str, told: str) -> None:
    with store.write("default") as unit:
        lost: dict[str, Any] = {"subject_id": None, "context": {}, "state": PlanState.FAILED}
        unit.plans.add(records.plan("mine", summary=f"create {told} in Acme", **lost), [])
        unit.plans.add(records.plan("not mine", summary="create axb__c@acme.test", **lost), [])
        unit.erasures.forget_person(ID, email)
        assert summary(unit, "mine") == ERASED_TEXT
        assert summary(unit, "not mine") == "create axb__c@acme.test"


@pytest.mark.parametrize(("email", "told"), ADDRESSES)
def test_a_creation_that_was_never_planned_forgets_its_address(
    store: SqlStore, email: str, told: str
) -> None:
    with store.write("default") as unit:
        for name, address in (("mine", fold(told)), ("not mine", "axb__c@acme.test")):
            context = {"external_id": "hr-1", "locks": [f"address:{address}"]}
            lost = records.plan(name, subject_id=None, summary="POST /Users", context=context)
            unit.plans.add(replace(lost, state=PlanState.FAILED), [])
            unit.plans.add(replace(lost, plan_id=f"{name}, waiting", state=PlanState.QUEUED), [])
        unit.erasures.forget_person(ID, email)
        assert unit.plans.get("mine, waiting")[0].context, "whoever is created now is another"
        assert unit.plans.get("mine")[0].context == {}
        assert unit.plans.get("not mine")[0].context["external_id"] == "hr-1"


@pytest.mark.parametrize("place", ["title", "instructions"])
@pytest.mark.parametrize(("email", "told"), ADDRESSES)
def test_a_task_about_a_refused_change_forgets_whom_it_names(
    store: SqlStore, email: str, told: str, place: str
) -> None:
    says = {"title": "Refused", "instructions": ("Find out.",)}
    mine = {**says, "title": f"For {told}"} if place == "title" else {**says}
    if place == "instructions":
        mine["instructions"] = ("Find out.", f"It was asked for {told}.")
    with store.write("default") as unit:
        for name, texts in (("mine", mine), ("not mine", says)):
            item = records.work_item(name, subject_id="", entitlement=f"refused:{name}", **texts)
            unit.work_items.add(item)
        unit.erasures.forget_person(ID, email)
        erased = unit.work_items.get("mine")
        assert (erased.title, list(erased.instructions)) == (ERASED_TEXT, [])
        kept = unit.work_items.get("not mine")
        assert (kept.title, list(kept.instructions)) == ("Refused", ["Find out."])


def test_a_task_about_a_refused_change_of_a_group_forgets_its_members(store: SqlStore) -> None:
    with store.write("default") as unit:
        for name, member in (("mine", ID.upper()), ("not mine", OTHER_ID)):
            steps = (f"It was asked for {member}.",)
            wanted = {"subject_id": "", "entitlement": f"refused:{name}", "instructions": steps}
            unit.work_items.add(records.work_item(name, **wanted))
        unit.erasures.forget_person(ID, "")
        assert unit.work_items.get("mine").title == ERASED_TEXT
        assert unit.work_items.get("not mine").title == "Grant it"


def test_a_plan_about_a_group_forgets_one_of_its_members(store: SqlStore) -> None:
    with store.write("default") as unit:
        for name, members in (("mine", (OTHER_ID, ID)), ("not mine", (OTHER_ID,))):
            joining = records.operation(
                name, name, operation=AddGroupMembers(ACCOUNT, "7", members)
            )
            about = records.plan(name, subject_kind=GROUP, subject_id=f"{ACCOUNT}.g7")
            unit.plans.add(about, [joining])
        unit.erasures.forget_person(ID, "ada@acme.test")
        assert summary(unit, "mine") == ERASED_TEXT
        assert summary(unit, "not mine") == "one line"


@pytest.mark.parametrize("state", PlanState)
def test_an_unfinished_plan_about_a_group_keeps_what_its_end_depends_on(
    store: SqlStore, state: PlanState
) -> None:
    needed = {"locks": [f"group:{ACCOUNT}.g7"], "requester_email": "bob@acme.test"}
    with store.write("default") as unit:
        joining = records.operation(operation=AddGroupMembers(ACCOUNT, "7", (OTHER_ID, ID)))
        about = records.plan(subject_kind=GROUP, subject_id=f"{ACCOUNT}.g7", state=state)
        context = {**needed, "request_reason": "Ada needs it"}
        unit.plans.add(replace(about, context=context), [joining])
        unit.erasures.forget_person(ID, "ada@acme.test")
        plan, _ = unit.plans.get("plan-1")
    is_finished = state in (PlanState.DONE, PlanState.FAILED)
    assert (plan.summary, plan.context) == (ERASED_TEXT, {} if is_finished else needed)


def test_open_items_are_told_that_are_about_the_person_or_name_them(store: SqlStore) -> None:
    naming: dict[str, Any] = {"subject_id": "", "title": f"For {ID}"}
    with store.write("default") as unit:
        unit.work_items.add(records.work_item("about", subject_id=ID, entitlement="a"))
        unit.work_items.add(records.work_item("by id", **naming, entitlement="b"))
        addressed = {**naming, "title": "Create Ada@acme.test"}
        unit.work_items.add(records.work_item("by address", **addressed, entitlement="c"))
        done = records.work_item("done", subject_id=ID, entitlement="d", state=WorkItemState.DONE)
        unit.work_items.add(done)
        unit.work_items.add(records.work_item("not mine", subject_id=OTHER_ID, entitlement="e"))
        found = unit.erasures.open_items(ID, "ada@ACME.test")
        assert set(found) == {"about", "by id", "by address"}


def test_what_is_about_the_person_forgets_every_text_and_keeps_what_was_done(
    store: SqlStore,
) -> None:
    with store.write("default") as unit:
        said = records.operation(operation=SetProfile(ACCOUNT, ID, "2", "1"), error="of Ada")
        unit.plans.add(records.plan(subject_id=ID, summary="Ada gets Sender"), [said])
        done = records.work_item(
            subject_id=ID, state=WorkItemState.DONE, title="For Ada", comment="Ada asked"
        )
        unit.work_items.add(done)
        unit.erasures.forget_person(ID, "ada@acme.test")
        plan, (step,) = unit.plans.get("plan-1")
        assert (plan.summary, plan.context, step.error) == (ERASED_TEXT, {}, None)
        assert step.operation == SetProfile(ACCOUNT, ID, "2", "1")
        item = unit.work_items.get("item-1")
        assert (item.title, item.comment, item.state) == (ERASED_TEXT, None, WorkItemState.DONE)


def test_other_tenants_keep_their_records(store: SqlStore) -> None:
    with store.write("other") as unit:
        unit.plans.add(records.plan(subject_id=ID), [])
        unit.work_items.add(records.work_item(subject_id=ID))
        unit.commit()
    with store.write("default") as unit:
        unit.erasures.forget_person(ID, "ada@acme.test")
        unit.commit()
    with store.read("other") as unit:
        assert summary(unit, "plan-1") == "one line"
        assert unit.work_items.get("item-1").title == "Grant it"


@pytest.mark.parametrize("address", ["ada@acme.test", "j\u00fcrgen@acme.test"])
def test_who_asked_or_may_decide_is_found_in_json_however_it_is_written(
    store: SqlStore, address: str
) -> None:
    terms = ApprovalTerms(
        approvers=Approvers(people=(address.upper(), "b@acme.test")), requester_email=address
    )
    said = {"email": address.upper(), "to": f"user:{address}", "kept": "x"}
    asked = {"requester_email": address, "request": {"manager": address}}
    with store.write("default") as unit:
        unit.work_items.add(records.work_item(terms=terms))
        event = WorkItemEvent("item-1", NOW, "user:ann", Act.COMMENTED, "", said)
        unit.work_items.add_event(event)
        unit.plans.add(records.plan(context=asked), [])
        unit.commit()
    with store.write("default") as unit:
        assert unit.erasures.forget_actor({fold(address)}) == []
        unit.commit()
    with store.read("default") as unit:
        item = unit.work_items.get("item-1")
        (event,) = unit.work_items.events("item-1")
        plan, _ = unit.plans.get("plan-1")
    assert item.terms is not None
    pseudonym = item.terms.requester_email
    assert pseudonym.startswith("person:")
    assert item.terms.approvers.people == (pseudonym, "b@acme.test")
    assert event.data == {"email": pseudonym, "to": pseudonym, "kept": "x"}
    assert plan.context == {"requester_email": pseudonym, "request": {"manager": address}}


def test_two_who_are_erased_are_not_one_and_the_audit_calls_them_alike(store: SqlStore) -> None:
    with store.write("default") as unit:
        for name in ("ada", "bea"):
            unit.audit.append(records.event("a.1", actor=f"user:{name}"))
            unit.plans.add(records.plan(name, requester=f"user:{name}"), [])
        asked = {"requester_email": "cleo"}
        unit.plans.add(records.plan("by one who never acted", context=asked), [])
        unit.commit()
    for name in ("ada", "bea", "cleo"):
        with store.write("default") as unit:
            unit.audit.erase([], unit.erasures.forget_actor({name}))
            unit.commit()
    with store.read("default") as unit:
        called = [unit.plans.get(name)[0].requester for name in ("ada", "bea")]
        assert called == [event.actor for event in unit.audit.walk()]
        plan, _ = unit.plans.get("by one who never acted")
    called.append(plan.context["requester_email"])
    assert len(set(called)) == 3
    for pseudonym in called:
        assert names_of(pseudonym, "", lambda _: None) == {pseudonym}


def test_whoever_used_the_address_under_another_login_is_forgotten_too(store: SqlStore) -> None:
    session = replace(SESSION, login="bob", email="Ada@acme.test")
    with store.write("default") as unit:
        unit.console.add_session(session)
        unit.audit.append(records.event("a.1", actor="user:bob"))
        unit.plans.add(records.plan(requester="user:bob"), [])
        unit.commit()
    with store.write("default") as unit:
        assert unit.erasures.forget_actor({"ada@acme.test"}) == ["user:bob"]
        unit.commit()
    with store.read("default") as unit:
        assert unit.plans.get("plan-1")[0].requester.startswith("person:")
        assert unit.console.find_session(session.session_hash) is None
