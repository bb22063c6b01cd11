"""Whether what a configuration file names is there, as far as the mirror of its tenants knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from connector.domain.idle_rules import idle_rules
from connector.domain.policy.absent_approvers import Deciders, absent_approvers
from connector.domain.policy.coverage import baseline_problems
from connector.domain.policy.entitlement_rules import Policy
from connector.ports import Store
from connector.services.context import WaysIn
from connector.services.people import deciders
from connector.settings import TenantSettings
from mappings import load_entitlements


def unknown_names(
    store: Store, declared: Mapping[str, TenantSettings], ways_in: WaysIn, now: datetime
) -> tuple[Sequence[str], Sequence[str]]:
    """Return, a line each, what is wrong, and what may be meant: a baseline profile that an account
    does not have, and rules that cover nothing or ask nobody. Of accounts that were not read yet,
    nothing.

    :raises connector.errors.TemporaryError: the database cannot be asked.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for name, tenant in declared.items():
        with store.read(name) as uow:
            catalogue = uow.mirror.catalogue()
            known = deciders(uow, ways_in, now)
        missing = baseline_problems(tenant, catalogue)
        for place, account in enumerate(tenant.accounts):
            if said := missing.get(account.account_id):
                path = f"tenants.{name}.accounts[{place}].baseline_profile"
                problems.append(f"{path}: {said} (As the last sync read them.)")
        mapping = load_entitlements(dict(tenant.manual_roles), tenant.entitlements)
        aliases = {item.account_id: item.alias for item in tenant.accounts}
        warnings += idle_rules(Policy(mapping, aliases), tenant, catalogue)
        warnings += absent_approvers(tenant, mapping, known)
    return problems, warnings


def approvers_nobody_is(
    declared: Mapping[str, TenantSettings], ways_in: WaysIn, *, is_new: bool = False
) -> Iterator[str]:
    """Yield a line for each approver of whom the file alone tells that it cannot be anybody.

    :param is_new: there is no database yet, and so no account of the console.
    """
    accounts = () if is_new else None
    for tenant in declared.values():
        mapping = load_entitlements(dict(tenant.manual_roles), tenant.entitlements)
        yield from absent_approvers(tenant, mapping, Deciders(ways_in.provider, accounts))
