"""Whether what a configuration file names is there, as far as the mirror of its tenants knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.domain.idle_rules import idle_rules
from connector.domain.policy.coverage import baseline_problems
from connector.domain.policy.entitlement_rules import Policy
from connector.ports import Store
from connector.settings import TenantSettings
from mappings import load_entitlements


def unknown_names(
    store: Store, declared: Mapping[str, TenantSettings]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return, a line each, what is wrong, and what may be meant: a baseline profile that an account
    does not have, and rules that cover nothing. Of accounts that were not read yet, nothing.

    :raises connector.errors.TemporaryError: the database cannot be asked.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for name, tenant in declared.items():
        with store.read(name) as uow:
            catalogue = uow.mirror.catalogue()
        missing = baseline_problems(tenant, catalogue)
        for place, account in enumerate(tenant.accounts):
            if said := missing.get(account.account_id):
                path = f"tenants.{name}.accounts[{place}].baseline_profile"
                problems.append(f"{path}: {said} (As the last sync read them.)")
        mapping = load_entitlements(dict(tenant.manual_roles), tenant.entitlements)
        aliases = {item.account_id: item.alias for item in tenant.accounts}
        warnings += idle_rules(Policy(mapping, aliases), tenant, catalogue)
    return problems, warnings
