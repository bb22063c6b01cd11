"""Random SCIM writes with random faults end with DocuSign = mirror = SCIM = ledger."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from connector.errors import ConnectorError
from connector.services.context import Actor
from simulator.faults import Fault, burst_limit, hourly_limit
from tests.acceptance.agreement import disagreements
from tests.acceptance.machines import UNSHRUNK, OnDatabase, run_on_postgresql, run_on_sqlite
from tests.connector import ORGANIZATION_ADMIN, Connector, ManualClock, connected, ok
from tests.simulated import simulated

settings.register_profile("brief", max_examples=25, stateful_step_count=12, phases=UNSHRUNK)
settings.register_profile("thorough", max_examples=1000, stateful_step_count=30)
PROFILE = settings.get_profile(os.environ.get("HYPOTHESIS_PROFILE", "brief"))

PEOPLE = (
    "ann@northwind-freight.example",
    "bob@northwind-freight.example",
    "Cleo@partner.example",
    "dan@partner.example",
)
GROUPS = ("Legal Senders", "Sales", "HR")
ACTOR = Actor("job:test", "job", "test")
TOLD = {200, 201, 204, 400, 403, 404, 409, 412, 502, 503}
"""What a client may be told; never 500."""

people = st.sampled_from(PEOPLE)
groups = st.sampled_from(GROUPS)
accounts = st.integers(0, 2)
profiles = st.integers(0, 1)
external_ids = st.sampled_from([None, "e-1", "e-2"])
names = st.sampled_from(["Ann", "Anna Maria", "Li", "Ümit", "O'Neil"])


def _faults() -> st.SearchStrategy[list[Fault]]:
    where = st.sampled_from(
        [
            ("*", "/restapi/"),
            ("POST", "/users"),
            ("PUT", "/users"),
            ("DELETE", "/users"),
            ("GET", "/users"),
            ("PUT", "/groups"),
            ("*", "/groups"),
            ("*", "/Management/"),
            ("*", "/oauth/"),
        ]
    )
    nth, times = st.integers(1, 4), st.sampled_from([1, 1, 2, 6, None])
    one = st.builds(
        lambda kind, at, nth, times, status, timed_out: Fault(
            kind, at[0], at[1], nth=nth, times=times, status=status, timed_out=timed_out
        ),
        st.sampled_from(["error", "html", "drop", "lose_answer", "lose_answer"]),
        where,
        nth,
        times,
        st.sampled_from([500, 502, 503]),
        st.booleans(),
    )
    # What stands in front of DocuSign says so of everything: that nothing is there, or allowed.
    page = st.builds(
        lambda at, nth, times, status: Fault(
            "html", at[0], at[1], nth=nth, times=times, status=status
        ),
        where,
        nth,
        times,
        st.sampled_from([401, 403, 404, 404]),
    )
    limit = st.builds(
        lambda make, status, times: make(status=status, times=times),
        st.sampled_from([burst_limit, hourly_limit]),
        st.sampled_from([400, 429]),
        times,
    )
    return st.one_of(
        st.just([]), st.lists(st.one_of(one, one, page, limit), min_size=1, max_size=2)
    )


class Machine(OnDatabase):
    """A client, a connector, and a DocuSign that fails as it likes."""

    def __init__(self) -> None:
        super().__init__()
        clock = ManualClock()
        self.world = simulated(10, now=clock.now)
        database = type(self).open_database()
        self.connector: Connector = connected(database, world=self.world, clock=clock)
        self.lasts = False
        """Whether faults stay after the request that they were made for."""
        for address in PEOPLE[:2]:
            self.connector.create(address, externalId="e-1")
        ok(self.connector.post("/Groups", {"displayName": GROUPS[0]}), 201)

    @initialize(
        stale=st.sampled_from([0, 0, 1, 3]),
        lists=st.booleans(),
        recreate=st.sampled_from(["new_user", "new_user", "reopens"]),
        created=st.sampled_from(["ActivationSent", "Active"]),
        tells=st.booleans(),
    )
    def docusign_behaves(
        self, stale: int, lists: bool, recreate: str, created: str, tells: bool
    ) -> None:
        self.world.set_variants(
            stale_reads=stale,
            list_groups=lists,
            recreate_closed=recreate,
            created_status=created,
            exists_error_has_user_id=tells,
        )

    # users ----------------------------------------------------------------------------

    @rule(
        address=people,
        given=names,
        external_id=external_ids,
        entitlements=st.sets(st.tuples(accounts, profiles), max_size=3),
        admin=st.booleans(),
        active=st.sampled_from([None, None, True, False]),
        trouble=_faults(),
    )
    def create(  # noqa: PLR0917 -- hypothesis passes by name
        self,
        address: str,
        given: str,
        external_id: str | None,
        entitlements: set[tuple[int, int]],
        admin: bool,
        active: bool | None,
        trouble: list[Fault],
    ) -> None:
        body: dict[str, Any] = {
            "userName": address,
            "name": {"givenName": given, "familyName": "Lee"},
            "entitlements": self._entitlements(entitlements),
        }
        if external_id:
            body["externalId"] = external_id
        if admin:
            body["roles"] = [{"value": ORGANIZATION_ADMIN}]
        if active is not None:
            body["active"] = active
        self._send("POST", "/Users", body, trouble)

    @rule(
        address=people,
        given=names,
        entitlements=st.sets(st.tuples(accounts, profiles), max_size=2),
        active=st.booleans(),
        trouble=_faults(),
    )
    def replace(
        self,
        address: str,
        given: str,
        entitlements: set[tuple[int, int]],
        active: bool,
        trouble: list[Fault],
    ) -> None:
        body: dict[str, Any] = {
            "userName": address,
            "name": {"givenName": given, "familyName": "Major"},
            "active": active,
        }
        if active:
            body["entitlements"] = self._entitlements(entitlements)
        self._send("PUT", self._user(address), body, trouble)

    @rule(address=people, given=names, title=names, trouble=_faults())
    def rename(self, address: str, given: str, title: str, trouble: list[Fault]) -> None:
        self._patch(
            self._user(address),
            {"op": "replace", "path": "name.givenName", "value": given},
            {"op": "replace", "path": "title", "value": title},
            trouble=trouble,
        )

    @rule(address=people, to=people, trouble=_faults())
    def readdress(self, address: str, to: str, trouble: list[Fault]) -> None:
        operation = {"op": "replace", "path": "userName", "value": to}
        self._patch(self._user(address), operation, trouble=trouble)

    @rule(address=people, active=st.booleans(), trouble=_faults())
    def switch(self, address: str, active: bool, trouble: list[Fault]) -> None:
        operation = {"op": "replace", "path": "active", "value": active}
        self._patch(self._user(address), operation, trouble=trouble)

    @rule(
        address=people,
        op=st.sampled_from(["add", "replace", "remove"]),
        account=accounts,
        profile=profiles,
        trouble=_faults(),
    )
    def entitle(
        self, address: str, op: str, account: int, profile: int, trouble: list[Fault]
    ) -> None:
        (element,) = self._entitlements({(account, profile)})
        operation = {"op": op, "path": "entitlements", "value": [element]}
        if op == "remove":
            operation = {"op": op, "path": f'entitlements[value eq "{element["value"]}"]'}
        self._patch(self._user(address), operation, trouble=trouble)

    @rule(address=people, op=st.sampled_from(["add", "remove"]), trouble=_faults())
    def ask_for_role(self, address: str, op: str, trouble: list[Fault]) -> None:
        operation = {"op": op, "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
        self._patch(self._user(address), operation, trouble=trouble)

    @rule(address=people, trouble=_faults())
    def delete(self, address: str, trouble: list[Fault]) -> None:
        self._send("DELETE", self._user(address), None, trouble)

    # groups ---------------------------------------------------------------------------

    @rule(name=groups, members=st.sets(people, max_size=2), trouble=_faults())
    def create_group(self, name: str, members: set[str], trouble: list[Fault]) -> None:
        body = {"displayName": name, "members": self._members(members)}
        self._send("POST", "/Groups", body, trouble)

    @rule(name=groups, to=groups, trouble=_faults())
    def rename_group(self, name: str, to: str, trouble: list[Fault]) -> None:
        operation = {"op": "replace", "path": "displayName", "value": to}
        self._patch(self._group(name), operation, trouble=trouble)

    @rule(
        name=groups,
        op=st.sampled_from(["add", "replace", "remove"]),
        members=st.sets(people, min_size=1, max_size=3),
        trouble=_faults(),
    )
    def change_members(self, name: str, op: str, members: set[str], trouble: list[Fault]) -> None:
        operation = {"op": op, "path": "members", "value": self._members(members)}
        self._patch(self._group(name), operation, trouble=trouble)

    @rule(name=groups, to=groups, members=st.sets(people, max_size=3), trouble=_faults())
    def replace_group(self, name: str, to: str, members: set[str], trouble: list[Fault]) -> None:
        body = {"displayName": to, "members": self._members(members)}
        self._send("PUT", self._group(name), body, trouble)

    @rule(name=groups, trouble=_faults())
    def delete_group(self, name: str, trouble: list[Fault]) -> None:
        self._send("DELETE", self._group(name), None, trouble)

    # the world around -----------------------------------------------------------------

    @rule()
    def token_is_revoked(self) -> None:
        self.world.state.applications.revoke_tokens()

    @rule(lasts=st.booleans())
    def trouble_changes(self, lasts: bool) -> None:
        self.world.faults.clear()
        self.lasts = lasts

    @rule(seconds=st.sampled_from([61, 130, 4000]))
    def time_passes(self, seconds: int) -> None:
        self.connector.clock.advance(seconds)

    @rule()
    def settle(self) -> None:
        self.connector.services.settlement.settle_all(ACTOR)

    @rule()
    def sync(self) -> None:
        try:
            self.connector.sync()
        except ConnectorError as error:
            assert str(error)

    @rule(done=st.booleans())
    @precondition(lambda self: self.connector.services.work_items.list())
    def work_on_task(self, done: bool) -> None:
        services = self.connector.services
        (item, *_) = services.work_items.list()
        if done:
            granted = item.direction == "grant"
            self.world.state.user(item.subject_id).is_organization_admin = granted
        try:
            services.verification.verify(item.work_item_id, ACTOR)
        except ConnectorError as error:
            assert str(error)

    # the end --------------------------------------------------------------------------

    def teardown(self) -> None:
        connector = self.connector
        try:
            self.world.faults.clear()
            self.world.set_variants(stale_reads=0)
            self._settle_everything()
            assert not (found := self._disagreements()), "\n".join(found)
            counts = connector.services.aggregation.sync().counts
            changed = {
                name: counts.get(name, 0) for name in ("changed", "vanished", "memberships_changed")
            }
            assert not any(changed.values()), changed
            assert not (found := self._disagreements()), "\n".join(found)
        finally:
            connector.close()

    def _settle_everything(self) -> None:
        for _ in range(3):
            self.connector.clock.advance(3700)
            counts = self.connector.services.settlement.settle_all(ACTOR)
        assert counts == {"settled": 0, "waiting": 0, "failed": 0}

    def _disagreements(self) -> list[str]:
        return disagreements(
            self.world.state, self.connector.application, lambda path: ok(self.connector.get(path))
        )

    # requests -------------------------------------------------------------------------

    def _send(self, method: str, path: str, body: Any, trouble: list[Fault]) -> None:
        self.world.faults.add(*trouble)
        response = self.connector.send(method, path, body)
        assert response.status_code in TOLD, response.get_data(as_text=True)
        if response.status_code >= 400:
            assert response.json["detail"]
            assert "Traceback" not in response.get_data(as_text=True)
        if not self.lasts:
            self.world.faults.clear()

    def _patch(self, path: str, *steps: dict[str, Any], trouble: list[Fault]) -> None:
        self._send("PATCH", path, {"Operations": list(steps)}, trouble)

    def _user(self, address: str) -> str:
        return f"/Users/{self._find('/Users', 'userName', address)}"

    def _group(self, name: str) -> str:
        return f"/Groups/{self._find('/Groups', 'displayName', name)}"

    def _find(self, path: str, attribute: str, value: str) -> str:
        page = ok(self.connector.get(f'{path}?filter={attribute} eq "{value}"'))
        return next((item["id"] for item in page.get("Resources", [])), "nobody")

    def _members(self, addresses: set[str]) -> list[dict[str, str]]:
        found = (self._find("/Users", "userName", address) for address in sorted(addresses))
        return [{"value": user_id} for user_id in found if user_id != "nobody"]

    def _entitlements(self, chosen: set[tuple[int, int]]) -> list[dict[str, str]]:
        return [{"value": self.connector.entitlement(*item)} for item in sorted(chosen)]


def test_random_writes_end_in_agreement_on_sqlite(tmp_path):
    run_on_sqlite(Machine, tmp_path, PROFILE)


def test_random_writes_end_in_agreement_on_postgresql(postgresql_server):
    fewer = settings(PROFILE, max_examples=max(5, PROFILE.max_examples // 5))
    run_on_postgresql(Machine, postgresql_server, "stateful", fewer)
