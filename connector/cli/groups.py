"""How groups of commands show what they have, and what they say to a misspelled name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

_WHOLE = 300
"""Characters that no first sentence of a help text reaches: none is cut."""


class Commands(click.Group):
    """A group whose help tells the first sentence of each command whole."""

    def sections(self, ctx: click.Context) -> Mapping[str, Sequence[str]]:
        """Return the names of the commands under the titles that the help gives them."""
        return {"Commands": self.list_commands(ctx)}

    def summary(self, ctx: click.Context, name: str) -> str | None:
        """Return the first sentence of a command's help, None for one that is hidden."""
        command = self.get_command(ctx, name)
        if command is None or command.hidden:
            return None
        return command.get_short_help_str(_WHOLE)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, names in self.sections(ctx).items():
            rows = [
                (name, summary)
                for name in names
                if (summary := self.summary(ctx, name)) is not None
            ]
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from mappings.wording import nearest  # noqa: PLC0415 - only after a mistake

            # click itself knows only commands that are imported already.
            close = nearest(args[0], self.list_commands(ctx), at_most=2)
            if not close or getattr(error, "possibilities", None):
                raise
            raise click.UsageError(
                f"{error.message} Did you mean {' or '.join(close)}?", ctx
            ) from error
