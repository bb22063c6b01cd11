"""What a client was told is so, is so in the end, whatever happened in between.

``test_stateful`` lets DocuSign fail and asks whether everybody agrees. Here nothing is refused for
good, and the question is whether they agree on what was asked for last.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from werkzeug.test import TestResponse

from connector.services.context import Actor
from simulator.faults import Fault, hourly_limit
from tests.acceptance.machines import UNSHRUNK, OnDatabase, run_on_postgresql, run_on_sqlite
from tests.connector import Connector, ManualClock, connected, ok
from tests.simulated import simulated

EXAMPLES = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 20
PROFILE = settings(max_examples=EXAMPLES, stateful_step_count=14, phases=UNSHRUNK)
ACTOR = Actor("job:test", "job", "test")

people = st.integers(0, 2)
groups = st.integers(0, 1)
ways = st.sampled_from(["", "", "respond-async"])
"""Whether the client waits for the change."""


@dataclass
class Wish:
    """What was asked for last of a person."""

    active: bool = True
    profile: str = ""
    groups: set[str] = field(default_factory=set)


CERTAIN = [hourly_limit(times=None)]
"""DocuSign says that it did nothing."""
DOUBTFUL: list[Fault] = [
    *CERTAIN,
    Fault("error", "*", "/restapi/", status=503, times=None),
    Fault("error", "*", "/restapi/", status=500, times=None),
    Fault("html", "*", "/restapi/", status=503, times=None),
    Fault("drop", "*", "/restapi/", times=None),
    Fault("lose_answer", "*", "/restapi/", times=None),
]
"""Nobody knows what DocuSign did: only where changes are queued does a 503 mean that nothing will
come of a request."""


class Machine(OnDatabase):
    """Clients that wait and clients that do not, a DocuSign that is away at times, and syncs."""

    @initialize(shows=st.booleans(), queues=st.booleans())
    def begin(self, shows: bool, queues: bool) -> None:
        clock = ManualClock()
        self.world = simulated(10, now=clock.now, closed_shows_profile=shows)
        self.queues = queues
        self.connector: Connector = connected(
            type(self).open_database(),
            world=self.world,
            clock=clock,
            provisioning={"on_unavailable": "queue"} if queues else {},
        )
        self.is_away = False
        self.groups = [self.connector.group(0, number) for number in range(2)]
        self.wishes: dict[str, Wish] = {}
        self.newcomers: dict[str, str] = {}
        for number in range(3):
            profile = self.connector.entitlement()
            created = self.connector.create(
                f"person{number}@partner.example", entitlements=[{"value": profile}]
            )
            self.wishes[created["id"]] = Wish(profile=profile)

    # wishes -----------------------------------------------------------------------------

    @rule(person=people, active=st.booleans(), way=ways)
    def switch(self, person: int, active: bool, way: str) -> None:
        user_id, wish = self._person(person)
        operation = {"op": "replace", "path": "active", "value": active}
        if self._is_taken(f"/Users/{user_id}", operation, way):
            wish.active = active

    @rule(person=people, profile=st.integers(0, 1), way=ways)
    def grant(self, person: int, profile: int, way: str) -> None:
        user_id, wish = self._person(person)
        if wish.active:
            value = self.connector.entitlement(0, profile)
            operation = {"op": "add", "path": "entitlements", "value": [{"value": value}]}
            if self._is_taken(f"/Users/{user_id}", operation, way):
                wish.profile = value

    @rule(person=people, group=groups, joins=st.booleans(), way=ways)
    def move(self, person: int, group: int, joins: bool, way: str) -> None:
        user_id, wish = self._person(person)
        if wish.active:
            group_id = self.groups[group]
            member: dict[str, Any] = {"op": "add", "path": "members", "value": [{"value": user_id}]}
            leaver = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
            if self._is_taken(f"/Groups/{group_id}", member if joins else leaver, way):
                change = wish.groups.add if joins else wish.groups.discard
                change(group_id)

    @rule(group=groups, members=st.sets(people), way=ways)
    @precondition(lambda self: all(wish.active for wish in self.wishes.values()))
    def list_members(self, group: int, members: set[int], way: str) -> None:
        group_id = self.groups[group]
        listed = {self._person(number)[0] for number in members}
        name = ok(self.connector.get(f"/Groups/{group_id}?excludedAttributes=members"))
        body = {
            "displayName": name["displayName"],
            "members": [{"value": user_id} for user_id in sorted(listed)],
        }
        answer = self.connector.put(f"/Groups/{group_id}", body, **_headers(way))
        if self._is_accepted(answer, way):
            for user_id, wish in self.wishes.items():
                change = wish.groups.add if user_id in listed else wish.groups.discard
                change(group_id)

    @rule(person=people, profile=st.integers(0, 1), way=ways)
    def welcome(self, person: int, profile: int, way: str) -> None:
        address = f"newcomer{person}@partner.example"
        value = self.connector.entitlement(0, profile)
        body = {"userName": address, "externalId": address, "entitlements": [{"value": value}]}
        answer = self.connector.post("/Users", body, **_headers(way))
        if answer.status_code == 409:
            assert address in self.newcomers
        elif self._is_accepted(answer, way):
            self.newcomers[address] = value

    # the world around -------------------------------------------------------------------

    @rule(which=st.integers(0, len(DOUBTFUL) - 1))
    @precondition(lambda self: not self.is_away)
    def docusign_goes_away(self, which: int) -> None:
        known = DOUBTFUL if self.queues else CERTAIN
        self.world.faults.add(known[which % len(known)])
        self.is_away = True

    @rule()
    @precondition(lambda self: self.is_away)
    def docusign_is_back(self) -> None:
        self.world.faults.clear()
        self.is_away = False

    @rule(seconds=st.sampled_from([61, 130]))
    def time_passes(self, seconds: int) -> None:
        self.connector.clock.advance(seconds)

    @rule()
    def settle(self) -> None:
        self.connector.services.settlement.settle_all(ACTOR)

    @rule()
    @precondition(lambda self: not self.is_away)
    def sync(self) -> None:
        self.connector.sync()

    # the end ----------------------------------------------------------------------------

    def teardown(self) -> None:
        if not hasattr(self, "connector"):
            return
        try:
            self.world.faults.clear()
            for _ in range(3):
                self.connector.clock.advance(3700)
                self.settle()
            for user_id, wish in self.wishes.items():
                assert self._seen(user_id, wish) == wish
            for address, profile in self.newcomers.items():
                assert self._held_on(address) == profile
        finally:
            self.connector.close()

    def _seen(self, user_id: str, wish: Wish) -> Wish:
        """Return what SCIM shows; what somebody inactive held is shown by enabling them."""
        shown = self.connector.user(user_id)
        is_active = shown["active"]
        if not is_active:
            operation = {"op": "replace", "path": "active", "value": True}
            ok(self.connector.patch(f"/Users/{user_id}", operation))
            shown = self.connector.user(user_id)
        (held,) = shown["entitlements"]
        joined = {item["value"] for item in shown.get("groups", [])} & set(self.groups)
        return Wish(is_active, held["value"], joined)

    def _person(self, number: int) -> tuple[str, Wish]:
        return list(self.wishes.items())[number]

    def _held_on(self, address: str) -> str:
        """Return the one entitlement of the one person who came to an address."""
        (known,) = self.world.state.on_address(address)
        found = ok(self.connector.get(f'/Users?filter=userName eq "{address}"'))
        (shown,) = found["Resources"]
        assert shown["id"] == known.user_id
        (held,) = shown["entitlements"]
        return str(held["value"])

    def _is_taken(self, path: str, operation: dict[str, Any], way: str) -> bool:
        return self._is_accepted(self.connector.patch(path, operation, **_headers(way)), way)

    def _is_accepted(self, answer: TestResponse, way: str) -> bool:
        text = answer.get_data(as_text=True)
        assert answer.status_code in {200, 201, 202, 204, 503}, text
        is_accepted = answer.status_code != 503
        # Who may wait is never sent away because DocuSign is.
        assert is_accepted or not (self.queues or way), text
        return is_accepted


def _headers(way: str) -> dict[str, str]:
    return {"prefer": way} if way else {}


def test_the_last_wish_holds_on_sqlite(tmp_path):
    run_on_sqlite(Machine, tmp_path, PROFILE)


def test_the_last_wish_holds_on_postgresql(postgresql_server):
    fewer = settings(PROFILE, max_examples=EXAMPLES // 4)
    run_on_postgresql(Machine, postgresql_server, "wishes", fewer)
