"""``docusign-iga demo``: a connector in front of a simulated DocuSign, ready to be tried."""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import requests
import yaml
from rich.console import Console

from connector.bootstrap import Application, build
from connector.cli.context import handle_errors
from connector.cli.demo_directory import demo_directory
from connector.cli.demo_guide import Guide, print_guide
from connector.cli.processes import Child, require_free_port, stopped_by_signals
from connector.cli.reconcile import reconcile_with_bar
from connector.cli.sync import sync_with_bar
from connector.config import load_settings
from connector.domain.authentication.api_clients import Scope
from connector.domain.authentication.console import ConsoleRole
from connector.domain.ledger.plans import Fulfilment
from connector.domain.model import ORGANIZATION_ADMIN
from connector.domain.writing import counted
from connector.errors import PermanentError
from connector.logs import configure_logging
from connector.services.context import Actor, new_id
from connector.settings import LoggingSettings

_START_WITHIN_S = 60.0
_CLIENT = "iga"
"""Another name than the person's: nobody decides on what they asked for, under whatever name."""
_PERSON = "demo"
_ADDRESS = "demo@northwind.example"
"""Who signs in to the console."""
_BY_APPROVAL = {
    "match": "*Admin*",
    "kind": "profile",
    "fulfilment": "approval",
    "risk": "critical",
    "owner": "identity-team@northwind.example",
}
"""The demo's policy: administration of an account waits for an approval."""


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Port of the connector; 0: any free.",
)
@click.option(
    "--users",
    type=click.IntRange(10, 1_000_000),
    default=2000,
    show_default=True,
    help="People in the simulated DocuSign.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where database, configuration and logs go, made anew by each demo "
    "[default: a directory that is removed].",
)
@click.option(
    "--ready-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a JSON object with addresses, token, console password and pids when all answers.",
)
@click.option("--workers", default=1, show_default=True, help="Web worker processes.")
@click.option(
    "--export",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Seed from DocuSign's own user-list export (CSV) instead of invented people.",
)
@handle_errors
def demo(  # noqa: PLR0917 -- click passes by name
    port: int,
    users: int,
    data_dir: Path | None,
    ready_file: Path | None,
    workers: int,
    export: Path | None,
) -> None:
    """Run the connector in front of a simulated DocuSign.

    Nothing outside this machine is touched. The simulator invents an organization with three
    accounts, or takes yours from the user-list export of DocuSign Admin; everything that the
    connector does to it is real. Ctrl-C ends both.

    \b
    Examples:
      docusign-iga demo
      docusign-iga demo --users 20000 --port 9000
      docusign-iga demo --export user_list.csv
    """
    console = Console(stderr=True)
    with ExitStack() as stack:
        stop = stack.enter_context(stopped_by_signals())
        directory = stack.enter_context(demo_directory(data_dir))
        if port:
            require_free_port("127.0.0.1", port)
        stage = _Stage(directory, port or _free_port(), workers, console)
        source = f"from {export}" if export else f"with {counted(users, 'person', 'people')}"
        console.print(f"Starting a simulated DocuSign {source} ...", markup=False, highlight=False)
        simulator = stack.enter_context(stage.simulator(users, export))
        token = stage.prepare(simulator.details)
        serving = stack.enter_context(stage.connector())
        ready = stage.ready(simulator, serving, token)
        print_guide(Guide(console=Console(), **ready["guide"]))
        if ready_file is not None:
            _write(ready_file, {key: value for key, value in ready.items() if key != "guide"})
        _watch(stop, [simulator.child, serving])
        console.print("Ending ...")


@dataclass(frozen=True)
class _Simulator:
    child: Child
    details: dict[str, Any]


