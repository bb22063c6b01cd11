"""``docusign-iga jobs``: the process that runs them, and the commands about them."""

from __future__ import annotations

import click

from connector.cli.context import CommandContext, config_option, handle_errors
from connector.cli.groups import Commands


class _Subcommands(Commands):
    """The commands of :mod:`connector.cli.jobs`, imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["list", "run", "pause", "resume", "history"]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        from connector.cli import jobs as commands  # noqa: PLC0415 - the process starts faster

        known = {**vars(commands), "list": commands.list_jobs}
        return known[cmd_name] if cmd_name in self.list_commands(ctx) else None


@click.group(cls=_Subcommands, invoke_without_command=True)
@config_option
@handle_errors
def jobs(context: CommandContext) -> None:
    """Run the scheduled jobs alone; with a command, see and steer them.

    `serve` starts this by itself unless jobs.enabled is false. Start it on its own where the web
    servers run elsewhere. On PostgreSQL it is a `worker`.

    \b
    Example:
      docusign-iga jobs --config /etc/docusign-iga/config.yaml
      docusign-iga jobs list --config /etc/docusign-iga/config.yaml
    """
    if click.get_current_context().invoked_subcommand is not None:
        return
    from connector.cli.worker import run_jobs_process  # noqa: PLC0415 - the commands need none

    run_jobs_process(context)
