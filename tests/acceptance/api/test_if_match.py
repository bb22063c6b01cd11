"""``If-Match`` holds within the transaction of the act, on either database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.api import resource
from connector.domain.drift.difference import DriftKind
from connector.domain.erasure import Erasure, ErasureState
from connector.services.context import new_id
from connector.settings import DatabaseSettings
from connector.store import SqlStore
from simulator.state import groups
from tests import databases
from tests.connector import Connector, connected
from tests.programs import problem, program
from tests.visitors import add_account, ask_for_admin, ask_for_approval, guarded


@pytest.fixture(params=["sqlite", "postgresql"])
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connector]:
    """A connector on each database."""
    if request.param == "sqlite":
        running = connected(tmp_path / "c.db", **guarded())
        yield running
        running.close()
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "ifmatch") as settings:
        yield from running_on(settings)


@pytest.fixture
def short_of_connections(postgresql_server: str) -> Iterator[Connector]:
    """A connector that has one connection to PostgreSQL, and gives up where it needs two."""
    with databases.postgresql_database(postgresql_server, "ifmatch") as settings:
        yield from running_on(replace(settings, pool_size=1))


def running_on(settings: DatabaseSettings) -> Iterator[Connector]:
    with databases.opened(settings) as store:
        assert isinstance(store, SqlStore)
        store.migrate()
    running = connected(settings, **guarded())
    yield running
    running.close()


def task(connector: Connector) -> str:
    return f"/tasks/{ask_for_admin(connector, connector.world.member().user.user_id)}"


def approval(connector: Connector) -> str:
    return f"/approvals/{ask_for_approval(connector, connector.world.member().user.user_id)}"


def finding(connector: Connector) -> str:
    """Somebody was put into a group in DocuSign itself."""
    connector.reconcile()
    user = connector.world.member().user.user_id
    account = connector.world.account
    joined = account.groups[connector.group(0, 1).partition(".g")[2]]
    groups.add_member(connector.world.state, account, joined.group_id, user)
    connector.sync()
    connector.reconcile()
    found = {item.kind: item.finding_id for item in connector.findings()}
    return f"/drift/{found[DriftKind.NATIVE_GRANT]}"


def erasure(connector: Connector) -> str:
    """Somebody of whom little is left is to be forgotten."""
    context = connector.services.context
    asked = Erasure(
        new_id(), new_id(), ErasureState.REQUESTED, "letter", "user:x", context.clock.now()
    )
    with context.write() as uow:
        uow.erasures.put(asked)
        uow.commit()
    return f"/erasures/{asked.erasure_id}"


def checksum(read: Any) -> dict[str, str]:
    return {"checksum": read["checksum"], "comment": "No."}


def said(_: Any) -> dict[str, str]:
    return {"comment": "As agreed."}


ACTS = {
    "hand-over": (task, lambda _: {"to": "ben"}),
    "reject": (task, said),
    "deny": (approval, checksum),
    "withdraw": (approval, said),
    "accept": (finding, said),
    "revert": (finding, said),
    "confirm": (erasure, lambda _: {"irreversible": True}),
}


@pytest.mark.parametrize("act", ACTS)
def test_of_two_who_saw_the_same_one_acts(
    connector: Connector, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    made: Callable[[Connector], str]
    made, body_of = ACTS[act]
    path = made(connector)
    ann, ben = (program(connector, "administrator", login=name) for name in ("ann", "ben"))
    read = ann.get(path)
    check = resource.check_if_match

    def slowly(*given: Any) -> None:
        check(*given)
        time.sleep(0.3)  # The other one comes meanwhile.

    monkeypatch.setattr(resource, "check_if_match", slowly)
    body = body_of(read.json)
    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda who: who.post(f"{path}/{act}", body, if_match=read.headers["ETag"]),
                (ann, ben),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412], [
        answer.json for answer in answers
    ]
    late = next(answer for answer in answers if answer.status_code != 200)
    problem(late, 412, "changed-meanwhile")
    done = next(answer for answer in answers if answer.status_code == 200)
    assert done.json == ann.read(path) != read.json


@pytest.mark.parametrize("act", [*ACTS, "pause"])
def test_a_conditional_write_takes_one_connection(
    short_of_connections: Connector, act: str
) -> None:
    """As many at a time as there are connections would else wait for each other."""
    made, body_of = ACTS.get(act, (lambda _: "/jobs/delta", lambda _: {}))
    path = made(short_of_connections)
    add_account(short_of_connections, "ben", "operator")
    ann = program(short_of_connections, "administrator", login="ann")
    read = ann.get(path)
    done = ann.post(f"{path}/{act}", body_of(read.json), if_match=read.headers["ETag"])
    assert done.status_code == 200, done.get_data(as_text=True)
    assert done.json != read.json
