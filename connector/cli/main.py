"""The command group. Commands are imported when they are used, so that each starts quickly."""

from __future__ import annotations

import os
from importlib import import_module

import click

_COMMANDS = {
    "demo": "connector.cli.demo:demo",
    "serve": "connector.cli.serve:serve",
    "jobs": "connector.cli.serve:jobs",
    "worker": "connector.cli.worker:worker",
    "doctor": "connector.cli.doctor:doctor",
    "sync": "connector.cli.sync:sync",
    "reconcile": "connector.cli.reconcile:reconcile",
    "drift": "connector.cli.drift:drift",
    "adopt": "connector.cli.adopt:adopt",
    "budget": "connector.cli.budget:budget",
    "plan": "connector.cli.plan:plan",
    "tasks": "connector.cli.tasks:tasks",
    "approvals": "connector.cli.approvals:approvals",
    "policy": "connector.cli.policy:policy",
    "audit": "connector.cli.audit:audit",
    "erase": "connector.cli.erase:erase",
    "notify": "connector.cli.notify:notify",
    "client": "connector.cli.clients:client",
    "console": "connector.cli.console:console",
    "export": "connector.cli.export:export",
    "consent": "connector.cli.consent:consent",
    "probe": "connector.cli.probe:probe",
    "key": "connector.cli.keys:key",
    "account": "connector.cli.account:account",
    "tenant": "connector.cli.tenants:tenant",
    "config": "connector.cli.configuration:config",
    "db": "connector.cli.database:db",
}
"""Where each command is, in the order in which the help lists them."""


class _Commands(click.Group):
    """A group that knows its commands by name and imports them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docusign-iga-connector", prog_name="docusign-iga")
def main() -> None:
    """Govern DocuSign from an identity-governance suite, over SCIM 2.0.

    Try it with `docusign-iga demo`. For a real organization, copy config.example.yaml to
    config.yaml and go on with `config check`, `doctor`, `sync`, `client add` and `serve`.
    """
    # What a command writes (database, logs, ready files) holds personal data: for its user alone.
    os.umask(0o077)
