"""``docusign-iga drift accept`` and ``revert``: of a few findings by id, or of all that fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from connector.cli.acting_as import as_option
from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import OPEN_FINDINGS, FindingState
from connector.domain.drift.remedies import Remedy
from connector.domain.writing import LEAST_WORDS, counted, noun, says_something
from connector.errors import PermanentError
from connector.services.context import Principal
from connector.services.drift.decisions import Choice, Decided, DriftDecisions, Wanted
from connector.services.drift.desk import FindingView
from connector.services.plain_data import finding_data

_SHOWN = 50
"""Findings that a preview prints for people; --json has them all."""


@dataclass(frozen=True)
class Verb:
    """Accepting or reverting, in words."""

    name: str
    done: str


ACCEPT, REVERT = Verb("accept", "Accept"), Verb("revert", "Put right")


def filters(command: Any) -> Any:
    """Give a command the options that say which findings are meant."""
    for option in (
        click.option("--user", default="", help="Of one user: id or address."),
        click.option("--attribute", default="", help="Of this attribute: profile, group, name ..."),
        click.option(
            "--entitlement", default="", help="Of this profile, group or role: id or name, * and ?."
        ),
        click.option("--account", default="", help="Of one account: id, alias or name, * and ?."),
        click.option(
            "--policy",
            "remedies",
            multiple=True,
            type=click.Choice([str(remedy) for remedy in Remedy]),
            help="Of which the policy says so; may be given several times.",
        ),
        click.option(
            "--class",
            "kinds",
            multiple=True,
            type=click.Choice([str(kind) for kind in DriftKind]),
            help="Of this class; may be given several times.",
        ),
    ):
        command = option(command)
    return command


def _decision(command: Any) -> Any:
    for option in (
        click.option("--yes", is_flag=True, help="Do not ask before many are decided."),
        click.option("--dry-run", is_flag=True, help="Show what would be done; change nothing."),
        click.option("--limit", type=click.IntRange(1), help="The newest so many that fit."),
        click.option(
            "--state",
            "states",
            multiple=True,
            type=click.Choice([str(state) for state in OPEN_FINDINGS]),
            help="Where they stand; without, open.",
        ),
    ):
        command = option(command)
    return filters(command)


@click.command("accept")
@click.argument("findings", nargs=-1)
@click.option("--reason", default="", help=f"Why it is right as it is, with {LEAST_WORDS}.")
@_decision
@tenant_options
@as_option
@handle_errors
def accept(
    context: CommandContext,
    by: Callable[[], Principal],
    findings: Sequence[str],
    reason: str,
    **options: Any,
) -> None:
    """Take findings for right: what they show is expected from now on.

    FINDINGS are ids or beginnings of them. Without, all open findings are meant that fit the
    options; they are counted, and you are asked first. Nobody accepts what is about their own user:
    of users, act as a local account (--as LOGIN), whose address tells.

    \b
    Examples:
      docusign-iga drift accept 3f2a 9b10 --as olga --reason "Ordered by Legal by phone"
      docusign-iga drift accept --class changed_attribute --attribute job_title --dry-run
      docusign-iga drift accept --account sandbox --as olga --yes --reason "Nobody governs it yet"
    """
    _decide(context, ACCEPT, findings, reason, options, by=by)


@click.command("revert")
@click.argument("findings", nargs=-1)
@click.option("--reason", default="", help=f"Why, for the record: {LEAST_WORDS}.")
@_decision
@tenant_options
@as_option
@handle_errors
def revert(
    context: CommandContext,
    by: Callable[[], Principal],
    findings: Sequence[str],
    reason: str,
    **options: Any,
) -> None:
    """Put findings right in DocuSign, by plans like any other.

    FINDINGS are ids or beginnings of them. Without, all open findings are meant that fit the
    options; they are counted, and you are asked first. Either way they may be about no more users
    at once than guards.max_affected_pct: name fewer, or --limit takes the newest so many.
    Where putting right takes an approval, act as a local account (--as LOGIN): whoever asks for it
    is known by the address, and does not approve it.

    \b
    Examples:
      docusign-iga drift revert 3f2a --reason "Nobody asked for it"
      docusign-iga drift revert --class native_grant --entitlement "*Admin*" --dry-run
      docusign-iga drift revert --user ann@acme.com --yes --reason "Nobody asked for it"
    """
    _decide(context, REVERT, findings, reason, options, by=by)


def _decide(
    context: CommandContext,
    verb: Verb,
    findings: Sequence[str],
    reason: str,
    options: dict[str, Any],
    *,
    by: Callable[[], Principal],
) -> None:
    is_dry, is_sure, limit = (options.pop(name) for name in ("dry_run", "yes", "limit"))
    is_filtered = any(options.values()) or limit is not None
    if bool(findings) == is_filtered:
        raise click.UsageError(
            "Name the FINDINGS by their ids, or say with options (--class, --account, "
            "--entitlement, --user ...) which are meant; --state open means every open one."
        )
    if not is_dry and not says_something(reason):
        raise click.UsageError(f"Say why with --reason, {LEAST_WORDS}; --dry-run needs none.")
    decisions = context.tenant.drift.decisions
    choice = decisions.named(findings) if findings else _fitting(decisions, options, limit)
    if is_dry:
        _preview(context, verb, choice)
        return
    if not (is_sure or findings) and choice.finding_ids:
        click.echo(_words(choice), err=True)
        click.confirm(f"{verb.done} them?", abort=True, err=True)
    decided = _carry_out(context, verb, choice, reason, by())
    if decided.stopped_by:
        raise PermanentError(
            f"{counted(len(decided.left), 'finding')} left as before: {decided.stopped_by} Give "
            "the command again later."
        )
    if findings and decided.problems:
        # Whoever names findings means each of them, and programs see it by the exit code.
        number = len(decided.problems)
        verb_form = noun(number, "was", "were")
        raise PermanentError(f"{number:,} of the findings named {verb_form} not decided.")


def _fitting(decisions: DriftDecisions, options: dict[str, Any], limit: int | None) -> Choice:
    return decisions.choose(decisions.filter_of(wanted_of(**options)), limit)


def wanted_of(
    *,
    kinds: Sequence[str],
    states: Sequence[str] = (),
    remedies: Sequence[str] = (),
    **words: str,
) -> Wanted:
    """Return which findings the options mean."""
    return Wanted(
        tuple(map(DriftKind, kinds)),
        tuple(map(FindingState, states)) or (FindingState.OPEN,),
        remedies=tuple(map(Remedy, remedies)),
        **words,
    )


def _words(choice: Choice) -> str:
    kinds = ", ".join(
        f"{count:,} {str(kind).replace('_', ' ')}"
        for kind, count in sorted(choice.kinds.items(), key=lambda item: -item[1])
        if count
    )
    number = len(choice.finding_ids)
    about = counted(choice.subjects, "person, group or profile", "people, groups and profiles")
    return f"{counted(number, 'finding')} about {about} ({kinds})."


def _preview(context: CommandContext, verb: Verb, choice: Choice) -> None:
    decisions = context.tenant.drift.decisions
    refusal = decisions.refusal(choice) if verb is REVERT else None
    is_short = not context.as_json
    views = list(decisions.views(choice.finding_ids[: _SHOWN if is_short else None]))
    data = {
        "action": verb.name,
        "findings": [finding_data(view) for view in views] if context.as_json else [],
        "subjects": choice.subjects,
        "refused": refusal,
    }
    if not choice.finding_ids:
        context.output(data, "No finding fits.")
        return
    table = Table("Finding", "Class", "What", "What would be done")
    for view in views:
        item = view.finding
        kind = str(item.kind).replace("_", " ")
        table.add_row(item.finding_id[:8], kind, view.title, _effect(verb, view))
    context.output(data, table)
    if is_short:
        click.echo(_words(choice) + _rest(choice) + " Nothing was changed.", err=True)
        if refusal:
            click.echo(f"It would be refused: {refusal}", err=True)


def _rest(choice: Choice) -> str:
    more = len(choice.finding_ids) - _SHOWN
    return f" {more:,} of them are not shown; --json shows all." if more > 0 else ""


def _effect(verb: Verb, view: FindingView) -> str:
    if verb is ACCEPT:
        return "expected from then on"
    if view.finding.kind is DriftKind.UNEXPECTED_ADMIN:
        return "a task for a person"
    return "\n".join(view.steps) or "nothing: only in DocuSign, or accept it"


def _carry_out(
    context: CommandContext, verb: Verb, choice: Choice, reason: str, by: Principal
) -> Decided:
    decisions = context.tenant.drift.decisions
    act = decisions.accept if verb is ACCEPT else decisions.revert
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Accepting" if verb is ACCEPT else "Reverting", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        decided = act(choice, by, reason, report)
    shown = decided.finding_ids if context.as_json else decided.finding_ids[:_SHOWN]
    outcomes = list(decisions.outcomes(shown))
    data = {
        "action": verb.name,
        "chosen": len(choice.finding_ids),
        **{str(state): number for state, number in decided.states.items()},
        "findings": [_outcome_data(view, words) for view, words in outcomes],
        "problems": decided.problems,
        "left": list(decided.left),
        "stopped_by": decided.stopped_by or None,
    }
    context.output(data, _told(decided, outcomes))
    return decided


def _outcome_data(view: FindingView, words: str) -> dict[str, Any]:
    item = view.finding
    return {
        "id": item.finding_id,
        "title": view.title,
        "state": item.state,
        "plan_id": item.plan_id,
        "outcome": words,
    }


def _told(decided: Decided, outcomes: Sequence[tuple[FindingView, str]]) -> str:
    told = [f"{number:,} {state!s}." for state, number in sorted(decided.states.items())]
    lines = [" ".join(told) or "None is settled."]
    for view, words in outcomes:
        plan = f" (plan {view.finding.plan_id[:8]})" if view.finding.plan_id else ""
        lines.append(f"  {view.finding.finding_id[:8]}  {view.title}: {words}{plan}")
    if (more := len(decided.finding_ids) - len(outcomes)) > 0:
        lines.append(f"  {more:,} more; `docusign-iga drift list --all` shows each.")
    if decided.problems:
        number = len(decided.problems)
        lines.append(f"{number:,} {noun(number, 'stays open', 'stay open')}:")
        lines += [f"  {key[:8]} {why}" for key, why in list(decided.problems.items())[:_SHOWN]]
    return "\n".join(lines)
