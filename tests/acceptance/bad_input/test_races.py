"""Twenty clients at once: one creates, the others are told that the name is taken."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from tests.connector import USER, refused


def test_twenty_threads_race_to_create_one_person(connector):
    racers = 20
    line = threading.Barrier(racers)
    body = {"schemas": [USER], "userName": "race@northwind-freight.example"}

    def create(_: int) -> int:
        line.wait()
        return int(connector.post("/Users", body).status_code)

    with ThreadPoolExecutor(racers) as pool:
        statuses = sorted(pool.map(create, range(racers)))

    assert statuses == [201] + [409] * (racers - 1)
    assert len(connector.world.state.on_address("race@northwind-freight.example")) == 1


def test_twenty_threads_race_to_create_one_group(connector):
    racers = 20
    line = threading.Barrier(racers)

    def create(_: int) -> int:
        line.wait()
        return int(connector.post("/Groups", {"displayName": "Race"}).status_code)

    with ThreadPoolExecutor(racers) as pool:
        statuses = sorted(pool.map(create, range(racers)))

    assert statuses == [201] + [409] * (racers - 1)
    names = [item.name for item in connector.world.account.groups.values()]
    assert names.count("Race") == 1
    assert refused(connector.post("/Groups", {"displayName": "race"}), 409, "uniqueness")
