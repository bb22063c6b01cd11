"""The command group. Commands are imported when they are used, so that each starts quickly."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from connector.cli.groups import Commands

_SECTIONS = {
    "Try and set up": {
        "demo": "demo:demo",
        "config": "configuration:config",
        "key": "keys:key",
        "consent": "consent:consent",
        "doctor": "doctor:doctor",
        "probe": "probe:probe",
        "sync": "sync:sync",
        "client": "clients:client",
        "export": "export:export",
        "account": "account:account",
        "tenant": "tenants:tenant",
    },
    "Run": {
        "serve": "serve:serve",
        "worker": "worker:worker",
        "jobs": "serve:jobs",
        "budget": "budget:budget",
        "db": "database:db",
    },
    "Decide and work": {
        "approvals": "approvals:approvals",
        "tasks": "tasks:tasks",
        "policy": "policy:policy",
        "plan": "plan:plan",
        "console": "console:console",
    },
    "Watch and prove": {
        "drift": "drift:drift",
        "reconcile": "reconcile:reconcile",
        "adopt": "adopt:adopt",
        "audit": "audit:audit",
        "notify": "notify:notify",
        "erase": "erase:erase",
    },
}
"""Where each command is below ``connector.cli``, in the order in which the help lists them."""
_COMMANDS = {name: where for section in _SECTIONS.values() for name, where in section.items()}


class _Commands(Commands):
    """A group that knows its commands by name and imports them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def sections(self, ctx: click.Context) -> Mapping[str, Sequence[str]]:
        return {title: list(commands) for title, commands in _SECTIONS.items()}

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"connector.cli.{module}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docusign-iga-connector", prog_name="docusign-iga")
def main() -> None:
    """Govern DocuSign from an identity-governance suite, over SCIM 2.0.

    Try it with `docusign-iga demo`. For a real organization, copy config.example.yaml to
    config.yaml and go on with `key generate`, `config check`, `consent url`, `doctor`, `sync`,
    `client add` and `serve`. Each command has a --help of its own.
    """
    # What a command writes (database, logs, ready files) holds personal data: for its user alone.
    os.umask(0o077)
