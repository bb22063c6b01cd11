"""``docusign-iga config``: is the configuration good, and what does it amount to."""

from __future__ import annotations

import sys

import click
import yaml

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.config import masked
from connector.errors import ConfigError
from connector.services.jobs.schedule_problems import require_known_jobs


@click.group(cls=Commands)
def config() -> None:
    """Check and show the configuration.

    \b
    Example:
      docusign-iga config check --config /etc/docusign-iga/config.yaml
    """


@config.command()
@tenant_options
@handle_errors
def check(context: CommandContext) -> None:
    """Check the whole file; tell every problem with its path in the file.

    DocuSign is not asked: `docusign-iga doctor` does that.

    \b
    Example:
      docusign-iga config check --config config.yaml
    """
    try:
        settings = context.settings
        require_known_jobs(settings)
    except ConfigError as error:
        if not context.as_json:
            raise
        context.output({"ok": False, "problems": list(error.problems)}, "")
        sys.exit(1)
    accounts = {name: len(tenant.accounts) for name, tenant in settings.tenants.items()}
    listed = ", ".join(f"{name} ({count})" for name, count in accounts.items())
    context.output(
        {"ok": True, "config": str(context.config_path), "accounts_by_tenant": accounts},
        f"{context.config_path} is good. Tenants, with the number of their accounts: {listed}.",
    )


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
