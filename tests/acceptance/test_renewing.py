"""Refresh tokens and real processes: DocuSign lets each token work once, and no process loses the
connection for another."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from connector.app import create_app
from connector.bootstrap import build
from connector.config import load_settings
from connector.domain.consent.code_grants import CodeGrant
from tests import databases
from tests.acceptance.processes import on_socket, wait_until, write_config
from tests.ports import free_port
from tests.simulated import Simulated, simulated
from tests.visitors import ROOT

PROCESSES = 4
READ_TIMEOUT_S = 45
"""The longest that the settings take: all processes have to start in this time."""
WITHIN_S = 240.0
MARKING = """
import os, pathlib, sys
from connector.docusign.code_grant import CodeGranter
from connector.cli import main

place, take = pathlib.Path(sys.argv.pop(1)), CodeGranter._take_lease

def marking(self, owner):
    (place / str(os.getpid())).touch()
    return take(self, owner)

CodeGranter._take_lease = marking
main()
"""
"""The command line, which leaves a file in a directory once it goes to renew."""


@pytest.fixture
def world() -> Iterator[Simulated]:
    world = simulated(50)
    with on_socket(world):
        yield world


@pytest.fixture(params=["sqlite", "postgresql"])
def config(request: pytest.FixtureRequest, world: Simulated, tmp_path: Path) -> Iterator[Path]:
    if request.param == "sqlite":
        yield _by_sign_in(tmp_path, world, f"sqlite:///{tmp_path / 'connector.db'}")
        return
    server = request.getfixturevalue("postgresql_server")
    with databases.postgresql_database(server, "renewing") as settings:
        yield _by_sign_in(
            tmp_path, world, settings.url.replace("postgresql://", "postgresql+psycopg://")
        )


def test_processes_that_renew_at_once_use_no_token_twice(world: Simulated, config: Path) -> None:
    before = _sign_in(world, config)
    renewing = config.parent / "renewing"
    renewing.mkdir()
    used = _watched(world, until=lambda: len(list(renewing.iterdir())) >= PROCESSES)
    # This command asks for a new token whatever is known.
    command = [sys.executable, "-c", MARKING, str(renewing)]
    command += ["consent", "verify", "--config", str(config)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(PROCESSES)
    ]
    told = [process.communicate(timeout=WITHIN_S)[0] for process in processes]

    assert [process.returncode for process in processes] == [0] * PROCESSES, told
    assert len(used) == len(set(used)), "a token was sent twice: DocuSign ends such a connection"
    assert 1 <= len(used) < PROCESSES, "who waited takes what the other one got"
    after = _grant(config)
    assert after.generation == before.generation + len(used)
    assert not any(value in output for value in used for output in told)
    # What was written down last is the token that still works.
    again = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stderr
    assert len(used) == len(set(used))


def _by_sign_in(directory: Path, world: Simulated, database_url: str) -> Path:
    """Write the configuration of a customer who refuses impersonation."""
    port = free_port()
    path = write_config(directory, world, port)
    content = yaml.safe_load(path.read_text())
    content["tenants"]["default"]["grant"] = "authorization_code"
    content["docusign"]["read_timeout_s"] = READ_TIMEOUT_S
    content["docusign"]["client_secret"] = world.details["client_secret"]
    content["database"] = {"url": database_url, "encryption_key": "k" * 40}
    path.write_text(yaml.safe_dump(content))
    return path


def _sign_in(world: Simulated, config: Path) -> CodeGrant:
    """Connect as the service user; return the grant."""
    application = build(load_settings(config), role="cli")
    try:
        services = application.tenant("default")
        redirect_uri = services.consent.redirect_uri
        next(iter(world.state.applications.by_key.values())).redirect_uris.add(redirect_uri)
        link = services.connecting.begin(ROOT).removeprefix(world.base_url)
        form = {"decision": "accept", "user_id": world.state.service_user_id}
        answer = world.app.test_client().post(link, data=form, base_url=world.base_url)
        back = answer.headers["Location"].partition("/consent/")[2]
        page = create_app(application).test_client().get(f"/consent/{back}")
        assert "<h1>Connected</h1>" in page.text
        grant = services.connecting.grant()
        assert grant is not None
        return grant
    finally:
        application.close()


def _grant(config: Path) -> CodeGrant:
    application = build(load_settings(config), role="cli")
    try:
        grant = application.tenant("default").connecting.grant()
        assert grant is not None
        return grant
    finally:
        application.close()


def _watched(world: Simulated, until: Callable[[], bool]) -> list[str]:
    """Return a list of the refresh tokens that DocuSign gets to see from now on; no request for a
    token is answered before *until*: that the others ask too while one is renewing."""
    used: list[str] = []
    applications = world.state.applications
    redeem = applications.redeem_refresh

    def redeem_refresh(application, value, *, again):
        used.append(value)
        return redeem(application, value, again=again)

    answer = world.app.wsgi_app

    def waiting(environ, start_response):
        if environ["PATH_INFO"].endswith("/oauth/token"):
            wait_until(until, READ_TIMEOUT_S)
        return answer(environ, start_response)

    applications.redeem_refresh = redeem_refresh  # type: ignore[method-assign]
    world.app.wsgi_app = waiting  # type: ignore[method-assign]
    return used
