"""What people mean who look for work items by words."""

from __future__ import annotations

from dataclasses import replace

from connector.domain.model import DirectoryGroup, Profile, fold
from connector.domain.work_items.items import CUSTODY, WorkItemFilter
from connector.ports import UnitOfWork
from connector.services.context import TenantContext


def resolved(
    uow: UnitOfWork, context: TenantContext, wanted: WorkItemFilter | None
) -> WorkItemFilter | None:
    """Return a filter that has the ids of every profile, group, role and custody whose name, or
    whose account's, has the words of ``what`` in it."""
    words = fold(wanted.what).split() if wanted else []
    if wanted is None or not words:
        return wanted
    catalogue = uow.mirror.catalogue()
    named: list[Profile | DirectoryGroup] = [
        *catalogue.profiles.values(),
        *catalogue.groups.values(),
    ]
    titles = {item.scim_id: catalogue.title(item) for item in named}
    titles |= {name: f"{role.display} {name}" for name, role in context.policy.roles.items()}
    titles |= {
        f"{CUSTODY}{account_id}": f"Custody of envelopes {account.name}"
        for account_id, account in catalogue.accounts.items()
    }
    found = [
        scim_id for scim_id, title in titles.items() if all(word in fold(title) for word in words)
    ]
    return replace(wanted, entitlements=tuple(found))
