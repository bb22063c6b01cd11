"""A change that was accepted for later and is refused when its turn comes: people are told."""

import pytest

from connector.domain.authentication.console import ConsoleRole
from connector.domain.notifications import Notice
from connector.domain.work_items.items import WorkItemState
from connector.services.context import Actor, person
from connector.settings import ChannelSettings, NotificationSettings, Secret
from simulator.faults import Fault
from tests.connector import BASE, ManualClock, connected, ok
from tests.simulated import simulated

ACTOR = Actor("job:settle", "job", "test")
OPERATOR = person("ann", source="cli", correlation_id="c", roles=[ConsoleRole.OPERATOR])
ADDRESS = "new@partner.example"
DISABLED = {"op": "replace", "path": "active", "value": False}
AWAY = Fault("error", "*", "/restapi/", status=503, times=None)


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    hook = ChannelSettings("hook", "webhook", url=Secret("https://example.com/hook"))
    running = connected(
        tmp_path / "connector.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        provisioning={"on_unavailable": "queue"},
        notifications=NotificationSettings(channels=(hook,)),
    )
    yield running
    running.close()


def settle(connector):
    connector.world.faults.clear()
    connector.clock.advance(3700)
    return connector.services.settlement.settle_all(ACTOR)


def tasks(connector):
    return connector.services.work_items.list()


def status(connector, answer):
    return ok(connector.get(answer.headers["Location"].partition(BASE)[2]))["status"]


def refused_creation(connector):
    """Accept a creation whose address somebody takes before its turn comes."""
    stranger = connector.create("stranger@partner.example")["id"]
    connector.world.faults.add(AWAY)
    body = {"userName": ADDRESS, "externalId": "e-1", "password": "hush-hush"}
    answer = connector.post("/Users", body)
    assert answer.status_code == 202
    connector.world.state.readdress(connector.world.state.user(stranger), ADDRESS)
    assert settle(connector)["failed"] == 1
    return answer


def test_a_refused_creation_becomes_a_task_that_says_what_was_asked_and_why_not(connector):
    assert status(connector, refused_creation(connector)) == "failed"
    (task,) = tasks(connector)
    assert (task.requester, task.subject_id) == ("client:iga", "")
    assert task.title.endswith(f"create the user {ADDRESS}")
    assert task.instructions[0].startswith("Refused because: ")
    assert "taken by" in task.instructions[0]
    assert task.instructions[1].startswith("Asked for: POST /Users with ")
    assert '"externalId":"e-1"' in task.instructions[1]
    assert "hush-hush" not in str(task)
    assert task.due_at > connector.clock.now()


def test_channels_hear_of_it(connector):
    refused_creation(connector)
    services = connector.services
    (told,) = [item for item in services.notifications.list() if item.notice is Notice.TASK_OPENED]
    assert told.about == tasks(connector)[0].work_item_id


def test_the_task_closes_on_the_word_of_whoever_completes_it(connector):
    refused_creation(connector)
    (task,) = tasks(connector)
    view = connector.services.work_items.view(task.work_item_id)
    assert (view.subject.user_name, view.item.verification) == ("", "word")
    done = connector.services.tasks.complete(task.work_item_id, OPERATOR, "Linked.")
    assert done.state is WorkItemState.DONE
    assert tasks(connector) == []


def test_what_docusign_refuses_of_an_accepted_change_becomes_a_task_of_that_person(connector):
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(AWAY)
    ok(connector.patch(f"/Users/{user_id}", DISABLED))
    connector.world.faults.clear()
    no = Fault(
        "error", "DELETE", "/users$", status=400, error_code="USER_LACKS_PERMISSIONS", times=None
    )
    connector.world.faults.add(no)
    connector.clock.advance(3700)
    connector.services.settlement.settle_all(ACTOR)
    (task,) = tasks(connector)
    assert task.subject_id == user_id
    assert "USER_LACKS_PERMISSIONS" in task.instructions[0]
    assert f"PATCH /Users/{user_id}" in task.instructions[1]
    assert "lose" in task.instructions[2]
    shown = connector.user(user_id)
    assert shown["active"] is True
    assert not shown["urn:ietf:params:scim:schemas:extension:docusign:2.0:User"].get("pending")


def test_a_client_that_is_told_of_the_refusal_needs_no_task(connector):
    user_id = connector.create(ADDRESS)["id"]
    no = Fault(
        "error", "DELETE", "/users$", status=400, error_code="USER_LACKS_PERMISSIONS", times=None
    )
    connector.world.faults.add(no)
    assert connector.patch(f"/Users/{user_id}", DISABLED).status_code >= 400
    assert tasks(connector) == []


def test_a_deletion_that_was_sent_twice_is_done_twice(connector):
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(AWAY)
    first, again = (connector.delete(f"/Users/{user_id}") for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    settle(connector)
    assert (status(connector, first), status(connector, again)) == ("done", "done")
    assert tasks(connector) == []


def test_a_change_of_somebody_deleted_before_its_turn_becomes_a_task(connector):
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(AWAY)
    assert connector.delete(f"/Users/{user_id}").status_code == 202
    ok(connector.patch(f"/Users/{user_id}", {**DISABLED, "value": True}))
    settle(connector)
    (task,) = tasks(connector)
    assert task.subject_id == user_id
    assert ADDRESS in task.title


def test_a_refused_change_of_a_group_names_the_group(connector):
    group = connector.group()
    name = ok(connector.get(f"/Groups/{group}"))["displayName"]
    user_id = connector.create(ADDRESS)["id"]
    connector.world.faults.add(AWAY)
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    assert connector.delete(f"/Users/{user_id}").status_code == 202
    ok(connector.patch(f"/Groups/{group}", joining))
    settle(connector)
    (task,) = tasks(connector)
    assert task.title.endswith(f"change the group {name}")
    assert user_id in task.instructions[1]


def test_erasing_a_person_erases_what_a_task_about_nobody_says_of_them(connector):
    refused_creation(connector)
    (task,) = tasks(connector)
    connector.services.tasks.reject(task.work_item_id, OPERATOR, "not wanted")
    with connector.services.context.write() as uow:
        uow.erasures.forget_person("00000000-0000-0000-0000-000000000000", ADDRESS.upper())
        uow.commit()
    after = connector.services.work_items.get(task.work_item_id)
    assert ADDRESS not in str(after)
    assert after.instructions == ()
