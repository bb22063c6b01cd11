"""The schedule of faults, latency and limits, in the process."""

from __future__ import annotations

import time
from functools import partial
from types import SimpleNamespace

import pytest
import requests

from simulator.faults import Fault, FaultSchedule, Latency, burst_limit, hourly_limit
from simulator.limits import BURST_WINDOW_S, HOUR_S, Limits
from tests.simulated import BASE_URL, simulated

HOURLY, BURST = "HOURLY_APIINVOCATION_LIMIT_EXCEEDED", "BURST_APIINVOCATION_LIMIT_EXCEEDED"


@pytest.fixture
def world():
    return simulated(30)


@pytest.fixture
def session(world):
    return world.session(world.token())


@pytest.fixture
def users(world):
    return f"{BASE_URL}/restapi/v2.1/accounts/{world.account.account_id}/users"


@pytest.fixture
def calls(session, users):
    """The list and the creation of users."""
    return SimpleNamespace(list=partial(session.get, users), create=partial(session.post, users))


NEW = {"newUsers": [{"userName": "Ada Byron", "email": "ada@northwind-freight.example"}]}
ADA = NEW["newUsers"][0]["email"]


# -------------------------------------------------------------------- schedule


def hits(fault, calls):
    schedule = FaultSchedule([fault])
    return [schedule.take(method, path) is fault for method, path in calls]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("error"), [True, False, False, False]),
        (Fault("error", nth=2, times=2), [False, True, True, False]),
        (Fault("error", nth=3, times=None), [False, False, True, True]),
    ],
)
def test_which_calls_are_hit(fault, expected):
    assert hits(fault, [("GET", "/a")] * 4) == expected


def test_only_matching_calls_count():
    fault = Fault("error", method="PUT", path="/users$")
    calls = [("GET", "/users"), ("PUT", "/users/1"), ("PUT", "/users")]
    assert hits(fault, calls) == [False, False, True]


def test_the_first_declared_fault_wins():
    first, second = Fault("error", times=None), Fault("drop")
    schedule = FaultSchedule([first, second])
    assert schedule.take("GET", "/a") is first
    assert [item["matched"] for item in schedule.as_json()] == [1, 1]
    schedule.clear()
    assert schedule.take("GET", "/a") is None


@pytest.mark.parametrize("data", [{"kind": "magic"}, {}, {"kind": "error", "when": 1}])
def test_an_impossible_fault_is_refused(data):
    with pytest.raises(ValueError, match=r"kind|when"):
        Fault.from_json(data)


# --------------------------------------------------------------------- effects


@pytest.mark.parametrize("status", [400, 429])
@pytest.mark.parametrize(("limit", "code"), [(hourly_limit, HOURLY), (burst_limit, BURST)])
def test_limits_as_faults(world, calls, limit, code, status):
    world.faults.add(limit(status=status))
    answer = calls.list()
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert calls.list().status_code == 200


def test_an_admin_error_is_written_the_admin_way(world, session):
    world.faults.add(Fault("error", path="/management/", status=503, error_code="unavailable"))
    answer = session.get(f"{BASE_URL}/management/v2/organizations")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


def test_html_instead_of_json(world, session, users):
    world.faults.add(Fault("html", status=502))
    answer = session.post(users, json=NEW)
    assert answer.status_code == 502
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.headers["X-DocuSign-TraceToken"]
    assert world.state.on_address(ADA) == []


@pytest.mark.parametrize(
    ("timed_out", "error"), [(False, requests.ConnectionError), (True, requests.ReadTimeout)]
)
@pytest.mark.parametrize("kind", ["drop", "lose_answer"])
def test_dropped_connections(world, calls, kind, timed_out, error):
    world.faults.add(Fault(kind, "POST", timed_out=timed_out))
    with pytest.raises(error):
        calls.create(json=NEW)
    assert bool(world.state.on_address(ADA)) == (kind == "lose_answer")


def test_revoked_consent(world, session, users):
    world.faults.add(Fault("revoke_consent", nth=2))
    assert session.get(users).status_code == 200
    assert session.get(users).status_code == 401
    application = next(iter(world.state.applications.by_key.values()))
    assert application.consents == {}


def test_delay_and_latency(world, session, users):
    world.faults.add(Fault("delay", delay_s=0.05))
    world.latency.read_s = 0.05
    started = time.monotonic()
    assert session.get(users).status_code == 200
    assert time.monotonic() - started >= 0.1


def test_the_control_api_is_spared(world, session):
    world.faults.add(Fault("drop", times=None))
    assert session.get(f"{BASE_URL}/_simulator/faults").json()["faults"][0]["matched"] == 0


@pytest.mark.parametrize(
    ("method", "path", "seconds"),
    [
        ("POST", "/oauth/token", 1),
        ("GET", "/restapi/v2.1/accounts/1/users", 2),
        ("PUT", "/restapi/v2.1/accounts/1/users", 3),
        ("GET", "/Management/v2/organizations", 4),
        ("DELETE", "/management/v2/organizations/1/users/2/accounts", 5),
    ],
)
def test_latency_by_group_of_calls(method, path, seconds):
    assert Latency(1, 2, 3, 4, 5).of(method, path) == seconds


# ---------------------------------------------------------------------- limits


class Clock:
    now: float = 1_000 * HOUR_S

    def __call__(self):
        return self.now


def test_the_hour_ends_at_the_top_of_the_clock_hour():
    clock = Clock()
    limits = Limits(hourly=2, clock=clock)
    assert [limits.count("a").exceeded for _ in range(3)] == [None, None, HOURLY]
    assert limits.count("b").exceeded is None
    clock.now += HOUR_S
    reading = limits.count("a")
    assert reading.exceeded is None
    assert reading.headers["X-RateLimit-Reset"] == str(1_002 * HOUR_S)


def test_the_burst_window_slides():
    clock = Clock()
    limits = Limits(burst=2, clock=clock)
    limits.count("a")
    clock.now += 20
    limits.count("a")
    assert limits.count("a").exceeded == BURST
    clock.now += BURST_WINDOW_S - 20
    assert limits.count("a").exceeded is None


@pytest.mark.parametrize("status", [400, 429])
def test_an_exceeded_limit(world, session, users, status):
    world.set_variants(limit_status=status)
    world.limits.use_up(world.account.account_id)
    answer = session.get(users)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, HOURLY)
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert session.get(users.replace(world.account.account_id, world.accounts[1].account_id)).ok
    world.limits.next_hour()
    assert session.get(users).status_code == 200


def test_the_admin_api_has_its_own_budget(world, session):
    world.limits.use_up(world.state.organization.organization_id)
    answer = session.get(f"{BASE_URL}/management/v2/organizations")
    assert answer.json()["error"].upper() == HOURLY
