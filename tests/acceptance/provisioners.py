"""Clients that provision people through whatever happens, and what must be true of them then."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import requests
from sqlalchemy import select
from werkzeug.test import run_wsgi_app

from connector.app import create_app
from connector.bootstrap import Application, build, owner_prefix
from connector.config import load_settings
from connector.domain.ledger.plans import PlanState
from connector.services.context import Actor
from connector.store.tables import plans
from tests.acceptance.agreement import disagreements
from tests.connector import ORGANIZATION_ADMIN, ok
from tests.simulated import Simulated, simulated

ANSWER_TAKES_S = 0.12
"""Time between DocuSign's effect and its answer: most kills fall into it."""
GIVE_UP_AFTER_S = 200
"""A step that was under way when the database went is anybody's after 120 seconds."""


def slow_world(n_users: int = 10) -> Simulated:
    """Return a DocuSign that takes its time to answer after it did something."""
    world = simulated(n_users)
    app = world.app.wsgi_app

    def slow(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body, status, headers = run_wsgi_app(app, environ, buffered=True)
        if environ["REQUEST_METHOD"] != "GET" and "oauth" not in environ["PATH_INFO"]:
            time.sleep(ANSWER_TAKES_S)
        start_response(status, list(headers))
        return body

    world.app.wsgi_app = slow  # type: ignore[method-assign]  # as Flask documents it
    return world


class Fate(StrEnum):
    """What becomes of a person once they are provisioned."""

    STAYS = "stays"
    LEAVES = "leaves"
    RETURNS = "returns"
    IS_DELETED = "is deleted"


@dataclass(frozen=True)
class Person:
    """Somebody whose every request was answered with success."""

    address: str
    user_id: str
    fate: Fate
    team: str
    """A DocuSign group made for this person."""


class Client:
    """Provisions one person after the other, and repeats what got no answer, as suites do."""

    def __init__(self, name: str, url: str, token: str, world: Simulated) -> None:
        self.name = name
        self.done: list[Person] = []
        self._base = f"{url}/scim/v2"
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._account = world.account
        self.profiles = [world.entitlement(profile=number) for number in (0, 1)]
        group = next(g for g in world.account.groups.values() if g.kind == "customGroup")
        self.group = f"{world.account.account_id}.g{group.group_id}"

    def work(self, stop: threading.Event) -> None:
        """Provision until told to stop; the person begun last is finished."""
        number = 0
        fates = random.sample(list(Fate), len(Fate))
        while not stop.is_set():
            self._provision(f"{self.name}{number}", fates[number % len(fates)])
            number += 1

    def _provision(self, name: str, fate: Fate) -> None:
        address = f"{name}@northwind-freight.example"
        user_id = self._create_user(address)
        profile = {"op": "add", "path": "entitlements", "value": [{"value": self.profiles[1]}]}
        self._change(f"/Users/{user_id}", profile)
        team = self._create_group(f"Team of {name}")
        for group in (self.group, team):
            member = {"op": "add", "path": "members", "value": [{"value": user_id}]}
            self._change(f"/Groups/{group}", member)
        if fate in (Fate.LEAVES, Fate.RETURNS):
            self._change(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": False})
        if fate is Fate.RETURNS:
            self._change(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": True})
        if fate is Fate.IS_DELETED:
            self._insist("DELETE", f"/Users/{user_id}", also=404)
        self.done.append(Person(address, user_id, fate, team))

    def _create_user(self, address: str) -> str:
        body = {
            "userName": address,
            "externalId": address,
            "name": {"givenName": "Ann", "familyName": "Lee"},
            "entitlements": [{"value": self.profiles[0]}],
            "roles": [{"value": ORGANIZATION_ADMIN}],
        }
        return self._create("/Users", body, f'userName eq "{address}"')

    def _create_group(self, name: str) -> str:
        return self._create("/Groups", {"displayName": name}, f'displayName eq "{name}"')

    def _create(self, path: str, body: Any, filter_: str) -> str:
        answer = self._insist("POST", path, body, also=409)
        if answer.status_code == 409:
            # The first try was answered by nobody; correlate as a suite does. What is in doubt is
            # found once it is settled.
            for _ in range(240):
                found = self._insist("GET", f"{path}?filter={filter_}").json()["Resources"]
                if found:
                    return str(found[0]["id"])
                time.sleep(0.5)
            raise AssertionError(f"{body} was refused as there already, and is not found")
        return str(answer.json()["id"])

    def _change(self, path: str, operation: Any) -> None:
        self._insist("PATCH", path, {"Operations": [operation]})

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


def prepared(config: Path) -> str:
    """Fill the mirror, and return the token of a client."""
    application = build(load_settings(config), role="cli")
    try:
        application.tenant("default").aggregation.sync()
        return application.clients.add("default", "iga")[1]
    finally:
        application.close()


def check(world: Simulated, config: Path, clients: list[Client]) -> None:
    """Settle what is left, and compare DocuSign, mirror, SCIM and ledger."""
    application = build(load_settings(config))
    try:
        settlement = application.tenant("default").settlement
        for role in ("serve", "jobs"):
            settlement.release_dead(owner_prefix(role))
        left = settlement.settle_all(Actor("job:test", "job", "test"))
        assert (left["waiting"], left["failed"]) == (0, 0)
        assert _failed_plans(application) == []
        for client in clients:
            for person in client.done:
                _check_person(world, application, client, person)
        _check_agreement(world, application)
    finally:
        application.close()


def _failed_plans(application: Application) -> list[str]:
    """Return what was given up: nothing here is refused, so that nothing may be."""
    failed = select(plans.c.summary).where(plans.c.state == PlanState.FAILED)
    with application.store.database.reading() as connection:
        return list(connection.execute(failed).scalars())


def _check_person(
    world: Simulated, application: Application, client: Client, person: Person
) -> None:
    """Everything that was answered with success is in DocuSign, and once."""
    assert [user.user_id for user in world.state.on_address(person.address)] == [person.user_id]
    name = world.account.groups[person.team.partition(".g")[2]].name
    assert [group.name for group in world.account.groups.values()].count(name) == 1
    membership = world.account.members[person.user_id]
    is_open = person.fate in (Fate.STAYS, Fate.RETURNS)
    assert membership.status.is_open is is_open
    if is_open:
        assert f"{world.account.account_id}.{membership.profile_id}" == client.profiles[1]
    if person.fate is not Fate.IS_DELETED:
        groups = {group.partition(".g")[2] for group in (client.group, person.team)}
        assert groups <= set(membership.group_ids)
    with application.tenant("default").context.read() as uow:
        (task,) = uow.work_items.search(subject_ids=[person.user_id])
        # What was asked for somebody who left ends then, even if they return.
        assert task.state.is_open is (person.fate is Fate.STAYS)


def _check_agreement(world: Simulated, application: Application) -> None:
    _, token = application.clients.add("default", "checker")
    http = create_app(application).test_client()
    headers = {"Authorization": f"Bearer {token}"}

    def get(path: str) -> Any:
        return ok(http.get(f"/scim/v2{path}", headers=headers))

    assert disagreements(world.state, application, get) == []
