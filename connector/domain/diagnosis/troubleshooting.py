"""``docs/troubleshooting.md``, made of the entries of :mod:`.symptoms`."""

from __future__ import annotations

from collections.abc import Iterator

from connector.domain.diagnosis.checks import Check, Place, Result
from connector.domain.diagnosis.symptoms import CHECKS

_INTRODUCTION = """\
# Troubleshooting the connection to DocuSign

`docusign-iga doctor` looks at everything below, in this order, and says what it found with the
values of your connection. It changes nothing. `--tenant` chooses the customer. A check that needs
one that failed is skipped, so that one cause is told once.

| Exit status | Meaning |
|---|---|
| 0 | all is well; checks may have been skipped because a feature is switched off |
| 1 | warnings: it works, but not all of it, or not for long |
| 2 | something failed, or the configuration cannot be used |

`--json` prints an object with `tenant`, `result` (`ok`, `warning` or `failed`: the worst) and
`findings`, a list of objects with `check` (the names in code style below), `result` (also
`skipped`), `subject` (the account or domain that it concerns, or empty),
`subject_name` (what people call that account, or `null`), `found` (in words), and,
where something is wrong, `problem` (the code below, which stays as it is from version to
version), `cause`, `remedy`, `link` and `evidence` (what DocuSign said, with the trace token that
its support asks for); otherwise these are `null`. No secret is in it. New checks and codes may be
added.
"""
_WHERE = {
    Place.NOWHERE: "",
    Place.CONSENT: " Link: the consent link.",
    Place.CONNECT: " Link: the one to sign in by.",
    Place.APPS_AND_KEYS: " Link: DocuSign, Apps and Keys.",
    Place.ADMIN: " Link: DocuSign Admin.",
}


def render() -> str:
    """Return the document."""
    sections = ("\n".join(_section(check)) + "\n" for check in CHECKS)
    return "\n".join((_INTRODUCTION, *sections))


def _section(check: Check) -> Iterator[str]:
    yield f"## {check.title} (`{check.check_id}`)"
    yield ""
    yield f"Looks at {check.looks_at}."
    if not check.problems:
        return
    yield ""
    yield "| Code | Symptom | Cause | Remedy |"
    yield "|---|---|---|---|"
    for problem in check.problems:
        mark = " (warning)" if problem.result is Result.WARNING else ""
        custom = problem.custom_remedy and f" Environment `custom`: {problem.custom_remedy}"
        remedy = f"{problem.remedy}{custom}{_WHERE[problem.place]}"
        yield f"| `{problem.code}`{mark} | {problem.symptom} | {problem.cause} | {remedy} |"
