"""One size: a simulated DocuSign, a synchronised connector, and whom the cases are about."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
import requests
import yaml
from sqlalchemy import func, literal, update

from connector.bootstrap import Application, build
from connector.cli.processes import Child
from connector.config import load_settings
from connector.domain.model import User
from connector.ports import BASE_URL_MARK, EXTERNAL_ID_MARK, USER, ResourceQuery, UnitOfWork
from connector.store.statements import put_rows
from connector.store.tables import external_ids, resources
from tests.bench.aggregations import Aggregation, measured
from tests.ports import free_port

CLIENT = "bench"
SAMPLED_PAGES = 20
"""Pages of 100 users, anywhere in the list, whom the cases ask for."""
START_WITHIN_S = 180.0
GROUP_SIZES = (10, 10_000)


@dataclass
class People:
    """What the cases need to know of an organization."""

    users: list[dict[str, Any]]
    """A sample of SCIM resources from everywhere in the list."""
    total: int
    members: list[str]
    """Ids of active users of the first account who are in no benchmark group."""
    profile: str
    """The entitlement that a created user gets."""
    groups: dict[int, str]
    """SCIM ids of the benchmark groups by their number of members."""


@dataclass(eq=False)
class Stage:
    """A connector that answers, and what its making cost."""

    size: int
    port: int
    token: str
    people: People
    server: Child
    aggregations: list[Aggregation]

    def peak_mib(self) -> float:
        """Return the sum of the peaks of resident memory of the server's processes, in MiB."""
        process = psutil.Process(self.server.pid)
        return sum(_peak_mib(item.pid) for item in (process, *process.children(recursive=True)))

    def get(self, path: str) -> bytes:
        """Return the body at a path under the base address."""
        response = requests.get(self._url(path), headers=self._headers(), timeout=60)
        response.raise_for_status()
        return response.content

    def post(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Create a resource and return it."""
        response = requests.post(
            self._url(path), headers=self._headers(), json=document, timeout=60
        )
        response.raise_for_status()
        created: dict[str, Any] = response.json()
        return created

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/scim/v2{path}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def staged(size: int, directory: Path) -> Iterator[Stage]:
    """Build a connector for so many users, and end its processes afterwards."""
    directory.mkdir()
    with ExitStack() as stack:
        details = stack.enter_context(_simulator(size, directory))
        port = free_port()
        config = directory / "config.yaml"
        config.write_text(yaml.safe_dump(_configuration(details, directory, port)))
        aggregations = measured(config, details)
        token, people = _prepare(config)
        server = Child(
            "connector",
            ["tests.bench.ceiling", "--config", str(config)],
            log=directory / "connector.log",
        )
        stack.callback(server.stop)
        server.wait_until(lambda: _answers(port), START_WITHIN_S)
        yield Stage(size, port, token, people, server, aggregations)


@contextmanager
def _simulator(size: int, directory: Path) -> Iterator[dict[str, Any]]:
    ready = directory / "simulator.json"
    arguments = [
        *("simulator", "--port", "0", "--users", str(size), "--ready-file", str(ready)),
        *("--key-out", str(directory / "private-key.pem")),
        *("--hourly-limit", "1000000000", "--burst-limit", "1000000000"),
    ]
    child = Child("simulator", arguments, log=directory / "simulator.log")
    try:
        child.wait_until(ready.exists, START_WITHIN_S)
        yield json.loads(ready.read_text())
    finally:
        child.stop()


def _configuration(details: dict[str, Any], directory: Path, port: int) -> dict[str, Any]:
    accounts = [
        {
            "account_id": account["account_id"],
            "alias": account["name"],
            "baseline_profile": account["baseline_profile"],
        }
        for account in details["accounts"]
    ]
    endpoints = ("oauth_url", "admin_url", "jwt_audience", "integration_key", "private_key_file")
    return {
        "server": {"port": port},
        "database": {"url": f"sqlite:///{directory / 'connector.db'}"},
        "logging": {"level": "warning", "format": "json"},
        "jobs": {"enabled": False},
        "docusign": {"environment": "custom", **{name: details[name] for name in endpoints}},
        "tenants": {
            "default": {
                "user_id": details["user_id"],
                "organization_id": details["organization_id"],
                "accounts": accounts,
            }
        },
    }


def _prepare(config: Path) -> tuple[str, People]:
    """Return the token of a new client, and people who all have an external id with it."""
    application = build(load_settings(config), role="cli")
    try:
        _, token = application.clients.add("default", CLIENT)
        _give_external_ids(application)
        with application.tenant("default").context.read() as uow:
            return token, _people(uow, application.tenant("default").settings.accounts[0])
    finally:
        application.close()


def _give_external_ids(application: Application) -> None:
    key = {"tenant": "default", "kind": USER, "scope": CLIENT}
    with (
        application.store.read("default") as uow,
        application.store.database.writing() as connection,
    ):
        after = ""
        while ids := uow.mirror.iter_user_ids(after):
            rows = [{**key, "scim_id": id_, "external_id": external_id(id_)} for id_ in ids]
            put_rows(connection, external_ids, rows)
            after = ids[-1]
        # What the connector does when a client sends one, for all at once.
        own = f'{{"{EXTERNAL_ID_MARK}":"{external_id("")}'
        rest = func.substr(resources.c.document, 2)
        document = literal(own) + resources.c.scim_id + literal('",') + rest
        users = update(resources).where(resources.c.kind == USER)
        connection.execute(users.values(document=document, scopes=CLIENT))
        connection.commit()


def external_id(scim_id: str) -> str:
    """Return the external id that the benchmark's client has for a user."""
    return f"HR-{scim_id}"


def _people(uow: UnitOfWork, account: Any) -> People:
    draw = random.Random(1)
    total = uow.resources.search(ResourceQuery(USER, count=1)).total
    starts = [draw.randrange(max(1, total - 100)) + 1 for _ in range(SAMPLED_PAGES)]
    found = [
        orjson.loads(stored.document.replace(BASE_URL_MARK, ""))
        for start in starts
        for stored in uow.resources.search(ResourceQuery(USER, start_index=start)).resources
    ]
    users = list({item["id"]: item for item in found}.values())
    draw.shuffle(users)
    catalogue = uow.mirror.catalogue()
    named = {group.name: group.scim_id for group in catalogue.groups.values()}
    groups = {size: named[f"Bench {size}"] for size in GROUP_SIZES if f"Bench {size}" in named}
    known = uow.mirror.get_users(item["id"] for item in users)
    wanted = {group_id.partition(".g")[2] for group_id in groups.values()}
    members = [
        item["id"]
        for item in users
        if _is_plain_member(known[item["id"]], account.account_id, wanted)
    ]
    baseline = next(
        profile
        for profile in catalogue.profiles.values()
        if profile.account_id == account.account_id and not profile.is_admin
    )
    return People(users, total, members, baseline.scim_id, groups)


def _is_plain_member(user: User, account_id: str, unwanted: set[str]) -> bool:
    """Return whether a user is an active member of this account alone, and no administrator."""
    if set(user.memberships) != {account_id} or user.is_organization_admin:
        return False
    membership = user.memberships[account_id]
    if membership.status != "active" or membership.is_admin:
        return False
    return not unwanted & membership.group_ids


def add_missing_group(stage: Stage) -> None:
    """Make the group of 10 where the organization is too small to have one."""
    people = stage.people
    if GROUP_SIZES[0] in people.groups:
        return
    members, people.members = people.members[:10], people.members[10:]
    created = stage.post(
        "/Groups",
        {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Bench 10",
            "members": [{"value": member} for member in members],
        },
    )
    people.groups[GROUP_SIZES[0]] = created["id"]


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=1).ok
    except requests.RequestException:
        return False


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
