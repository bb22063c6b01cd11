"""The simulator on a socket and as a process of its own."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
import requests

from simulator.faults import Fault
from simulator.server import SimulatorServer
from tests.simulated import simulated


@pytest.fixture
def world():
    world = simulated(40)
    with SimulatorServer(world.app) as server:
        world.base_url = server.url
        yield world


@pytest.fixture
def session(world):
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {world.token()}"
        yield session


def users(world):
    return f"{world.base_url}/restapi/v2.1/accounts/{world.account.account_id}/users"


def test_connections_are_kept(world, session):
    for _ in range(3):
        assert session.get(users(world)).status_code == 200
    pools = session.get_adapter(world.base_url).poolmanager.pools
    (pool,) = (pools[key] for key in pools.keys())  # noqa: SIM118 -- no mapping
    assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_base_uri_is_the_server(world, session):
    who = session.get(f"{world.base_url}/oauth/userinfo").json()
    assert who["accounts"][0]["base_uri"] == world.base_url


def test_threads_create_one_user(world):
    token = world.token()
    new = {"newUsers": [{"userName": "Ada Byron", "email": "ada@northwind-freight.example"}]}

    def create(_):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.post(users(world), json=new, headers=headers, timeout=120).json()

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(create, range(32)))
    made = [item for answer in answers for item in answer["newUsers"]]
    assert len({item["userId"] for item in made}) == 1
    assert sum("errorDetails" not in item for item in made) == 1


@pytest.mark.parametrize(("kind", "effect"), [("drop", 0), ("lose_answer", 1)])
def test_connections_really_drop(world, session, kind, effect):
    world.faults.add(Fault(kind, "POST"))
    new = {"newUsers": [{"userName": "Ada Byron", "email": "ada@northwind-freight.example"}]}
    with pytest.raises(requests.ConnectionError):
        session.post(users(world), json=new)
    assert len(world.state.on_address("ada@northwind-freight.example")) == effect
    assert session.get(users(world)).status_code == 200


def test_lost_answers_may_show_as_time_outs(world, session):
    world.faults.add(Fault("drop", timed_out=True))
    with pytest.raises(requests.ReadTimeout):
        session.get(users(world), timeout=(60, 0.3))


def test_a_process_tells_when_it_answers_and_ends_on_sigterm(tmp_path):
    ready, key = tmp_path / "made" / "ready.json", tmp_path / "secrets" / "key.pem"
    command = [sys.executable, "-m", "simulator", "--port", "0", "--users", "30"]
    command += ["--ready-file", str(ready), "--key-out", str(key), "--variant", "list_groups=false"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            details = _wait_for(ready, process)
            answer = _token(details, key.read_text())
            variants = requests.get(f"{details['url']}/_simulator/variants", timeout=60).json()
        finally:
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=120)
    assert answer.status_code == 200
    assert variants["list_groups"] is False
    assert (process.returncode, errors) == (0, b"")
    assert details["url"].encode() in output
    assert "private_key_pem" not in details
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


def _wait_for(ready, process):
    deadline = time.monotonic() + 120
    while not ready.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return json.loads(ready.read_text())


def _token(details, private_key):
    now = int(time.time())
    claims = {
        "iss": details["integration_key"],
        "sub": details["user_id"],
        "aud": details["jwt_audience"],
        "iat": now,
        "exp": now + 3600,
        "scope": "signature impersonation",
    }
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "assertion": jwt.encode(claims, private_key, algorithm="RS256"),
    }
    return requests.post(f"{details['oauth_url']}/oauth/token", data=form, timeout=60)


def test_a_taken_port_is_told(world):
    port = world.base_url.rpartition(":")[2]
    command = [sys.executable, "-m", "simulator", "--port", port, "--users", "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_an_unknown_variant_ends_the_start():
    command = [sys.executable, "-m", "simulator", "--variant", "colour=red"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "there is no variant 'colour'" in done.stderr
