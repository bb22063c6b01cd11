"""``kill -9`` between a call to DocuSign and our commit: nothing lost, nothing done twice."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.test import run_wsgi_app

from connector.app import create_app
from connector.bootstrap import Application, build, owner_prefix
from connector.config import load_settings
from connector.services.context import Actor
from tests.acceptance.agreement import disagreements
from tests.acceptance.processes import Serving, free_port, on_socket, write_config
from tests.connector import ORGANIZATION_ADMIN, ok
from tests.simulated import Simulated, simulated

KILLS = int(os.environ.get("KILLS", "5"))
CLIENTS = 3
ANSWER_TAKES_S = 0.12
"""Time between DocuSign's effect and its answer: most kills fall into it."""
GIVE_UP_AFTER_S = 90


@pytest.fixture
def world():
    world = simulated(10)
    app = world.app.wsgi_app

    def slow(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        if environ["REQUEST_METHOD"] != "GET" and "oauth" not in environ["PATH_INFO"]:
            time.sleep(ANSWER_TAKES_S)
        start_response(status, list(headers))
        return body

    world.app.wsgi_app = slow  # type: ignore[method-assign]  # as Flask documents it
    with on_socket(world):
        yield world


class Client:
    """Provisions one person after the other, and repeats what got no answer, as suites do."""

    def __init__(self, name: str, url: str, token: str, world: Simulated) -> None:
        self.name = name
        self.done: list[tuple[str, str]] = []
        """Address and id of those whose every request was answered with success."""
        self._base = f"{url}/scim/v2"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._account = world.account
        plain = [
            item.profile_id
            for item in world.account.profiles.values()
            if not item.is_admin and item.profile_id != world.account.default_profile_id
        ]
        self.profiles = [f"{world.account.account_id}.{item}" for item in plain[:2]]
        group = next(g for g in world.account.groups.values() if g.kind == "customGroup")
        self.group = f"{world.account.account_id}.g{group.group_id}"

    def work(self, stop: threading.Event) -> None:
        """Provision until told to stop; the person begun last is finished."""
        number = 0
        while not stop.is_set():
            number += 1
            self._provision(f"{self.name}{number}@northwind-freight.example")

    def _provision(self, address: str) -> None:
        user_id = self._create(address)
        first = {"op": "add", "path": "entitlements", "value": [{"value": self.profiles[1]}]}
        self._insist("PATCH", f"/Users/{user_id}", {"Operations": [first]})
        member = {"op": "add", "path": "members", "value": [{"value": user_id}]}
        self._insist("PATCH", f"/Groups/{self.group}", {"Operations": [member]})
        self.done.append((address, user_id))

    def _create(self, address: str) -> str:
        body = {
            "userName": address,
            "externalId": address,
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "entitlements": [{"value": self.profiles[0]}],
            "roles": [{"value": ORGANIZATION_ADMIN}],
        }
        answer = self._insist("POST", "/Users", body, also=409)
        if answer.status_code == 409:
            # The first try was answered by nobody; correlate as a suite does.
            query = f'/Users?filter=userName eq "{address}"'
            return str(self._insist("GET", query).json()["Resources"][0]["id"])
        return str(answer.json()["id"])

    def _insist(self, method: str, path: str, body: Any = None, also: int = 0) -> requests.Response:
        deadline = time.monotonic() + GIVE_UP_AFTER_S
        while True:
            try:
                answer = self._session.request(method, self._base + path, json=body, timeout=30)
            except requests.RequestException as error:
                said = str(error)
            else:
                if answer.ok or answer.status_code == also:
                    return answer
                said = f"{answer.status_code} {answer.text}"
                assert answer.status_code == 503, said
            assert time.monotonic() < deadline, f"{method} {path}: {said}"
            time.sleep(0.1)


def test_killed_at_random_instants(world, tmp_path: Path):
    port = free_port()
    jobs = {"settle_interval_s": 1, "sync_interval_s": 0, "verify_interval_s": 0}
    config = write_config(tmp_path, world, port, jobs=jobs)
    token = _prepared(config)
    serving = Serving(config, port, tmp_path / "serve.log")
    clients = [Client(name, serving.url, token, world) for name in ("ann", "bob", "cy")[:CLIENTS]]
    stop = threading.Event()
    try:
        serving.start()
        with ThreadPoolExecutor(CLIENTS) as pool:
            working = [pool.submit(client.work, stop) for client in clients]
            try:
                for _ in range(KILLS):
                    time.sleep(random.uniform(0.3, 1.2))
                    serving.kill()
                    serving.start()
            finally:
                stop.set()
            for item in working:
                item.result()
        # The last word belongs to a crash too.
        serving.kill()
    finally:
        stop.set()
        serving.kill()
    assert sum(len(client.done) for client in clients) >= KILLS
    _check(world, config, clients)


def _prepared(config: Path) -> str:
    application = build(load_settings(config), role="cli")
    try:
        application.tenant("default").aggregation.sync()
        return application.clients.add("default", "iga")[1]
    finally:
        application.close()


def _check(world: Simulated, config: Path, clients: list[Client]) -> None:
    application = build(load_settings(config))
    try:
        settlement = application.tenant("default").settlement
        for role in ("serve", "jobs"):
            settlement.release_dead(owner_prefix(role))
        assert settlement.settle_all(Actor("job:test", "job", "test"))["waiting"] == 0
        for client in clients:
            for address, user_id in client.done:
                _check_person(world, application, client, address, user_id)
        _check_agreement(world, application)
    finally:
        application.close()


def _check_person(
    world: Simulated, application: Application, client: Client, address: str, user_id: str
) -> None:
    """Everything that was answered with success is in DocuSign, and once."""
    assert [user.user_id for user in world.state.on_address(address)] == [user_id]
    membership = world.account.members[user_id]
    assert f"{world.account.account_id}.{membership.profile_id}" == client.profiles[1]
    assert client.group.partition(".g")[2] in membership.group_ids
    with application.tenant("default").context.read() as uow:
        (task,) = uow.work_items.search(subject_ids=[user_id])
        assert task.state.is_open


def _check_agreement(world: Simulated, application: Application) -> None:
    _, token = application.clients.add("default", "checker")
    http = create_app(application).test_client()
    headers = {"Authorization": f"Bearer {token}"}

    def get(path: str) -> Any:
        return ok(http.get(f"/scim/v2{path}", headers=headers))

    assert disagreements(world.state, application, get) == []
