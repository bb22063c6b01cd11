"""``docusign-iga config``: is the configuration good, and what does it amount to."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import click
import yaml
from sqlalchemy.engine import make_url

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.config import masked
from connector.errors import ConfigError, TemporaryError
from connector.services.context import WaysIn
from connector.services.jobs.schedule_problems import require_known_jobs
from connector.services.tenants.mirrored_names import approvers_nobody_is, unknown_names
from connector.settings import Settings


@click.group(cls=Commands)
def config() -> None:
    """Begin, check and show the configuration.

    \b
    Example:
      docusign-iga config check --config /etc/docusign-iga/config.yaml
    """


@config.command()
@tenant_options
@handle_errors
def check(context: CommandContext) -> None:
    """Check the whole file; tell every problem with its path in the file.

    Where the database is there and can be read, its tenants, accounts and organization are held
    against those of the file, as `serve` does; and so are the names of baseline profiles and of
    rules, as far as a sync has read what the accounts have. A rule that covers nothing is a
    warning, and so is an approver who cannot be anybody (a group where no identity provider lets
    people in, or a person without an account), and a `serve` or `worker` that runs with another
    version of the file: restart it. DocuSign is not asked: `docusign-iga doctor` does that.

    \b
    Example:
      docusign-iga config check --config config.yaml
    """
    try:
        settings = context.settings
        require_known_jobs(settings)
        warnings = _held_against_database(settings, context.config_path)
    except ConfigError as error:
        if not context.as_json:
            raise
        context.output({"ok": False, "problems": list(error.problems)}, "")
        sys.exit(1)
    accounts = {name: len(tenant.accounts) for name, tenant in settings.tenants.items()}
    listed = ", ".join(f"{name} ({count})" for name, count in accounts.items())
    good = f"{context.config_path} is good. Tenants, with the number of their accounts: {listed}."
    context.output(
        {
            "ok": True,
            "config": str(context.config_path),
            "accounts_by_tenant": accounts,
            "warnings": list(warnings),
        },
        "\n".join([good, *(f"Warning: {warning}" for warning in warnings)]),
    )


def _held_against_database(settings: Settings, path: Path) -> Sequence[str]:
    """Hold the file against the database; return warnings. One that is not there yet has no
    accounts of the console. Before its migration and where it cannot be reached, as on another
    machine, the file alone is checked, and a warning says so.

    :raises ConfigError: what the file says is not so.
    """
    file = Path(make_url(settings.database.url).database or "")
    ways_in = WaysIn.of(settings)
    if not settings.database.is_postgresql and not file.is_file():
        return list(approvers_nobody_is(settings.tenants, ways_in, is_new=True))
    by_file = list(approvers_nobody_is(settings.tenants, ways_in))
    # Commands that need no database start faster.
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

    from connector.services.monitoring.running import checksum_of, outdated  # noqa: PLC0415
    from connector.services.tenants.declarations import declaration_problems  # noqa: PLC0415
    from connector.store import open_database  # noqa: PLC0415

    try:
        store = open_database(settings.database)
    except ConfigError as error:  # Such as without the driver, which only who serves needs.
        return [*by_file, _only_the_file(str(error))]
    try:
        with closing(store):
            current, newest = store.revisions()
            if current != newest:
                is_new = current is None
                told = approvers_nobody_is(settings.tenants, ways_in, is_new=is_new)
                why = "`docusign-iga db upgrade` or `serve` has to migrate it."
                return [*told, _only_the_file(why)]
            now = datetime.now(UTC)
            absent, warnings = unknown_names(store, settings.tenants, ways_in, now)
            stale = outdated(store, checksum_of(path), path, now)
            problems = [*declaration_problems(store, settings.tenants), *absent]
    except (TemporaryError, SQLAlchemyError) as error:
        return [*by_file, _only_the_file(str(error).partition("\n")[0])]
    if problems:
        raise ConfigError(problems)
    return [*warnings, *stale]


def _only_the_file(why: str) -> str:
    return f"Only the file was checked, and not what the database has of its tenants: {why}"


@config.command()
def example() -> None:
    """Print a configuration to begin with: every setting with its unit, its default and when to
    change it.

    \b
    Example:
      docusign-iga config example > config.yaml
    """
    text = resources.files("connector.config").joinpath("config.example.yaml").read_text("utf-8")
    click.echo(text, nl=False)


@config.command()
@tenant_options
@handle_errors
def show(context: CommandContext) -> None:
    """Show every setting as it is in effect, defaults included and secrets masked.

    \b
    Example:
      docusign-iga config show --json
    """
    shown = masked(context.settings)
    context.output(shown, yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip())
