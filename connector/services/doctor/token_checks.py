"""From the configuration to an access token: the first half of a diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from connector.config.keys import private_key_problem
from connector.domain.consent.links import ESIGN_SCOPES
from connector.domain.diagnosis.checks import Finding, Result
from connector.domain.diagnosis.symptoms import PROBLEMS
from connector.domain.diagnosis.trouble import Trouble
from connector.domain.writing import counted
from connector.errors import ConnectorError
from connector.services.consent.connecting import chosen_account
from connector.services.doctor.examination import Examination

_BY_CODE = "not needed: somebody signs in instead (authorization code)"
_CLOCK_DRIFT_S = 30.0
_CLOCK_LIMIT_S = 300.0
"""Beyond it a signed request is refused sooner or later: many servers allow five minutes."""
_LADDER = (Trouble.ISSUER_UNKNOWN, Trouble.KEY_REJECTED, Trouble.SUBJECT_UNKNOWN)
"""What the token endpoint objects to, one after the other, before it looks for consent."""


class TokenChecks(Examination):
    """Each method is the check of its name."""

    _offset_s: float | None = None

    # before the token ---------------------------------------------------------

    def configuration(self) -> Iterator[Finding]:
        """The file was read before this began."""
        count = len(self.tenant.accounts)
        accounts = f"{count} account{'s' if count != 1 else ''}"
        yield Finding("configuration", Result.OK, f"loaded, with {accounts}")

    def key(self) -> Iterator[Finding]:
        """The private key as it is configured."""
        if self.connecting.is_used:
            yield Finding("key", Result.OK, _BY_CODE)
            return
        secret = self.docusign.private_key
        if secret is None:
            yield self.bad("key", "key_missing", "No private key is configured.")
            return
        problem = private_key_problem(secret.reveal())
        if problem is None:
            age, most = self.keys.age(), self.docusign.key_max_age_days
            known = f", in use for {counted(age.days, 'day')} at least" if age else ""
            if age and most and age > timedelta(days=most):
                yield self.bad(
                    "key", "key_old", f"The key has been in use for {counted(age.days, 'day')}."
                )
            else:
                yield Finding("key", Result.OK, f"a whole RSA key{known}")
        else:
            yield self.bad("key", "key_unusable", f"The private key {problem}.")

    def connection(self) -> Iterator[Finding]:
        """An answer of any kind."""
        self._offset_s = self.examiner.clock_offset_s()
        yield Finding("connection", Result.OK, f"{self.examiner.app.oauth_url} answers")

    def clock(self) -> Iterator[Finding]:
        """Our time against DocuSign's."""
        offset = self._offset_s
        if offset is None:
            yield Finding("clock", Result.SKIPPED, "DocuSign's answer names no time")
            return
        direction = "ahead of" if offset > 0 else "behind"
        words = f"{abs(offset):.0f} seconds {direction} DocuSign's"
        if abs(offset) > _CLOCK_LIMIT_S:
            yield self.bad("clock", "clock_wrong", f"This machine's clock is {words}.")
        elif abs(offset) > _CLOCK_DRIFT_S:
            yield self.bad("clock", "clock_drifts", f"This machine's clock is {words}.")
        else:
            yield Finding("clock", Result.OK, f"within {_CLOCK_DRIFT_S:.0f} seconds of DocuSign's")

    # the token ----------------------------------------------------------------

    @cached_property
    def _grant(self) -> frozenset[str] | ConnectorError:
        """The scopes of a token for the least that is needed, or why there is none."""
        try:
            return self.examiner.grant(self.tenant.user_id, ESIGN_SCOPES)
        except ConnectorError as error:
            return error

    @property
    def _trouble(self) -> str:
        return self._grant.trouble if isinstance(self._grant, ConnectorError) else ""

    def _stumbled(
        self, check_id: str, trouble: Trouble, words: str, *, value: str = ""
    ) -> Iterator[Finding]:
        """Tell whether the token endpoint stumbled over exactly this.

        :param value: what was configured, to be compared.
        """
        if isinstance(self._grant, ConnectorError) and self._trouble == trouble:
            finding = self.refused(check_id, self._grant)
            yield replace(finding, found=f"{value}: {finding.found}") if value else finding
        else:
            yield Finding(check_id, Result.OK, words)

    def environment(self) -> Iterator[Finding]:
        """Whether the other environment knows what this one does not."""
        here, other = self.examiner.environment, self.examiner.other_environment
        if not other or self._trouble not in _LADDER:
            yield Finding("environment", Result.OK, here)
        elif not self._gets_further(self._trouble):
            yield Finding("environment", Result.OK, f"{here}; {other} does not know them either")
        else:
            what = {
                Trouble.ISSUER_UNKNOWN: "The integration key",
                Trouble.KEY_REJECTED: "The private key",
            }.get(Trouble(self._trouble), "The service user")
            found = f"{what} belongs to {other}, and docusign.environment says {here}."
            yield self.bad("environment", "wrong_environment", found, evidence=str(self._grant))

    def _gets_further(self, trouble: str) -> bool:
        """Whether the other environment has no objection of this kind."""
        try:
            self.examiner.grant(self.tenant.user_id, ESIGN_SCOPES, elsewhere=True)
        except ConnectorError as error:
            if error.trouble == Trouble.CONSENT_REQUIRED:
                return True
            known = error.trouble in _LADDER
            return known and _LADDER.index(Trouble(error.trouble)) > _LADDER.index(Trouble(trouble))
        return True

    def integration_key(self) -> Iterator[Finding]:
        """Known or not."""
        key = self.docusign.integration_key
        yield from self._stumbled("integration_key", Trouble.ISSUER_UNKNOWN, key, value=key)

    def signature(self) -> Iterator[Finding]:
        """Signed by the right key, at the right time."""
        if self.connecting.is_used:
            yield Finding("signature", Result.OK, _BY_CODE)
            return
        if self._trouble == Trouble.CLOCK_SKEW:
            yield from self._stumbled("signature", Trouble.CLOCK_SKEW, "")
            return
        if not self._trouble and self.docusign.previous_private_key:
            before = self.examiner.uses_previous_key
            code = "new_key_not_registered" if before else "old_key_configured"
            yield self.bad("signature", code, PROBLEMS[code].cause)
            return
        words = "the private key belongs to the integration key"
        yield from self._stumbled("signature", Trouble.KEY_REJECTED, words)

    def service_user(self) -> Iterator[Finding]:
        """Known and active."""
        user_id = self.tenant.user_id
        if self._trouble == Trouble.SUBJECT_UNKNOWN and (mistaken := self._mistaken_for()):
            found = f"tenants.{self.tenant.name}.user_id is {mistaken}, not a user."
            yield self.bad("service_user", "service_user_confused", found)
            return
        yield from self._stumbled("service_user", Trouble.SUBJECT_UNKNOWN, user_id, value=user_id)

    def _mistaken_for(self) -> str:
        user_id = self.tenant.user_id
        if user_id == self.docusign.integration_key:
            return "the integration key"
        if user_id in {account.account_id for account in self.tenant.accounts}:
            return "an account's id"
        return "the organization's id" if user_id == self.tenant.organization_id else ""

    def grant(self) -> Iterator[Finding]:
        """Made by somebody who signed in, and lasting."""
        if not self.connecting.is_used:
            yield Finding("grant", Result.OK, "not needed: access is by impersonation (JWT)")
            return
        if self._trouble in (Trouble.GRANT_MISSING, Trouble.GRANT_EXPIRED):
            yield from self._stumbled("grant", Trouble(self._trouble), "")
            return
        made = self.connecting.grant()
        if made is None:
            yield Finding("grant", Result.SKIPPED, "DocuSign did not get as far")
            return
        until = f"{made.expires_at:%Y-%m-%d}"
        if self.connecting.expires_soon(self.now()):
            yield self.bad("grant", "grant_expires", f"The connection ends on {until}.")
        else:
            yield Finding("grant", Result.OK, f"made by {made.connected_by}, good until {until}")
        chosen = chosen_account(made)
        if chosen is not None and chosen not in {a.account_id for a in self.tenant.accounts}:
            names = {str(item["account_id"]): item["name"] for item in made.accounts}
            found = f"The connection is for {names.get(chosen, chosen)} ({chosen})."
            yield self.bad("grant", "grant_other_account", found)

    def consent(self) -> Iterator[Finding]:
        """For the least, and then for everything that is asked for."""
        if self._trouble == Trouble.CONSENT_REQUIRED:
            yield from self._stumbled("consent", Trouble.CONSENT_REQUIRED, "")
        elif not self._trouble and (refused := self._refused_scopes()):
            found = f"Consent is missing for {', '.join(sorted(refused))}."
            yield self.bad("consent", "consent_partial", found)
        elif self._trouble:
            yield Finding("consent", Result.SKIPPED, "DocuSign did not get as far as consent")
        else:
            yield Finding("consent", Result.OK, f"given for {' '.join(sorted(self.wanted_scopes))}")

    def _refused_scopes(self) -> list[str]:
        """Return the scopes that consent does not cover."""
        try:
            self.examiner.grant(self.tenant.user_id, self.wanted_scopes)
        except ConnectorError as error:
            if error.trouble != Trouble.CONSENT_REQUIRED:
                raise
            return self._consent.refused_scopes() or sorted(self.wanted_scopes - ESIGN_SCOPES)
        return []

    def token(self) -> Iterator[Finding]:
        """Given now."""
        if isinstance(self._grant, ConnectorError):
            yield self.refused("token", self._grant)
        else:
            yield Finding("token", Result.OK, "given")

    def scopes(self) -> Iterator[Finding]:
        """All that were asked for."""
        granted = self.examiner.grant(self.tenant.user_id, self.wanted_scopes)
        missing = sorted(self.wanted_scopes - granted)
        if missing:
            yield self.bad("scopes", "scopes_fewer", f"The token lacks {', '.join(missing)}.")
        else:
            yield Finding("scopes", Result.OK, "all that were asked for")
