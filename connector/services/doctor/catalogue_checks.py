"""Whether what the settings name is there in DocuSign: profiles and groups, by their names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from connector.domain.diagnosis.checks import Finding, Result
from connector.domain.idle_rules import idle_rules
from connector.domain.model import Account, Catalogue
from connector.domain.policy.absent_approvers import absent_approvers
from connector.domain.policy.coverage import baseline_problems
from connector.domain.policy.entitlement_rules import administering_roles
from connector.domain.work_items.items import OPEN_STATES, Direction
from connector.domain.writing import counted
from connector.services.doctor.rights_checks import RightsChecks
from connector.services.people import deciders
from connector.services.work.undecidable import without_deciders


class CatalogueChecks(RightsChecks):
    """Each method is the check of its name. DocuSign is asked: nothing may have been read yet."""

    @cached_property
    def _catalogue(self) -> Catalogue:
        """What there is in the accounts that can be looked into."""
        directory = self.context.directory
        names = {one.account_id: one.name for one in self._identity.accounts}
        reachable = [one for one in self._reachable() if one not in self.barred]
        profiles = [item for one in reachable for item in directory.list_profiles(one)]
        groups = [item for one in reachable for item in directory.list_groups(one).groups]
        return Catalogue(
            {one: Account(one, names[one]) for one in reachable},
            {(item.account_id, item.profile_id): item for item in profiles},
            {(item.account_id, item.group_id): item for item in groups},
        )

    def baseline(self) -> Iterator[Finding]:
        """In each account that can be looked into."""
        problems = baseline_problems(self.tenant, self._catalogue)
        book = self.context.book(self._catalogue)
        for account_id in self._catalogue.accounts:
            if found := problems.get(account_id):
                yield self.bad("baseline", "baseline_absent", found, subject=account_id)
            else:
                name = book.baseline(account_id).name
                yield Finding("baseline", Result.OK, name, account_id)

    def approvers(self) -> Iterator[Finding]:
        """Whom the tenant's own rules and roles ask, and what waits; DocuSign is not asked."""
        context = self.context
        with context.read() as uow:
            known = deciders(uow, context.ways_in, context.clock.now())
            waiting = without_deciders(uow, context)
        absent = list(absent_approvers(self.tenant, context.policy.mapping, known))
        for found in absent:
            yield self.bad("approvers", "approver_absent", found)
        if waiting:
            first, words = next(iter(waiting.items()))
            count = counted(len(waiting), "open approval")
            found = f"{count} to which fewer can agree than have to, such as {first[:8]}: {words}"
            yield self.bad("approvers", "approvals_undecidable", found)
        if not absent and not waiting:
            yield Finding("approvers", Result.OK, "nobody is asked who cannot be")

    def leavers(self) -> Iterator[Finding]:
        """Of whom the mirror has; DocuSign is not asked."""
        if not self.tenant.use_organization:
            yield Finding("leavers", Result.SKIPPED, "use_organization is false")
            return
        with self.context.read() as uow:
            is_known = uow.mirror.knows_organization_admins()
            holders = uow.mirror.get_users(uow.mirror.organization_admins())
            ending = {
                item.subject_id
                for role in administering_roles(self.context.policy.roles)
                for item in uow.work_items.search(
                    states=OPEN_STATES, entitlement=role, direction=Direction.REVOKE
                )
            }
        left = sorted(
            f"{user.email} ({user.user_id})"
            for user in holders.values()
            if not any(user.open_memberships()) and user.user_id not in ending
        )
        for who in left:
            found = (
                f"{who} is an organization administrator, and in none of the governed accounts "
                "any more."
            )
            yield self.bad("leavers", "leaver_administers", found)
        if not is_known:
            found = "nothing read yet says who administers the organization"
            yield Finding("leavers", Result.SKIPPED, found)
        elif not left:
            count = counted(len(holders), "organization administrator")
            yield Finding("leavers", Result.OK, f"{count}, none of whom has left")

    def policy(self) -> Iterator[Finding]:
        """Each rule of the tenant itself."""
        idle = list(idle_rules(self.context.policy, self.tenant, self._catalogue))
        for found in idle:
            yield self.bad("policy", "rule_covers_nothing", found)
        if not idle:
            tenant = self.tenant
            rules = (*tenant.entitlements, *tenant.drift.policy, *tenant.leavers)
            count = counted(len(rules), "rule")
            yield Finding("policy", Result.OK, f"{count} of the tenant, none without a use")
