"""The words and links of a diagnosis, for all checks of one visit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from connector.domain.diagnosis.checks import Finding, Place, Problem
from connector.domain.diagnosis.symptoms import BY_TROUBLE, PROBLEMS
from connector.domain.naming.names import account_called, account_name
from connector.errors import ConnectorError, TemporaryError
from connector.ports import Examiner
from connector.services.consent.connecting import ConnectService
from connector.services.consent.key_ages import KeyAges
from connector.services.consent.links import ConsentService
from connector.services.context import Actor, TenantContext, new_id
from connector.services.provisioning.long_waits import LongWaits
from connector.settings import DocusignSettings

_APPS_AND_KEYS = "/authenticate?goTo=appsAndKeys"
_MAX_EVIDENCE = 500


class Examination:
    """What all checks of one visit share. What was learned is used by the checks that follow."""

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
        self.docusign = docusign
        self.context = context
        self.tenant = context.settings
        self.examiner = examiner
        self._consent = consent
        self.connecting = connecting
        self.keys = keys
        self.waits = waits
        self._consent_link = ""
        self.barred: set[str] = set()
        """Accounts that refuse the service user: told once."""

    # words --------------------------------------------------------------------

    def bad(
        self, check_id: str, code: str, found: str, *, subject: str = "", evidence: str = ""
    ) -> Finding:
        """Return the finding that something is wrong."""
        problem = PROBLEMS[code]
        if problem.custom_remedy and self.examiner.environment == "custom":
            problem = replace(problem, remedy=problem.custom_remedy)
        link = self._link(problem)
        evidence = evidence[:_MAX_EVIDENCE]
        return Finding(check_id, problem.result, found, subject, problem, evidence, link)

    def refused(
        self,
        check_id: str,
        error: ConnectorError,
        meaning: Mapping[str, str] | None = None,
        subject: str = "",
    ) -> Finding:
        """Return the finding for a call that failed.

        :param meaning: problem codes by trouble, where this check knows better.
        """
        meanings = {**BY_TROUBLE, **(meaning or {})}
        fallback = "unreachable" if isinstance(error, TemporaryError) else "token_refused"
        code = meanings.get(error.trouble, fallback)
        found = PROBLEMS[code].cause
        return self.bad(check_id, code, found, subject=subject, evidence=str(error))

    def _link(self, problem: Problem) -> str:
        app = self.examiner.app
        by_link = (Place.CONSENT, Place.CONNECT) if self.connecting.is_used else (Place.CONSENT,)
        if problem.place in by_link:
            actor = Actor("connector", "cli", new_id())
            self._consent_link = self._consent_link or self.connecting.mending_link(actor)
            return self._consent_link
        if problem.place is Place.APPS_AND_KEYS and self.examiner.environment != "custom":
            return app.admin_url + _APPS_AND_KEYS
        return app.admin_url if problem.place is not Place.NOWHERE else ""

    def now(self) -> datetime:
        """Return the time."""
        return self.connecting.now()

    @property
    def wanted_scopes(self) -> frozenset[str]:
        """What the tenant asks for now."""
        return self._consent.scopes

    def name(self, account_id: str) -> str:
        """Return what people call an account, with its id beside it."""
        return account_called(
            self.tenant.accounts, account_id, self._shown_names().get(account_id, "")
        )

    def named(self, finding: Finding) -> Finding:
        """Return a finding with the name of the account that it is about."""
        name = self._shown_names().get(finding.subject, "")
        called = account_name(self.tenant.accounts, finding.subject, name)
        return replace(finding, subject_name=called)

    def _shown_names(self) -> Mapping[str, str]:
        """What DocuSign calls accounts, as far as that is known yet."""
        return {}
