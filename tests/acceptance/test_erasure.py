"""Somebody asks to be forgotten: two people, 24 hours, DocuSign first; the chain still holds."""

from __future__ import annotations

import shlex
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text, update

from connector.domain.audit.events import AuditFilter
from connector.domain.authentication.console import ConsoleRole
from connector.domain.erasure import ErasureState
from connector.domain.ledger.plans import PlanState
from connector.domain.work_items.items import WorkItemState
from connector.errors import ForbiddenError, InvalidRequestError, NotFoundError
from connector.services.context import Actor, person
from connector.services.erasable import require_erasable
from connector.store.tables import plans
from simulator.faults import Fault
from simulator.state.users import NewMember, join
from tests.connector import ENTERPRISE, ORGANIZATION_ADMIN, connected, ok, refused
from tests.contract.store import records
from tests.contract.store.people import user
from tests.databases import ON_BOTH
from tests.programs import problem, program
from tests.services.test_crash import killed_during
from tests.simulated import simulated
from tests.visitors import add_account

ADDRESS = "ada@northwind-freight.example"
ADMINISTRATOR = (ConsoleRole.ADMINISTRATOR,)
ANN = person(
    "ann", source="cli", correlation_id="c-ann", roles=ADMINISTRATOR, email="ann@staff.example"
)
BOB = person(
    "bob", source="api", correlation_id="c-bob", roles=ADMINISTRATOR, email="bob@staff.example"
)
OPERATOR = (ConsoleRole.OPERATOR,)
JOB = Actor("job:erase", "job", "c-job")


@pytest.fixture
def connector(database):
    with closing(connected(database, world=simulated(50))) as connector:
        yield connector


def leaver(connector):
    """Return somebody who came, was somebody, and left more than a day ago."""
    extension = {"schemas": [ENTERPRISE], ENTERPRISE: {"department": "Quaternions"}}
    name = {"givenName": "Ada", "familyName": "Byronova"}
    user = connector.create(ADDRESS, externalId="hr-4711", name=name, **extension)
    refused(connector.post("/Users", {"userName": ADDRESS}), 409, "uniqueness")
    connector.delete(f"/Users/{user['id']}")
    connector.clock.advance(timedelta(hours=25).total_seconds())
    return user["id"]


def everything(connector):
    """Return all that the database holds, as text."""
    engine = connector.application.store.database.engine
    with engine.connect() as connection:
        tables = inspect(engine).get_table_names()
        return "\n".join(
            str(connection.execute(text(f"SELECT * FROM {table}")).all()) for table in tables
        )


def erased(connector):
    user_id = leaver(connector)
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter 1 of Byronova", ANN)
    return user_id, service.confirm(item.erasure_id, BOB)


@ON_BOTH
def test_a_person_is_forgotten_in_docusign_and_here_and_the_chain_holds(connector):
    user_id, done = erased(connector)
    assert (done.state, done.error) == (ErasureState.DONE, None)
    assert user_id not in connector.world.state.users
    left = everything(connector).lower()
    for trace in (ADDRESS, "byronova", "quaternions", "hr-4711"):
        assert trace not in left
    verified = connector.services.audit.verify()
    assert verified.broken is None
    with connector.services.context.read() as uow:
        told = [event.action for event in uow.audit.walk() if event.subject == user_id]
    assert {"operation.done", "erasure.requested", "erasure.confirmed"} <= set(told)
    assert told[-1] == "audit.erased"
    refused(connector.get(f"/Users/{user_id}"), 404)


@ON_BOTH
def test_who_worked_with_the_connector_is_forgotten_as_an_actor_too(connector):
    user_id = leaver(connector)
    add_account(connector, "aby", "operator")
    accounts = connector.application.console_accounts
    accounts.set_email("default", "aby", ADDRESS, ANN)
    ada = person("aby", source="console", correlation_id="c", roles=OPERATOR, email=ADDRESS)
    other = connector.create("bea@northwind-freight.example")["id"]
    role = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
    ok(connector.patch(f"/Users/{other}", role))
    work = connector.services.work_items
    (task,) = work.list()
    work.comment(task.work_item_id, ada, "I look into it")
    now = connector.clock.now()
    away = (now, now + timedelta(days=9))
    connector.services.delegations.begin(ada, "vic", *away, reason="Byronova travels")
    connector.services.tasks.reject(task.work_item_id, ada, "Not needed")
    with connector.application.store.database.writing() as connection:
        asked = update(plans).where(plans.c.subject_id == other)
        connection.execute(asked.values(context={"requester_email": ADDRESS, "kept": [1]}))
        connection.commit()
    with pytest.raises(InvalidRequestError, match="account 'aby' of the console"):
        connector.services.erasures.request(user_id, "letter", ANN)
    accounts.disable("default", "aby", ANN)
    item = connector.services.erasures.request(user_id, "letter", ANN)
    assert connector.services.erasures.confirm(item.erasure_id, BOB).state is ErasureState.DONE
    left = everything(connector).lower()
    for trace in (ADDRESS, "byronova", "user:aby", "'aby'"):
        assert trace not in left
    pseudonym = work.get(task.work_item_id).closed_by
    assert pseudonym in connector.services.audit.search(AuditFilter(), limit=1)[0].data["actors"]
    with connector.services.context.read() as uow:
        plan, _ = uow.plans.get(task.plan_id)
    assert plan.context == {"requester_email": pseudonym, "kept": [1]}
    assert connector.services.audit.verify().broken is None


