"""What people see of an account: its profiles, its groups, and how many hold them."""

from __future__ import annotations

from collections.abc import Sequence

from connector.domain.model import (
    Account,
    Catalogue,
    fold,
)
from connector.ports import UnitOfWork
from connector.services.browsing.views import (
    AccountLine,
    GroupLine,
    ProfileLine,
)
from connector.services.context import TenantContext


class AccountReader:
    """Reads accounts of one tenant from the mirror."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def account(self, uow: UnitOfWork, account: Account) -> AccountLine:
        """Return an account with the number of its memberships and administrators."""
        configured = {item.account_id: item for item in self._context.settings.accounts}
        settings = configured.get(account.account_id)
        return AccountLine(
            account,
            settings.alias if settings else "",
            uow.mirror.count_memberships(account.account_id),
            uow.mirror.count_admins(account.account_id),
        )

    def profiles(
        self, uow: UnitOfWork, catalogue: Catalogue, account_id: str
    ) -> Sequence[ProfileLine]:
        """Return the profiles of an account by name, with the number of their holders."""
        holders = uow.mirror.count_profile_holders(account_id)
        baseline = self._baseline(catalogue, account_id)
        found = (item for (owner, _), item in catalogue.profiles.items() if owner == account_id)
        return [
            ProfileLine(
                item,
                self._context.policy.rule_on(item.scim_id, catalogue).meaning,
                holders.get(item.profile_id, 0),
                item.profile_id == baseline,
            )
            for item in sorted(found, key=lambda profile: fold(profile.name))
        ]

    def _baseline(self, catalogue: Catalogue, account_id: str) -> str:
        try:
            return self._context.book(catalogue).baseline(account_id).profile_id
        except Exception:  # noqa: BLE001 - a wrong setting is told where it matters
            return ""

    def groups(self, uow: UnitOfWork, catalogue: Catalogue, account_id: str) -> Sequence[GroupLine]:
        """Return the groups of an account by name, with the number of their members, the inactive
        included: what SCIM shows would be counted one by one."""
        found = (item for (owner, _), item in catalogue.groups.items() if owner == account_id)
        return [
            GroupLine(
                item,
                self._context.policy.rule_on(item.scim_id, catalogue).meaning,
                uow.mirror.group_size(account_id, item.group_id),
            )
            for item in sorted(found, key=lambda group: fold(group.name))
        ]
