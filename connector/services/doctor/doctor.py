"""Why does the connection to DocuSign not work: every check, with cause, remedy and link.

:mod:`connector.domain.diagnosis.symptoms` has the words. A check that needs another one is skipped
once that failed, so that one cause is told once. Nothing is changed in DocuSign.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from connector.config.schema import CANNOT_READ, MUST_BE_GIVEN
from connector.domain.diagnosis.checks import Check, Diagnosis, Finding, Result
from connector.domain.diagnosis.symptoms import CHECKS, PROBLEMS
from connector.errors import ConnectorError
from connector.ports import Examiner
from connector.services.consent.connecting import ConnectService
from connector.services.consent.key_ages import KeyAges
from connector.services.consent.links import ConsentService
from connector.services.context import TenantContext
from connector.services.doctor.catalogue_checks import CatalogueChecks
from connector.services.doctor.token_checks import TokenChecks
from connector.services.provisioning.long_waits import LongWaits
from connector.settings import DocusignSettings

_MISSING = (f": {MUST_BE_GIVEN}", f": {CANNOT_READ}")
"""What the configuration says of a key that is not there."""


class Doctor:
    """Examines one tenant's connection."""

    def __init__(
        self,
        docusign: DocusignSettings,
        context: TenantContext,
        examiner: Examiner,
        *,
        consent: ConsentService,
        connecting: ConnectService,
        keys: KeyAges,
        waits: LongWaits,
    ) -> None:
        self._docusign = docusign
        self._context = context
        self._examiner = examiner
        self._consent = consent
        self._connecting = connecting
        self._keys = keys
        self._waits = waits

    def examine(self, report: Callable[[Check], None] = lambda _: None) -> Diagnosis:
        """Run every check. Costs six calls to DocuSign and six for each account.

        :param report: hears of each check before it runs.
        """
        visit = _Visit(
            self._docusign,
            self._context,
            self._examiner,
            consent=self._consent,
            connecting=self._connecting,
            keys=self._keys,
            waits=self._waits,
        )
        findings: list[Finding] = []
        for check in CHECKS:
            report(check)
            findings += map(visit.named, _run(visit, check, findings))
        return Diagnosis(self._context.tenant, tuple(findings))


def misconfigured(problems: Iterable[str]) -> Diagnosis:
    """Return the diagnosis of a configuration that cannot be used.

    :param problems: as in :class:`connector.errors.ConfigError`.
    """
    findings = []
    for problem in problems:
        check_id, code = "configuration", "configuration_invalid"
        if problem.startswith("docusign.private_key"):
            is_missing = any(words in problem for words in _MISSING)
            check_id, code = "key", "key_missing" if is_missing else "key_unusable"
        findings.append(Finding(check_id, Result.FAILED, problem, problem=PROBLEMS[code]))
    return Diagnosis("", tuple(findings))


class _Visit(TokenChecks, CatalogueChecks):
    """One examination. A check of :data:`CHECKS` is the method that has its id as its name."""


def _run(visit: _Visit, check: Check, before: Iterable[Finding]) -> list[Finding]:
    """Run one check unless one that it needs failed or was skipped."""
    is_bad = {Result.FAILED, Result.SKIPPED}
    bad = {item.check_id for item in before if item.result in is_bad}
    good = {item.check_id for item in before if item.result not in is_bad}
    # Of several accounts one may be good: the others have been told.
    missing = [name for name in check.needs if name in bad - good]
    if missing:
        title = next(item.title for item in CHECKS if item.check_id == missing[0])
        return [Finding(check.check_id, Result.SKIPPED, f"needs what is above: {title}")]
    run: Callable[[], Iterator[Finding]] = getattr(visit, check.check_id)
    try:
        return list(run())
    except ConnectorError as error:
        return [visit.refused(check.check_id, error)]