def test_nobody_asks_for_or_confirms_their_own_erasure(connector):
    leaver(connector)
    service = connector.services.erasures
    own = replace(BOB, email=ADDRESS.upper())
    with pytest.raises(ForbiddenError, match="their own erasure"):
        service.request(ADDRESS, "letter", own)
    item = service.request(ADDRESS, "letter", ANN)
    with pytest.raises(ForbiddenError, match="their own erasure"):
        service.confirm(item.erasure_id, own)


def test_an_enabled_account_of_the_console_that_is_called_by_the_address_is_seen(connector):
    user_id = leaver(connector)
    add_account(connector, ADDRESS, "operator")
    accounts = connector.application.console_accounts
    accounts.set_email("default", ADDRESS, "other@staff.example", ANN)
    with pytest.raises(InvalidRequestError, match="Disable it first"):
        connector.services.erasures.request(user_id, "letter", ANN)


def test_the_commands_that_a_refusal_names_are_of_its_tenant(connector):
    here = connector.services.context
    context = replace(here, settings=replace(here.settings, name="acme"))
    left = user(1, memberships={})
    accounts = connector.application.console_accounts
    accounts.add("acme", "oneill", "a long password", ADMINISTRATOR, ANN, email=left.email)
    with context.write() as uow:
        uow.mirror.put_users([left], fetched_at=connector.clock.now())
        uow.commit()

    def refusal():
        with context.read() as uow, pytest.raises(InvalidRequestError) as refused:
            require_erasable(uow, context, left)
        return str(refused.value)

    disable = refusal().partition("Disable it first: ")[2].removesuffix(".")
    words = ["docusign-iga", "console", "user", "disable", "oneill", "--tenant", "acme"]
    assert shlex.split(disable) == words
    accounts.disable("acme", "oneill", ANN)
    with context.write() as uow:
        uow.plans.add(records.plan(), [])
        uow.work_items.add(records.work_item(subject_id=left.user_id))
        uow.commit()
    assert "`docusign-iga tasks list --tenant acme`" in refusal()


def test_what_waits_for_somebody_else_on_the_address_is_not_forgotten(tmp_path):
    connector = connected(tmp_path / "c.db", provisioning={"on_unavailable": "queue"})
    with closing(connector):
        user_id = leaver(connector)
        service = connector.services.erasures
        item = service.request(user_id, "letter", ANN)
        connector.world.faults.add(Fault("drop", "POST", "/users", times=None))
        accepted = connector.post("/Users", {"userName": ADDRESS, "externalId": "hr-4712"})
        assert accepted.status_code == 202, accepted.get_data(as_text=True)
        with pytest.raises(InvalidRequestError, match="not finished"):
            service.confirm(item.erasure_id, BOB)
        connector.world.faults.clear()
        connector.clock.advance(3_600)
        connector.services.settlement.settle_all(JOB)
        assert service.confirm(item.erasure_id, BOB).state is ErasureState.DONE
        (found,) = ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["Resources"]
        assert found["id"] != user_id


def test_what_was_done_to_an_erased_person_is_still_told(connector):
    user_id, _ = erased(connector)
    found = connector.services.audit.explain(user_id, connector.baseline())
    assert [str(story.direction) for story in found.stories][:1] == ["grant"]
    with connector.services.context.read() as uow:
        plans = [uow.plans.get(story.plan_id) for story in found.stories]
    assert plans[0][1][0].operation.describe()


def test_the_address_is_free_for_somebody_else(connector):
    user_id, _ = erased(connector)
    assert connector.create(ADDRESS)["id"] != user_id
    connector.sync()


