"""``docusign-iga doctor``: why the connection to DocuSign does not work, and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace

import click
from rich.console import Console

from connector.cli.context import CommandContext, tenant_options
from connector.domain.diagnosis.checks import Diagnosis, Finding, Result
from connector.domain.diagnosis.symptoms import CHECKS, PROBLEMS
from connector.domain.writing import counted
from connector.errors import ConfigError, ConnectorError
from connector.services.doctor.doctor import misconfigured
from connector.services.monitoring.running import checksum_of, outdated
from connector.services.plain_data import diagnosis_data

_STATUS = {Result.OK: 0, Result.SKIPPED: 0, Result.WARNING: 1, Result.FAILED: 2}
_TITLES = {check.check_id: check.title for check in CHECKS}
_WIDTH = max(map(len, _TITLES.values())) + 2


@click.command()
@tenant_options
def doctor(context: CommandContext) -> None:
    """Look at everything that the connection to DocuSign needs, and say what is missing.

    Key, clock, environment, consent, the service user's rights, organization, domains, limits: each
    with what was found, and where it is not good with the cause, what to do, and where. Nothing is
    changed in DocuSign. It costs about six calls, and six for each account. Leavers who administer
    the organization still are named by address and id: mind where the output goes.

    The exit status is 0 where all is well, 1 where there are warnings, 2 where something failed.
    `docusign-iga docs troubleshooting` lists everything that can be found, and explains the JSON.

    \b
    Examples:
      docusign-iga doctor
      docusign-iga doctor --tenant acme --json
    """
    try:
        diagnosis = _examine(context)
    except ConfigError as error:
        diagnosis = misconfigured(error.problems)
    except ConnectorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    context.output(diagnosis_data(diagnosis), "\n".join(_lines(diagnosis)))
    sys.exit(_STATUS[diagnosis.result])


def _examine(context: CommandContext) -> Diagnosis:
    tenant = context.tenant
    with Console(stderr=True).status("Looking ...") as status:
        found = tenant.doctor.examine(lambda check: status.update(f"Looking at {check.looks_at}"))
    application = context.application
    stale = outdated(
        application.store,
        checksum_of(context.config_path),
        context.config_path,
        application.clock.now(),
    )
    found = replace(found, findings=(*map(_outdated, stale), *found.findings))
    problems = application.binding_problems()
    if not problems:
        return found
    # `serve` refuses the file, however good the connection is.
    rest = [item for item in found.findings if item.check_id != "configuration"]
    return replace(found, findings=(*misconfigured(problems).findings, *rest))


def _outdated(what: str) -> Finding:
    problem = PROBLEMS["configuration_outdated"]
    return Finding("configuration", Result.WARNING, what, problem=problem)


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    for item in diagnosis.findings:
        about = f"{item.about}: " if item.about else ""
        yield f"{item.result:<8} {_TITLES[item.check_id]:<{_WIDTH}}{about}{item.found}"
        if item.problem is None:
            continue
        details = {
            "Cause": "" if item.found == item.problem.cause else item.problem.cause,
            "To do": item.problem.remedy,
            "Link": item.link,
            "Said": item.evidence,
        }
        yield from (f"{'':<9}{name + ':':<7}{text}" for name, text in details.items() if text)
    bad = [item for item in diagnosis.findings if item.problem]
    failed = sum(item.result is Result.FAILED for item in bad)
    yield ""
    if not bad:
        yield "All is well."
    else:
        warnings = counted(len(bad) - failed, "warning")
        yield f"{failed} failed, {warnings}. See `docusign-iga docs troubleshooting`."
