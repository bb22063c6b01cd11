"""``docusign-iga notify``: what is told to whom, and whether it arrived."""

from __future__ import annotations

import click
from rich.table import Table

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.notifications import DeliveryState
from connector.errors import InvalidRequestError, PermanentError
from connector.services.plain_data import delivery_data


@click.group(cls=Commands)
def notify() -> None:
    """List, repeat and try notifications.

    E-mails and webhooks wait in the database until they are delivered. What fails is tried again
    over about five days, then given up; `notify replay` sends it again.
    """


@notify.command("list")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in DeliveryState]),
    help="Only those in this state.",
)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="The most shown."
)
@tenant_options
@handle_errors
def list_deliveries(context: CommandContext, state: str | None, limit: int) -> None:
    """List deliveries, the newest first.

    \b
    Example:
      docusign-iga notify list --state dead
    """
    states = [DeliveryState(state)] if state else []
    found = context.tenant.notifications.list(states, limit)
    table = Table("Delivery", "What", "Channel", "To", "State", "Tried", "Why not")
    for item in found:
        table.add_row(
            item.delivery_id[:8],
            item.notice,
            item.channel,
            item.recipient,
            item.state,
            str(item.attempts),
            item.error or "",
        )
    context.output([delivery_data(item) for item in found], table if found else "There are none.")


@notify.command("replay")
@click.argument("delivery", required=False)
@click.option("--dead", is_flag=True, help="Everything that was given up.")
@tenant_options
@handle_errors
def replay(context: CommandContext, delivery: str | None, dead: bool) -> None:
    """Send DELIVERY, an id or the beginning of one, again; the jobs process does so soon.

    The message keeps its id, so that a receiver that has it already can tell.

    \b
    Example:
      docusign-iga notify replay --dead
    """
    service = context.tenant.notifications
    if dead == bool(delivery):
        raise InvalidRequestError("Name one delivery, or give --dead for all that were given up.")
    if delivery:
        item = service.replay(delivery, cli_actor())
        context.output(delivery_data(item), f"{item.delivery_id} is sent again.")
        return
    count = service.replay_dead(cli_actor())
    context.output({"replayed": count}, f"{count} are sent again.")


@notify.command("test")
@click.argument("channel")
@click.option("--to", "recipient", default="", help="Address, for an e-mail channel.")
@tenant_options
@handle_errors
def test(context: CommandContext, channel: str, recipient: str) -> None:
    """Send a test message through CHANNEL now, and say whether it arrived.

    \b
    Example:
      docusign-iga notify test approvers --to ann@example.com
    """
    item = context.tenant.notifications.test(channel, recipient)
    if item.state is not DeliveryState.DELIVERED:
        raise PermanentError(f"It did not arrive. {item.error}")
    context.output(delivery_data(item), "It arrived.")