@pytest.mark.parametrize("is_deleted", [True, False])
def test_who_held_the_address_before_stays_hidden(connector, is_deleted):
    change = {"op": "replace", "path": "active", "value": False}
    earlier = connector.create(ADDRESS, externalId="hr-1")
    ok(connector.patch(f"/Users/{earlier['id']}", change))
    join(connector.world.state, connector.world.account, NewMember(ADDRESS, "Magda Aoki"))
    connector.sync()
    found = ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["Resources"]
    later = next(item["id"] for item in found if item["id"] != earlier["id"])
    if is_deleted:
        assert connector.delete(f"/Users/{later}").status_code == 204
    else:
        ok(connector.patch(f"/Users/{later}", change))
    connector.clock.advance(timedelta(hours=25).total_seconds())
    item = connector.services.erasures.request(later, "letter 2", ANN)

    assert connector.services.erasures.confirm(item.erasure_id, BOB).state is ErasureState.DONE

    with connector.services.context.read() as uow:
        (grave,) = uow.attributes.tombstones(ADDRESS)
    assert (grave.scim_id, grave.deleted_by) == (earlier["id"], "connector")
    for _ in range(2):
        refused(connector.get(f"/Users/{earlier['id']}"), 404)
        assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
        connector.sync()
    assert connector.create(ADDRESS, externalId="hr-9")["id"] not in (earlier["id"], later)


def test_two_people_are_needed(connector):
    leaver(connector)
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter", ANN)
    same = replace(ANN, name="user:Ann", source="api")
    for who in (ANN, same):
        with pytest.raises(ForbiddenError, match="another person"):
            service.confirm(item.erasure_id, who)
    with connector.services.context.read() as uow:
        told = [event.actor for event in uow.audit.walk() if event.action == "erasure.refused"]
    assert told == ["user:ann", "user:Ann"]
    with pytest.raises(InvalidRequestError, match="already"):
        service.request(ADDRESS, "again", BOB)


def test_who_has_no_address_is_neither_of_the_two(connector):
    leaver(connector)
    service = connector.services.erasures
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        service.request(ADDRESS, "letter", replace(ANN, email=""))
    item = service.request(ADDRESS, "letter", ANN)
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        service.confirm(item.erasure_id, replace(BOB, email=""))
    assert service.get(item.erasure_id).state is ErasureState.REQUESTED


@ON_BOTH
@pytest.mark.parametrize("has_account", [True, False])
def test_two_accounts_of_one_person_are_not_two_people(connector, has_account):
    leaver(connector)
    if has_account:
        add_account(connector, "ann", "administrator")
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter", ANN)
    with pytest.raises(ForbiddenError, match="another person"):
        service.confirm(item.erasure_id, replace(BOB, email=ANN.email.upper()))
    service.confirm(item.erasure_id, BOB)
    assert service.get(item.erasure_id).requested_email == ""


def test_only_administrators_ask_confirm_and_withdraw(connector):
    user_id = leaver(connector)
    service = connector.services.erasures
    item = service.request(user_id, "letter", ANN)
    rest = frozenset(ConsoleRole) - {ConsoleRole.ADMINISTRATOR}
    operator = replace(BOB, roles=rest)
    for act in (
        lambda: service.request(user_id, "letter", operator),
        lambda: service.confirm(item.erasure_id, operator),
        lambda: service.withdraw(item.erasure_id, operator),
    ):
        with pytest.raises(ForbiddenError, match="administrator"):
            act()
    assert service.get(item.erasure_id) == item
    with pytest.raises(InvalidRequestError, match="Say why"):
        service.request(user_id, " ", ANN)


def test_two_administrators_erase_somebody_over_the_api(connector):
    user_id = leaver(connector)
    ann, bob = (program(connector, "administrator", login=name) for name in ("ann", "bob"))
    asked = ann.post("/erasures", {"person": ADDRESS, "reason": "letter 1"})
    assert asked.status_code == 201 and asked.json["subject_id"] == user_id
    assert asked.json["addresses"] == [ADDRESS]
    assert ADDRESS not in ann.get("/erasures").get_data(as_text=True)
    path = f"/erasures/{asked.json['id']}"
    for role in ("viewer", "approver", "operator"):
        seen = program(connector, role, login=f"a-{role}").read(path)
        assert (seen["addresses"], seen["recycled_addresses"]) == (None, None)
    problem(bob.post(f"{path}/confirm", {"irreversible": False}), 422, "invalid-content")
    assert ann.read(path)["state"] == "requested"
    told = problem(ann.post(f"{path}/confirm", {"irreversible": True}), 403, "forbidden")
    assert "another person" in told
    seen = bob.get(path).headers["ETag"]
    done = bob.post(f"{path}/confirm", {"irreversible": True}, if_match=seen)
    assert (done.status_code, done.json["state"]) == (200, "done")
    assert (done.json["requested_by"], done.json["confirmed_by"]) == ("user:ann", "user:bob")
    assert user_id not in connector.world.state.users
    assert bob.post(f"{path}/confirm", {"irreversible": True}, if_match=seen).status_code == 412


