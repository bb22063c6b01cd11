"""``docusign-iga probe``: how does DocuSign behave where its documentation is silent?"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from connector.cli.context import CommandContext, cli_actor, handle_errors, tenant_options
from connector.config import load_settings
from connector.config.editing import snippet, with_behaviour
from connector.domain.diagnosis.probing import Answer, settings_of
from connector.domain.naming.names import account_called
from connector.domain.writing import counted
from connector.errors import ConfigError, PermanentError
from connector.services.doctor.probe import ESTIMATE, MADE


@click.command()
@click.option("--account", help="Id or alias of the account; the first, if left out.")
@click.option(
    "--domain",
    default="example.com",
    show_default=True,
    help="Of the addresses of the users that are made: DocuSign writes to them.",
)
@click.option("--yes", is_flag=True, help="Do not ask before users are made.")
@click.option("--force", is_flag=True, help="In production too. Closed users stay there for ever.")
@click.option("--write", is_flag=True, help="Write the settings into the configuration file.")
@click.option("--clean-up", is_flag=True, help="Only remove what a probe that was killed left.")
@tenant_options
@handle_errors
def probe(
    context: CommandContext,
    *,
    account: str | None,
    domain: str,
    yes: bool,
    force: bool,
    write: bool,
    clean_up: bool,
) -> None:
    """Try out how DocuSign behaves, and say which settings follow.

    Some facts are documented nowhere, or in two ways: how a closed user is opened again, whether
    lists carry groups, how large a page may be. The probe makes up to three users and one group of
    its own in a demo account, tries, closes and deletes them, and touches nobody else's. What was
    made is written down first: a probe that was killed is cleaned up by the next one.

    It prints the settings for docusign.behaviour; --write puts them into the file. What takes
    people or would do harm is not tried: delegated administrators, used-up limits, the last
    administrator. `docusign-iga docs docusign` explains each.

    \b
    Examples:
      docusign-iga probe
      docusign-iga probe --account main --yes --write
      docusign-iga probe --clean-up
    """
    service, actor = context.tenant.probe, cli_actor()
    if clean_up:
        gone = service.clean_up(actor)
        context.output(
            {"removed": gone},
            f"Removed what a probe had made: {counted(gone, 'user or group', 'users and groups')}.",
        )
        return
    account_id = _account(context, account)
    if not yes:
        _ask(service.environment, account_called(context.tenant.settings.accounts, account_id))
    with Console(stderr=True).status("Trying ...") as status:
        answers = service.run(
            actor, account_id=account_id, domain=domain, force=force, report=status.update
        )
    settings = settings_of(answers)
    context.output(_as_data(answers, account_id), _words(answers))
    if write:
        _write(context.config_path, settings)
        click.echo(f"{context.config_path} was changed; the file before has .bak.", err=True)


def _account(context: CommandContext, named: str | None) -> str:
    accounts = context.tenant.settings.accounts
    if named is None:
        return accounts[0].account_id
    found = next((a for a in accounts if named in (a.account_id, a.alias)), None)
    if found is None:
        known = ", ".join(a.alias or a.account_id for a in accounts)
        raise PermanentError(f"There is no account {named!r}. Accounts: {known}.")
    return found.account_id


def _ask(environment: str, account: str) -> None:
    click.confirm(
        f"In account {account}, {environment}, this makes {MADE}, and removes them again. It "
        f"costs about {ESTIMATE} calls to DocuSign. Go on?",
        abort=True,
        err=True,
    )


def _words(answers: Sequence[Answer]) -> str:
    lines = []
    for item in answers:
        question = item.question
        lines += [question.asks, f"  {item.clarity}: {item.found}", f"  why: {question.matters}"]
        if item.value is not None:
            lines.append(f"  setting: docusign.behaviour.{question.setting}: {item.value}")
    return "\n".join([*lines, "", snippet(settings_of(list(answers))).rstrip()])


def _as_data(answers: Sequence[Answer], account_id: str) -> dict[str, object]:
    return {
        "account_id": account_id,
        "answers": [
            {
                "code": item.question.code,
                "question": item.question.asks,
                "matters": item.question.matters,
                "clarity": item.clarity,
                "found": item.found,
                "setting": item.question.setting or None,
                "value": item.value,
            }
            for item in answers
        ],
        "behaviour": settings_of(list(answers)),
    }


def _write(path: Path, settings: dict[str, str | int | float]) -> None:
    """Change the file, if what comes out of it can be used.

    :raises PermanentError: it cannot; the file is as it was.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        after = with_behaviour(path.read_text(encoding="utf-8"), settings)
        # Copies first: who may not read the file, with its secrets, may not read these either.
        shutil.copy2(path, draft)
        draft.write_text(after, encoding="utf-8")
        load_settings(draft)
        shutil.copy2(path, path.with_name(f"{path.name}.bak"))
        draft.replace(path)
    except (OSError, ValueError, ConfigError) as error:
        draft.unlink(missing_ok=True)
        raise PermanentError(
            f"{path} was left as it is ({error}). Enter the settings by hand."
        ) from error