class _Stage:
    """The parts of a demo, started one after the other."""

    def __init__(self, directory: Path, port: int, workers: int, console: Console) -> None:
        self._directory = directory
        self._port = port
        self._workers = workers
        self._console = console
        self._config = directory / "config.yaml"
        self._password = secrets.token_urlsafe(12)

    @contextmanager
    def simulator(self, users: int, export: Path | None) -> Iterator[_Simulator]:
        """Start the simulated DocuSign in a process of its own."""
        ready = self._directory / "simulator.json"
        source = ["--export", str(export)] if export else ["--users", str(users)]
        arguments = [
            *("simulator", "--port", "0", *source, "--ready-file", str(ready)),
            *("--parent", str(os.getpid())),
            *("--key-out", str(self._directory / "private-key.pem")),
            # A demo is played with, not rationed: the limits of a real account are 3,000 and 500.
            *("--hourly-limit", "1000000", "--burst-limit", "1000000"),
        ]
        child = Child("simulator", arguments, log=self._directory / "simulator.log")
        try:
            child.wait_until(ready.exists, _START_WITHIN_S)
            yield _Simulator(child, json.loads(ready.read_text()))
        finally:
            child.stop()

    def prepare(self, details: dict[str, Any]) -> str:
        """Write the configuration, fill the mirror, and return a token of a new client."""
        self._config.write_text(yaml.safe_dump(self._configuration(details), sort_keys=False))
        # So that consent can be given and taken back in the demo too.
        uris = f"{details['url']}/_simulator/redirect-uris"
        callback = {"redirect_uri": f"{self._url}/consent/callback"}
        requests.put(uris, json=callback, timeout=_START_WITHIN_S).raise_for_status()
        settings = load_settings(self._config)
        configure_logging(LoggingSettings(level="warning"))
        application = build(settings, role="cli")
        try:
            tenant, actor = application.tenant("default"), Actor("job:demo", "cli", new_id())
            sync_with_bar(tenant, self._console)
            # The baseline of drift, taken before anybody changes anything; the job is not due then.
            reconcile_with_bar(tenant, actor, self._console)
            scopes = frozenset({Scope.READ, Scope.WRITE})
            _, token = application.clients.add("default", _CLIENT, scopes=scopes)
            application.console_accounts.add(
                "default",
                _PERSON,
                self._password,
                [ConsoleRole.ADMINISTRATOR],
                actor,
                display_name="Demo Administrator",
                email=_ADDRESS,
            )
            self._facts = _guide_facts(application)
        finally:
            application.close()
        return token

    @contextmanager
    def connector(self) -> Iterator[Child]:
        """Start the connector and wait until it answers."""
        arguments = ["connector.cli", "serve", "--config", str(self._config)]
        child = Child("connector", arguments, log=self._directory / "connector.log")
        try:
            child.wait_until(self._answers, _START_WITHIN_S)
            yield child
        finally:
            child.stop()

    def ready(self, simulator: _Simulator, serving: Child, token: str) -> dict[str, Any]:
        """Return what scripts and people have to know."""
        scim_url = f"{self._url}/scim/v2"
        return {
            **self._console_facts,
            "scim_url": scim_url,
            "token": token,
            "simulator_url": simulator.details["url"],
            "config": str(self._config),
            "pids": {
                "demo": os.getpid(),
                "connector": serving.pid,
                "simulator": simulator.child.pid,
            },
            "guide": {
                **self._console_facts,
                "scim_url": scim_url,
                "token": token,
                "simulator_url": simulator.details["url"],
                "config": str(self._config),
                "command": str(Path(sys.executable).with_name("docusign-iga")),
                **self._facts,
            },
        }

    @property
    def _console_facts(self) -> dict[str, str]:
        return {
            "console_url": f"{self._url}/console",
            "console_login": _PERSON,
            "console_password": self._password,
        }

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._url}/healthz", timeout=1).ok
        except requests.RequestException:
            return False

    def _configuration(self, details: dict[str, Any]) -> dict[str, Any]:
        names = [account["name"] for account in details["accounts"]]
        accounts = [
            {
                "account_id": account["account_id"],
                "alias": _alias(account, names),
                "baseline_profile": account["baseline_profile"],
            }
            for account in details["accounts"]
        ]
        return {
            "server": {"port": self._port, "workers": self._workers},
            "database": {"url": f"sqlite:///{self._directory / 'connector.db'}"},
            "docusign": {
                "environment": "custom",
                "oauth_url": details["oauth_url"],
                "admin_url": details["admin_url"],
                "jwt_audience": details["jwt_audience"],
                "integration_key": details["integration_key"],
                "private_key_file": details["private_key_file"],
                # It shows at once what was written, so that the guide may change it at once.
                "behaviour": {"read_after_write_s": 0},
            },
            "tenants": {
                "default": {
                    "user_id": details["user_id"],
                    "organization_id": details["organization_id"],
                    "accounts": accounts,
                    "entitlements": [_BY_APPROVAL],
                    "manual_roles": {ORGANIZATION_ADMIN: _by_hand(details["url"])},
                }
            },
        }


def _by_hand(simulator_url: str) -> dict[str, Any]:
    """Return the steps of the role that no API grants, which lead to the simulator's page: nobody
    who tries the demo is to change a real DocuSign."""
    begin = f"Open {simulator_url}/administrators, which stands for DocuSign Admin in this demo."
    end, role = "The task closes by itself once DocuSign", "as an organization administrator"
    return {
        # A button that says Open DocuSign; the steps have the address.
        "deep_link": None,
        "instructions": {
            "grant": [
                begin,
                "Under Add Administrator enter {email}; choose Add as organization administrator.",
                f"{end} reports {{email}} ({{user_id}}) {role}.",
            ],
            "revoke": [
                begin,
                "Find {email} in the list and choose Remove.",
                f"{end} no longer reports {{email}} ({{user_id}}) {role}.",
            ],
        },
    }


def _alias(account: Mapping[str, str], names: Sequence[str]) -> str:
    """Return a name that no other account of the organization has: several may be called alike."""
    name = account["name"]
    return name if names.count(name) == 1 else f"{name} {account['account_id'][:8]}"


def _guide_facts(application: Application) -> dict[str, Any]:
    """Return ids that the examples use: two profiles and a group of the default account."""
    services = application.tenant("default")
    with services.context.read() as uow:
        catalogue = uow.mirror.catalogue()
    book = services.context.book(catalogue)
    account_id = book.default_account
    baseline = book.baseline(account_id)
    others = [
        profile
        for profile in catalogue.profiles.values()
        if profile.account_id == account_id and not profile.is_admin and profile != baseline
    ]
    groups = [
        group
        for group in catalogue.groups.values()
        if group.account_id == account_id and not group.group_type.is_built_in
    ]
    # An organization of somebody's own may have one profile, or no group that can be changed.
    guarded = [
        profile
        for profile in catalogue.profiles.values()
        if profile.account_id == account_id
        and services.context.policy.fulfilment_of(profile.scim_id, catalogue) is Fulfilment.APPROVAL
    ]
    return {
        "first": baseline,
        "second": others[0] if others else None,
        "group": groups[0] if groups else None,
        "guarded": guarded[0] if guarded else None,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write(path: Path, content: dict[str, Any]) -> None:
    """Write a file so that a reader sees all of it or nothing; it holds a token."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.rename(path)


def _watch(stop: threading.Event, children: list[Child]) -> None:
    """Wait for the signal to end; a child that ends by itself is an error."""
    while not stop.wait(0.5):
        for child in children:
            if not child.is_running():
                sys.stderr.flush()
                raise PermanentError(f"The {child.name} ended unexpectedly; see its log.")
