"""What an access token can reach: the second half of a diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import cached_property

from connector.domain.diagnosis.checks import Finding, Result
from connector.domain.diagnosis.symptoms import PROBLEMS
from connector.domain.diagnosis.trouble import Trouble
from connector.domain.model import MembershipStatus
from connector.domain.writing import beside, counted
from connector.errors import ConnectorError
from connector.ports import Identity
from connector.services.doctor.examination import Examination
from connector.services.restored import noted_restoring

_NEAR_LIMIT = 0.2
"""The share of the hour's calls below which a warning is due."""


class RightsChecks(Examination):
    """Each method is the check of its name."""

    # with the token -----------------------------------------------------------

    @cached_property
    def _identity(self) -> Identity:
        return self.examiner.identity()

    def _shown_names(self) -> Mapping[str, str]:
        if "_identity" not in self.__dict__:  # Asking is a check of its own.
            return {}
        return {account.account_id: account.name for account in self._identity.accounts}

    def userinfo(self) -> Iterator[Finding]:
        """Who the token stands for."""
        count = len(self._identity.accounts)
        who = self._identity.email or self._identity.user_id
        words = f"{who}, member of {counted(count, 'account')}"
        if count:
            yield Finding("userinfo", Result.OK, words)
        else:
            yield self.bad("userinfo", "no_accounts", f"{words.capitalize()}.")

    def membership(self) -> Iterator[Finding]:
        """In each governed account."""
        shown = {account.account_id: account for account in self._identity.accounts}
        for account in self.tenant.accounts:
            known, name = shown.get(account.account_id), self.name(account.account_id)
            if known is None:
                others = ", ".join(beside(a.name, a.account_id) for a in shown.values())
                found = f"The service user is a member of {others}, not of {name}."
                code = "account_not_member"
            elif not known.is_served:
                found = f"The base address of {name} is no DocuSign host over https."
                code = "account_host_foreign"
            else:
                alias = self.tenant.alias_of(account.account_id)
                words = "a member"
                if alias and alias != known.name:
                    words = f"a member; DocuSign calls the account {known.name}"
                yield Finding("membership", Result.OK, words, account.account_id)
                continue
            yield self.bad("membership", code, found, subject=account.account_id)

    def _reachable(self) -> list[str]:
        shown = {item.account_id for item in self._identity.accounts if item.is_served}
        return [a.account_id for a in self.tenant.accounts if a.account_id in shown]

    def _each(self, check_id: str, look: Callable[[str], Finding]) -> Iterator[Finding]:
        """Look at each account that can be reached; one that fails does not hide the others."""
        for account_id in self._reachable():
            if account_id in self.barred:
                yield Finding(check_id, Result.SKIPPED, "see above", account_id)
                continue
            try:
                yield look(account_id)
            except ConnectorError as error:
                self.barred.add(account_id)
                yield self.refused(check_id, error, subject=account_id)

    def administrator(self) -> Iterator[Finding]:
        """In each governed account."""
        yield from self._each("administrator", self._administrator)

    def _administrator(self, account_id: str) -> Finding:
        membership = self.examiner.service_user(account_id).memberships[account_id]
        if membership.status is not MembershipStatus.ACTIVE:
            self.barred.add(account_id)
            found = f"The membership in {self.name(account_id)} is {membership.status}."
            return self.bad("administrator", "account_not_member", found, subject=account_id)
        if not membership.is_admin:
            found = f"The service user is no full administrator of {self.name(account_id)}."
            return self.bad("administrator", "delegated_administrator", found, subject=account_id)
        return Finding("administrator", Result.OK, "a full administrator", account_id)

    def organization(self) -> Iterator[Finding]:
        """Administered, and with the governed accounts in it."""
        if not self.tenant.use_organization:
            yield Finding("organization", Result.SKIPPED, "use_organization is false")
            return
        wanted = self.examiner.organization_id()
        if wanted is None:
            yield self.bad("organization", "no_organization", PROBLEMS["no_organization"].cause)
            return
        try:
            administered = self.examiner.organizations()
        except ConnectorError as error:
            meaning = {str(Trouble.PERMISSION_LOST): "not_organization_administrator"}
            yield self.refused("organization", error, meaning)
            return
        found = next((item for item in administered if item.organization_id == wanted), None)
        if found is None:
            names = ", ".join(f"{item.name} ({item.organization_id})" for item in administered)
            words = f"The service user administers {names or 'no organization'}, not {wanted}."
            yield self.bad("organization", "organization_absent", words)
            return
        yield Finding("organization", Result.OK, found.name)
        for account in self.tenant.accounts:
            if account.account_id not in found.account_ids:
                words = f"{self.name(account.account_id)} does not belong to {found.name}."
                yield self.bad(
                    "organization", "account_not_linked", words, subject=account.account_id
                )

    def domains(self) -> Iterator[Finding]:
        """Claimed, and whether the service user is in one."""
        if self.examiner.organization_id() is None:
            yield Finding("domains", Result.SKIPPED, "there is no organization")
            return
        domains = self.examiner.domains()
        active = sorted(item.host_name for item in domains if item.status == "active")
        own = self._identity.email.rpartition("@")[2].lower()
        covered = "also" if own in active else "not"
        words = f"{', '.join(active)}; consent by an administrator covers their users, {covered} "
        none = "none: people activate by e-mail, and addresses cannot be changed"
        yield Finding("domains", Result.OK, f"{words}the service user" if active else none)
        for item in domains:
            if item.status in ("pending", "unknown"):
                found = f"{item.host_name} is {item.status}."
                yield self.bad("domains", "domain_waiting", found, subject=item.host_name)

    def plan(self) -> Iterator[Finding]:
        """Of each account."""
        yield from self._each("plan", self._plan)

    def _plan(self, account_id: str) -> Finding:
        plan = self.examiner.plan(account_id)
        if plan.suspension:
            found = f"{self.name(account_id)} is suspended ({plan.suspension[:80]})."
            return self.bad("plan", "account_suspended", found, subject=account_id)
        custody = "with" if plan.has_transfer_rules else "without"
        words = f"{plan.name or 'unnamed plan'}, {custody} envelope transfer rules"
        return Finding("plan", Result.OK, words, account_id)

    def docusign_scim(self) -> Iterator[Finding]:
        """Among the first users of each account."""
        yield from self._each("docusign_scim", self._docusign_scim)

    def _docusign_scim(self, account_id: str) -> Finding:
        managed, seen = self.examiner.managed_users(account_id)
        if managed:
            found = f"It manages {managed} of {counted(seen, 'user')} of {self.name(account_id)}."
            return self.bad("docusign_scim", "docusign_scim_active", found, subject=account_id)
        return Finding(
            "docusign_scim", Result.OK, f"manages none of {counted(seen, 'user')}", account_id
        )

    def waiting(self) -> Iterator[Finding]:
        """In the queues of the tenant; DocuSign is not asked."""
        with self.context.read() as uow:
            restored = noted_restoring(uow)
        if restored is not None:
            words = f"Restored from a backup ({restored:%Y-%m-%d %H:%M} UTC), and not released yet."
            yield self.bad("waiting", "restored_waits", words)
        found = self.waits.look()
        hours = f"{self.waits.patience / timedelta(hours=1):g} hours"
        if not found:
            if restored is not None:
                return
            yield Finding("waiting", Result.OK, f"no change has waited for longer than {hours}")
            return
        first = found.oldest
        oldest = f"the oldest since {first.since:%Y-%m-%d %H:%M} UTC ({first.plan.summary})"
        words = f"Changes that have waited for longer than {hours}: {found.number:,}; {oldest}."
        yield self.bad("waiting", "changes_wait", words)

    def limits(self) -> Iterator[Finding]:
        """As the last answers said."""
        yield from (self._limits(account_id) for account_id in self._reachable())

    def _limits(self, account_id: str) -> Finding:
        reading = self.examiner.limits(account_id)
        if reading is None:
            return Finding("limits", Result.SKIPPED, "no answer named them", account_id)
        words = f"{reading.remaining:,} of {reading.limit:,} calls are left in this hour"
        if not reading.remaining:
            return self.bad("limits", "limit_reached", f"{words}.", subject=account_id)
        if reading.remaining < reading.limit * _NEAR_LIMIT:
            return self.bad("limits", "limit_near", f"{words}.", subject=account_id)
        return Finding("limits", Result.OK, words, account_id)