def test_an_unfinished_change_of_the_person_is_named(connector, monkeypatch):
    user_id = leaver(connector)
    sent = ("executor", "perform", False, 1)
    killed_during(
        connector, sent, monkeypatch, lambda: connector.post("/Users", {"userName": ADDRESS})
    )
    with connector.services.context.read() as uow:
        (plan_id,) = uow.plans.in_progress_marks()
    with pytest.raises(InvalidRequestError, match=f"not finished: plan {plan_id}") as caught:
        connector.services.erasures.request(user_id, "letter", ANN)
    assert "Wait until it is" in str(caught.value)


def test_who_is_still_in_or_left_today_is_not_erased(connector):
    user = connector.create(ADDRESS)
    service = connector.services.erasures
    with pytest.raises(InvalidRequestError, match="open membership"):
        service.request(ADDRESS, "letter", ANN)
    connector.delete(f"/Users/{user['id']}")
    connector.sync()
    with pytest.raises(InvalidRequestError, match="24 hours"):
        service.request(user["id"], "letter", ANN)
    with pytest.raises(NotFoundError):
        service.request("nobody@example.com", "letter", ANN)


def test_who_came_back_before_the_confirmation_is_not_erased(connector):
    user_id = leaver(connector)
    service = connector.services.erasures
    item = service.request(user_id, "letter", ANN)
    connector.create(ADDRESS, externalId="hr-4711")
    with pytest.raises(InvalidRequestError, match="open membership"):
        service.confirm(item.erasure_id, BOB)
    assert user_id in connector.world.state.users


def test_a_withdrawn_request_cannot_be_confirmed(connector):
    leaver(connector)
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter", ANN)
    service.withdraw(item.erasure_id, ANN)
    with pytest.raises(InvalidRequestError, match="withdrawn"):
        service.confirm(item.erasure_id, BOB)


TROUBLES = {
    "down": Fault("drop", "POST", "/data_redaction/"),
    "lost": Fault("lose_answer", "POST", "/data_redaction/"),
    "pending": None,
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_what_docusign_has_not_done_is_tried_again_and_nothing_is_forgotten_before(
    connector, trouble
):
    user_id = leaver(connector)
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter", ANN)
    fault, state = TROUBLES[trouble], connector.world.state
    if fault is not None:
        connector.world.faults.add(fault)
    else:
        state.variants = state.variants.changed({"redaction_is_pending": True})
    waiting = service.confirm(item.erasure_id, BOB)
    assert waiting.state is ErasureState.CONFIRMED
    assert waiting.error
    assert ADDRESS in everything(connector)
    assert service.carry_out_all(JOB) == {"done": 1, "confirmed": 0}
    assert user_id not in connector.world.state.users
    assert ADDRESS not in everything(connector)
    assert connector.services.audit.verify().broken is None


@pytest.mark.parametrize("is_named_only", [True, False])
def test_what_began_after_the_confirmation_is_carried_out_before_it_is_forgotten(
    connector, is_named_only
):
    user_id = leaver(connector)
    service = connector.services.erasures
    item = service.request(ADDRESS, "letter", ANN)
    connector.world.faults.add(Fault("drop", "POST", "/data_redaction/"))
    assert service.confirm(item.erasure_id, BOB).state is ErasureState.CONFIRMED
    says = {"subject_id": "" if is_named_only else user_id, "title": f"Find out about {ADDRESS}"}
    task = records.work_item(**says, instructions=("Do it.",), created_at=connector.clock.now())
    with connector.services.context.write() as uow:
        uow.plans.add(records.plan(subject_kind="Group", subject_id="g", state=PlanState.DONE), [])
        uow.work_items.add(task)
        uow.commit()

    assert service.carry_out_all(JOB) == {"done": 0, "confirmed": 1}
    waits_for = service.get(item.erasure_id).error
    assert f"first: {task.work_item_id}" in waits_for
    assert "`docusign-iga approvals list`" in waits_for
    with connector.services.context.write() as uow:
        assert uow.work_items.get(task.work_item_id).instructions == ("Do it.",)
        uow.work_items.save(replace(task, state=WorkItemState.DONE))
        uow.commit()
    assert service.carry_out_all(JOB) == {"done": 1, "confirmed": 0}
    assert ADDRESS not in everything(connector)


def test_the_call_is_in_the_audit(connector):
    erased(connector)
    with connector.services.context.read() as uow:
        calls = [event for event in uow.audit.walk() if event.action == "docusign.called"]
    assert calls[-1].data["path"].startswith("/v2/data_redaction/organizations/")
    assert ok(connector.get("/Users?count=1"))
