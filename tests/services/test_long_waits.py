"""What DocuSign does not take for hours: somebody hears of it once, and it goes on waiting."""

from datetime import timedelta

import pytest

from connector.domain.audit.events import AuditFilter
from connector.domain.diagnosis.checks import Result
from connector.domain.notifications import Notice
from connector.services.context import Actor
from connector.services.monitoring.observation import observe
from connector.services.provisioning import long_waits
from connector.services.provisioning.long_waits import LongWaits
from connector.services.restored import declare_restored, go_on_after_restoring
from connector.settings import ChannelSettings, NotificationSettings, Secret
from simulator.faults import Fault
from tests.approvals import APPROVE, approver, decide
from tests.connector import ManualClock, connected, ok
from tests.services.test_queued_changes import ADDRESS, DISABLED, ENABLED, LATER
from tests.simulated import simulated
from tests.visitors import ask_for_approval, guarded, signed_in

ACTOR = Actor("job:people", "job", "test")
PATIENCE = timedelta(hours=4)
DOWN = Fault("error", "*", "/restapi/", times=None, status=503)


@pytest.fixture
def start(tmp_path):
    started = []

    def make(**tenant):
        clock = ManualClock()
        hook = ChannelSettings("hook", "webhook", url=Secret("https://hooks.example/x"))
        running = connected(
            tmp_path / "connector.db",
            world=simulated(10, now=clock.now),
            clock=clock,
            provisioning={"on_unavailable": "queue"},
            notifications=NotificationSettings(channels=(hook,)),
            **tenant,
        )
        started.append(running)
        return running

    yield make
    for running in started:
        running.close()


@pytest.fixture
def connector(start):
    return start()


@pytest.fixture
def user_id(connector):
    return connector.create(ADDRESS)["id"]


def look(connector):
    """Let the job run that tells people, and return how many changes it told of."""
    return connector.services.due.run(ACTOR)["delayed_changes"]


def settle(connector):
    connector.clock.advance(130)
    return connector.services.settlement.settle_all(ACTOR)


def notices(connector):
    found = connector.services.notifications.list()
    return [item.payload for item in found if item.notice is Notice.CHANGES_DELAYED]


def events(connector, action):
    with connector.services.context.read() as uow:
        return list(uow.audit.events(wanted=AuditFilter(action=action)))


def test_an_operator_is_told_once_of_each_change(connector, user_id):
    connector.world.faults.add(DOWN)
    ok(connector.patch(f"/Users/{user_id}", DISABLED))
    assert look(connector) == 0
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    settle(connector)
    assert (look(connector), look(connector)) == (1, 0)
    (notice,) = notices(connector)
    assert (notice["total"], notice["counts"]) == (1, {"users": 1})
    (event,) = events(connector, "plan.delayed")
    assert event.subject == user_id

    ok(connector.patch(f"/Users/{user_id}", ENABLED))
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert settle(connector) == {"settled": 0, "waiting": 2, "failed": 0}
    assert look(connector) == 1, "the second change alone"
    assert len(events(connector, "plan.delayed")) == 2


def test_many_are_told_of_in_parts_and_summed_up_once(connector, monkeypatch):
    monkeypatch.setattr(long_waits, "_BATCH", 2)
    user_ids = [connector.create(f"{number}.{ADDRESS}")["id"] for number in range(3)]
    for user_id in user_ids:
        ok(connector.patch(f"/Users/{user_id}", DISABLED, **LATER), 202)
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert (look(connector), look(connector)) == (3, 0)
    assert {event.subject for event in events(connector, "plan.delayed")} == set(user_ids)
    (notice,) = notices(connector)
    assert (notice["total"], notice["counts"]) == (3, {"users": 3})


def test_where_nothing_waits_nothing_is_written(connector, monkeypatch):
    def no_write(*_):
        pytest.fail("a transaction that writes keeps others waiting")

    monkeypatch.setattr(connector.services.context.store, "write", no_write)
    assert LongWaits(connector.services.context).tell(ACTOR) == 0


def test_nothing_is_lost_of_what_was_told(connector, user_id):
    connector.world.faults.add(DOWN)
    ok(connector.patch(f"/Users/{user_id}", DISABLED))
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert look(connector) == 1
    seen = LongWaits(connector.services.context).look()
    assert seen is not None
    assert (seen.number, seen.oldest.plan.subject_id) == (1, user_id)
    connector.world.faults.clear()
    settle(connector)
    assert connector.user(user_id)["active"] is False
    assert LongWaits(connector.services.context).look() is None
    assert look(connector) == 0


def test_what_begins_and_falls_back_into_the_queue_is_told_once(connector, user_id):
    ok(connector.patch(f"/Users/{user_id}", DISABLED, **LATER), 202)
    connector.world.faults.add(Fault("error", "DELETE", "/users$", times=None, status=503))
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert look(connector) == 1
    for _ in range(3):
        assert settle(connector)["waiting"] == 1
        assert look(connector) == 0
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert look(connector) == 0


def test_the_notice_says_what_docusign_said_last(connector, user_id):
    fault = Fault(
        "error", "DELETE", "/users$", times=None, status=503, message="Closed for repairs"
    )
    connector.world.faults.add(fault)
    ok(connector.patch(f"/Users/{user_id}", DISABLED))
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert look(connector) == 1
    (notice,) = notices(connector)
    assert notice["reason"]


def test_an_approved_change_waits_from_its_approval_on(start):
    connector = start(**guarded())
    user_id = connector.create(ADDRESS)["id"]
    ask_for_approval(connector, user_id)
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=503))
    (item,) = connector.services.approvals.list()
    decide(connector, item, APPROVE, approver())
    assert look(connector) == 0
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    assert look(connector) == 1


def test_doctor_metrics_and_console_show_what_waits(connector, user_id):
    ann = signed_in(connector, "viewer")
    assert SHOWN not in runs(ann)
    assert waits(connector).result is Result.OK
    ok(connector.patch(f"/Users/{user_id}", DISABLED, **LATER), 202)
    connector.clock.advance(PATIENCE.total_seconds() + 1)
    ann.sign_in("ann")
    assert SHOWN in runs(ann)
    found = waits(connector)
    assert (found.result, found.problem.code) == (Result.WARNING, "changes_wait")
    now = connector.clock.now()
    seen = observe(connector.application.store, "default", now)
    assert now - seen.waits_since > PATIENCE


SHOWN = "Accepted changes that have waited for DocuSign for long: 1"


def runs(visitor):
    """Return the console's page of that name."""
    answer = visitor.get("/runs")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def waits(connector):
    """Return what the doctor says of changes that wait."""
    found = connector.services.doctor.examine().findings
    return next(item for item in found if item.check_id == "waiting")


def test_doctor_says_that_a_restored_database_has_not_been_released(connector):
    declare_restored(connector.services.context, ACTOR)
    found = waits(connector)
    assert (found.result, found.problem.code) == (Result.WARNING, "restored_waits")
    assert "db restored --go-on" in found.problem.remedy
    assert "drift accept ID --as LOGIN --reason TEXT" in found.problem.remedy
    go_on_after_restoring(connector.services.context, ACTOR)
    assert waits(connector).result is Result.OK
