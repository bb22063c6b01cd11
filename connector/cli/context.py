"""What commands share: where the configuration is, which tenant, how to answer, how to fail."""

from __future__ import annotations

import functools
import getpass
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson
from rich.console import Console, RenderableType
from rich.text import Text

from connector.config import load_settings
from connector.domain.authentication.console import ConsoleRole
from connector.domain.tenants.records import INSTALLATION
from connector.domain.writing import counted, visible
from connector.errors import BudgetUsedUpError, ConfigError, ConnectorError, TemporaryError
from connector.logs import configure_logging, correlated, correlation_id
from connector.services.context import Actor, Principal, new_id, person
from connector.settings import Settings

if TYPE_CHECKING:
    from connector.bootstrap import Application, TenantServices

Command = Callable[..., Any]
LATER = 75
"""Exit status where DocuSign's calls are used up: nothing failed, and it goes on or can be repeated
later (``EX_TEMPFAIL`` of sysexits.h)."""
_PLAIN_WIDTH = 160
"""Columns of a table that goes into a file or a pipe, where no terminal says how wide it is."""


@dataclass
class CommandContext:
    """What a command gets. Nothing is read or opened before it is asked for."""

    config_path: Path
    tenant_name: str = "default"
    as_json: bool = False
    quiet: bool = False
    """Only warnings are logged: the command's answer is what its user wants to see."""
    resources: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def settings(self) -> Settings:
        """The checked configuration; logging follows it from here on.

        :raises connector.errors.ConfigError: it cannot be used.
        """
        settings = load_settings(self.config_path, further=_schedule_problems)
        wanted = settings.logging
        quiet = self.quiet and wanted.level == "info"
        configure_logging(replace(wanted, level="warning") if quiet else wanted)
        return settings

    @cached_property
    def application(self) -> Application:
        """The wired application, its database migrated; closed when the command ends."""
        from connector.bootstrap import build  # noqa: PLC0415 - commands without it start faster

        application = build(self.settings, role="cli")
        self.resources.callback(application.close)
        self.resources.enter_context(application.acting(self.tenant_name, cli_actor().name))
        return application

    @property
    def tenant(self) -> TenantServices:
        """The services of the chosen tenant.

        :raises connector.errors.NotFoundError: the configuration has no such tenant.
        """
        return self.application.tenant(self.known_tenant)

    @property
    def known_tenant(self) -> str:
        """The name of the chosen tenant, which the file or the database has.

        :raises connector.errors.NotFoundError: neither has it.
        """
        if self.tenant_name not in self.settings.tenants:  # The database may know it.
            self.application.catalogue.get(self.tenant_name)
        return self.tenant_name

    def output(self, data: Any, human: RenderableType) -> None:
        """Print *data* as JSON where ``--json`` was given, and *human* otherwise."""
        if self.as_json:
            text = orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z)
            click.echo(text.decode())
        elif isinstance(human, str):
            click.echo(visible(human))
        else:
            width = None if sys.stdout.isatty() else _PLAIN_WIDTH
            _Screen(markup=False, emoji=False, highlight=False, width=width).print(human)


class _Screen(Console):
    """Prints names that come from outside: [brackets] and :colons: in them are not markup, and
    what they hide is shown."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def os_login() -> str:
    """Return who runs the command, as the operating system knows them.

    Not as ``LOGNAME`` or ``USER`` say: whoever sets those could act as somebody else, and be two
    people where two are needed.
    """
    try:
        import pwd  # noqa: PLC0415 - there is none on Windows
    except ImportError:
        return getpass.getuser()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user needs no name
        return f"uid-{os.getuid()}"


def cli_actor() -> Actor:
    """Return on whose behalf a command acts: whoever is signed in at the operating system."""
    return Actor(f"user:{os_login()}", "cli", correlation_id() or new_id())


def cli_person() -> Principal:
    """Return the same as a person who decides: whoever may run commands administers the
    connector."""
    return person(
        os_login(),
        source="cli",
        correlation_id=correlation_id() or new_id(),
        roles=[ConsoleRole.ADMINISTRATOR],
    )


def config_option(command: Command) -> Command:
    """Give a command ``--config`` and a :class:`CommandContext` as its first argument."""

    @_config
    @functools.wraps(command)
    def wrapper(config_path: Path, **arguments: Any) -> Any:
        with ExitStack() as resources:
            return command(CommandContext(config_path, resources=resources), **arguments)

    return wrapper


def tenant_options(command: Command) -> Command:
    """Give a command ``--config``, ``--tenant`` and ``--json``, and a :class:`CommandContext`."""

    @_config
    @click.option("--tenant", default="default", show_default=True, help="Whose data.")
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
    @functools.wraps(command)
    def wrapper(config_path: Path, tenant: str, as_json: bool, **arguments: Any) -> Any:
        with ExitStack() as resources:
            resources.enter_context(correlated())
            context = CommandContext(config_path, tenant, as_json, True, resources)
            return command(context, **arguments)

    return wrapper


def installation_options(command: Command) -> Command:
    """Give a command ``--config`` and ``--json``, and a :class:`CommandContext`: for what concerns
    no single tenant."""

    @_config
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
    @functools.wraps(command)
    def wrapper(config_path: Path, as_json: bool, **arguments: Any) -> Any:
        with ExitStack() as resources:
            resources.enter_context(correlated())
            context = CommandContext(config_path, INSTALLATION, as_json, True, resources)
            return command(context, **arguments)

    return wrapper


_config = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="config.yaml",
    envvar="DOCUSIGN_IGA_CONFIG",
    show_default=True,
    show_envvar=True,
    help="The configuration file.",
)


def handle_errors(command: Command) -> Command:
    """Let a command end with one readable message and status 1 where the connector refuses, 75
    where it has to wait for DocuSign's calls."""

    @functools.wraps(command)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except ConnectorError as error:
            click.echo(visible(_message(error)), err=True)
            sys.exit(LATER if isinstance(error, BudgetUsedUpError) else 1)

    return wrapper


def _message(error: ConnectorError) -> str:
    if isinstance(error, ConfigError):
        count = len(error.problems)
        many = "" if count == 1 else f" ({count} problems)"
        title = f"The configuration cannot be used{many}:"
        return "\n".join([title, *(f"  {problem}" for problem in error.problems)])
    if isinstance(error, TemporaryError):
        return f"Error: {error}\nTry again in {counted(round(error.retry_after_s), 'second')}."
    return f"Error: {error}"


def _schedule_problems(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    from connector.services.jobs.schedule_problems import schedule_problems  # noqa: PLC0415 - only for a bad file

    yield from schedule_problems(data)
