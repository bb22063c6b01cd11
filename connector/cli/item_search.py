"""``--person``, ``--entitlement`` and ``--requester``: which work items a command lists."""

from __future__ import annotations

import functools
from typing import Any

import click

from connector.cli.context import Command, CommandContext
from connector.domain.work_items.items import WorkItemFilter


def search_options(command: Command) -> Command:
    """Give a command these options, and ``wanted``, what they ask for. It goes below what gives the
    command its context."""

    @click.option(
        "--person", default="", help="Whom it is about: parts of name or address, or the id."
    )
    @click.option(
        "--entitlement", default="", help="Parts of its name or of its account's, or its id."
    )
    @click.option("--requester", default="", help="A part of who asked, such as client:iga.")
    @functools.wraps(command)
    def wrapper(
        context: CommandContext, person: str, entitlement: str, requester: str, **arguments: Any
    ) -> Any:
        wanted = WorkItemFilter(person, entitlement, requester)
        return command(context, wanted=wanted, **arguments)

    return wrapper
