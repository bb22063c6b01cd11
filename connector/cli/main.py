"""The command group. Commands are imported when they are used, so that each starts quickly."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

import click

from connector.cli.groups import Commands

_SECTIONS = {
    "Try and set up": {
        "demo": ("demo:demo", "Run the connector in front of a simulated DocuSign."),
        "config": ("configuration:config", "Begin, check and show the configuration."),
        "key": (
            "keys:key",
            (
                "Make, show and replace the RSA key pair of the integration key; make a key for "
                "secrets."
            ),
        ),
        "consent": (
            "consent:consent",
            "Let somebody agree that the connector acts for the service user, and verify it.",
        ),
        "doctor": (
            "doctor:doctor",
            "Look at everything that the connection to DocuSign needs, and say what is missing.",
        ),
        "probe": (
            "probe:probe",
            "Try out how DocuSign behaves, and say which settings follow.",
        ),
        "sync": (
            "sync:sync",
            "Read DocuSign into the mirror: everything, what changed, or one user.",
        ),
        "client": (
            "clients:client",
            "Add, list, rotate and revoke API clients and their bearer tokens.",
        ),
        "docs": ("docs:docs", "Show a document of the manual, or with no NAME the list of them."),
        "export": (
            "export:export",
            "Write what PRODUCT imports: attributes, mappings and settings, without any secret.",
        ),
        "account": (
            "account:account",
            (
                "Set up an account: permission profiles, groups, administrators, as a file "
                "declares them."
            ),
        ),
        "tenant": (
            "tenants:tenant",
            "Add, change, suspend and remove customers without a restart.",
        ),
    },
    "Run": {
        "serve": ("serve:serve", "Serve SCIM, with the jobs process beside it."),
        "worker": (
            "worker:worker",
            "Run jobs beside the others (PostgreSQL): start as many as you like, on any machine.",
        ),
        "jobs": (
            "jobs_process:jobs",
            "Run the scheduled jobs alone; with a command, see and steer them.",
        ),
        "budget": (
            "budget:budget",
            "Show the API calls of this hour, what is left, and what the next sync will take.",
        ),
        "db": ("database:db", "Look after the database."),
    },
    "Decide and work": {
        "approvals": (
            "approvals:approvals",
            "List, show and decide what the policy wants approved.",
        ),
        "tasks": ("tasks:tasks", "List, show and work off manual tasks."),
        "policy": ("policy:policy", "Explain the policy, and try out a changed one."),
        "plan": ("plan:plan", "Show what the SCIM requests in FILE would do, without doing it."),
        "console": (
            "console:console",
            "Manage the console for people, at /console (other tenants: /{tenant}/console).",
        ),
    },
    "Watch and prove": {
        "user": ("user:user", "Show what is known of a person in DocuSign."),
        "drift": (
            "drift:drift",
            "List, show, accept and revert what was changed in DocuSign itself.",
        ),
        "reconcile": (
            "reconcile:reconcile",
            "Compare DocuSign, as it was last read, with what is expected, now.",
        ),
        "adopt": (
            "adopt:adopt",
            (
                "Take over users who existed before the connector: somebody answers for them from "
                "then on."
            ),
        ),
        "audit": (
            "audit:audit",
            "Search, explain, export and verify the record of what happened.",
        ),
        "notify": ("notify:notify", "List, repeat and try notifications."),
        "erase": (
            "erase:erase",
            "Erase a person for good, in DocuSign and in the connector's own records.",
        ),
    },
}
"""Where each command is below ``connector.cli``, in the order in which the help lists them, and the
first sentence of its help: a list of all commands needs none of what they import."""
_COMMANDS = {name: entry for section in _SECTIONS.values() for name, entry in section.items()}


class _Commands(Commands):
    """A group that knows its commands by name and imports them on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def sections(self, ctx: click.Context) -> Mapping[str, Sequence[str]]:
        return {title: list(commands) for title, commands in _SECTIONS.items()}

    def summary(self, ctx: click.Context, name: str) -> str | None:
        return _COMMANDS[name][1]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"connector.cli.{module}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="docusign-iga-connector", prog_name="docusign-iga")
def main() -> None:
    """Govern DocuSign from an identity-governance suite, over SCIM 2.0.

    Try it with `docusign-iga demo`. For a real organization, write `config example` to config.yaml,
    fill it in and go on with `key generate`, `config check`, `consent url`, `doctor`, `sync`,
    `client add` and `serve`. Each command has a --help of its own.
    """
    # What a command writes (database, logs, ready files) holds personal data: for its user alone.
    os.umask(0o077)
