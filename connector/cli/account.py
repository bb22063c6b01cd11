"""``docusign-iga account``: profiles, groups and administrators of an account, as a file declares
them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from connector.cli.account_wish import read_wish, written
from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.domain.account_setup.steps import (
    ChangeProfile,
    CreateGroup,
    CreateProfile,
    GrantAdministration,
    RemoveGroup,
    RemoveProfile,
    RevokeAdministration,
    SetupPlan,
    Step,
)
from connector.domain.account_setup.wish import Wish
from connector.domain.naming.names import account_called
from connector.domain.writing import counted
from connector.errors import InvalidRequestError
from connector.services.account_setup import Done

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
_ACCOUNT = click.option("--account", default="", help="Id or alias [default: what FILE says].")
_WHICH = click.option("--account", default="", help="Id or alias [default: the first].")


@click.group(cls=Commands)
def account() -> None:
    """Set up an account: permission profiles, groups, administrators, as a file declares them.

    Nothing is deleted or altered that the file does not name. Applied twice, the second time does
    nothing.

    \b
    Examples:
      docusign-iga account export --account main > main.yaml
      docusign-iga account plan main.yaml --account subsidiary
      docusign-iga account apply main.yaml --account subsidiary
    """


@account.command()
@_WHICH
@tenant_options
@handle_errors
def export(context: CommandContext, account: str) -> None:
    """Write what people have made of an account, in the form that `plan` and `apply` read.

    DocuSign's own profiles are left out: they are the same everywhere.

    \b
    Example:
      docusign-iga account export --account main > main.yaml
    """
    name = account or _first_account(context)
    wish = context.tenant.setup.declared(name)
    context.output({"account": name, **asdict(wish)}, written(name, wish).rstrip())


@account.command("plan")
@_FILE
@_ACCOUNT
@tenant_options
@handle_errors
def show_plan(context: CommandContext, file: Path, account: str) -> None:
    """Compare FILE with an account, and show what `apply` would do.

    \b
    Example:
      docusign-iga account plan main.yaml
    """
    name, wish = _wish(context, file, account)
    plan, _ = context.tenant.setup.plan(name, wish)
    context.output(_to_json(plan), _describe(context, plan))


@account.command()
@_FILE
@_ACCOUNT
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--checksum", help="Only this plan, as `plan --json` shows it.")
@click.option("--allow-many", is_flag=True, help="Even where many people's access changes.")
@tenant_options
@handle_errors
def apply(
    context: CommandContext,
    file: Path,
    *,
    account: str,
    yes: bool,
    checksum: str | None,
    allow_many: bool,
) -> None:
    """Make an account what FILE declares, after showing the plan and asking.

    Each step is written into the audit. Broken off, it goes on when it is applied again.

    \b
    Examples:
      docusign-iga account apply main.yaml
      docusign-iga account apply main.yaml --checksum 3f2a91c04be7d655 --yes
    """
    name, wish = _wish(context, file, account)
    setup = context.tenant.setup
    plan, _ = setup.plan(name, wish)
    if checksum is not None and checksum != plan.checksum:
        raise InvalidRequestError(f"The plan is {plan.checksum} now, not {checksum}.")
    if not context.as_json:
        click.echo(_describe(context, plan))
    if not plan.steps:
        if context.as_json:
            context.output({**_to_json(plan), "done": []}, "")
        return
    if not yes:
        click.confirm("Carry this out in DocuSign?", abort=True, err=True)

    def tell(done: Done) -> None:
        if not context.as_json:
            waits = "  waits for people (see the inbox)" if done.waits else ""
            click.echo(f"done: {_words(done.step)}{waits}")

    done = setup.apply(name, wish, plan.checksum, cli_actor(), allow_many=allow_many, progress=tell)
    if context.as_json:
        steps = [{**_step_to_json(one.step), "waits": one.waits} for one in done]
        context.output({**_to_json(plan), "done": steps}, "")


def _wish(context: CommandContext, file: Path, account: str) -> tuple[str, Wish]:
    named, wish = read_wish(file)
    return account or named or _first_account(context), wish


def _first_account(context: CommandContext) -> str:
    settings = context.tenant.settings
    return settings.default_account or settings.accounts[0].account_id


def _describe(context: CommandContext, plan: SetupPlan) -> str:
    if not plan.steps:
        return "Nothing to do: the account is what the file declares."
    lines = [f"{number}. {_words(step)}" for number, step in enumerate(plan.steps, 1)]
    account = account_called(context.tenant.settings.accounts, plan.account_id)
    return "\n".join(
        [f"Account {account}, plan {plan.checksum}:", *(f"  {line}" for line in lines)]
    )


def _words(step: Step) -> str:  # noqa: PLR0911 - one for each kind of step
    match step:
        case CreateProfile(name, settings):
            listed = ", ".join(f"{key} {value}" for key, value in settings.items())
            return f"create the profile {name!r}" + (f" with {listed}" if listed else "")
        case ChangeProfile():
            listed = ", ".join(
                f"{key} from {step.before[key] or 'nothing'} to {value}"
                for key, value in step.after.items()
            )
            held = counted(step.holders, "user")
            return f"change the profile {step.name!r}, held by {held}: {listed}"
        case RemoveProfile():
            moved = (
                f", from which {counted(step.holders, 'user')} move to {step.successor!r}"
                if step.successor
                else ""
            )
            return f"DELETE the profile {step.name!r}{moved}"
        case CreateGroup(name):
            return f"create the group {name!r}"
        case RemoveGroup():
            return f"DELETE the group {step.name!r}"
        case GrantAdministration():
            return f"let {step.email} administer the account ({step.profile})"
        case RevokeAdministration():
            return f"let {step.email} no longer administer the account"


def _step_to_json(step: Step) -> dict[str, Any]:
    return {"step": type(step).__name__, "description": _words(step), **asdict(step)}


def _to_json(plan: SetupPlan) -> dict[str, Any]:
    return {
        "account_id": plan.account_id,
        "checksum": plan.checksum,
        "affected": plan.affected,
        "steps": [_step_to_json(step) for step in plan.steps],
    }
