"""``If-Match`` on tasks holds within the transaction of the act, on either database."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connector.api import resource, tasks
from connector.store import SqlStore
from tests import databases
from tests.connector import Connector, connected
from tests.programs import problem, program
from tests.visitors import ask_for_admin


@pytest.fixture(params=["sqlite", "postgresql"])
def connector(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connector]:
    """A connector on each database."""
    if request.param == "sqlite":
        running = connected(tmp_path / "c.db")
        yield running
        running.close()
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "ifmatch") as settings:
        with databases.opened(settings) as store:
            assert isinstance(store, SqlStore)
            store.migrate()
        running = connected(settings)
        yield running
        running.close()


def test_of_two_who_saw_the_same_one_acts(
    connector: Connector, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/tasks/{ask_for_admin(connector, connector.world.member().user.user_id)}"
    ann, ben = (program(connector, "administrator", login=name) for name in ("ann", "ben"))
    seen = ann.get(path).headers["ETag"]
    check = resource.check_if_match

    def slowly(*given: Any) -> None:
        check(*given)
        time.sleep(0.3)  # The other one comes meanwhile.

    monkeypatch.setattr(tasks, "check_if_match", slowly)
    with ThreadPoolExecutor(2) as both:
        answers = list(
            both.map(
                lambda who: who[0].post(f"{path}/hand-over", {"to": who[1]}, if_match=seen),
                ((ann, "ben"), (ben, "ann")),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    late = next(answer for answer in answers if answer.status_code != 200)
    problem(late, 412, "changed-meanwhile")
    done = next(answer for answer in answers if answer.status_code == 200)
    assert ann.read(path)["assignee"] == done.json["assignee"]
    assert [line["act"] for line in ann.read(path)["history"]].count("handed_over") == 1
