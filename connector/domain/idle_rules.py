"""Rules of the settings that cover nothing, which nobody would notice otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from connector.domain.drift.idle import idle_drift_rules
from connector.domain.model import Catalogue
from connector.domain.policy.coverage import idle_entitlement_rules
from connector.domain.policy.entitlement_rules import Policy
from connector.domain.policy.leaver_rules import idle_leaver_rules
from connector.settings import TenantSettings


def idle_rules(policy: Policy, tenant: TenantSettings, catalogue: Catalogue) -> Iterator[str]:
    """Yield a sentence for each rule of the tenant itself that covers nothing there is: for
    entitlements, drift and leavers.

    Passed over is what may concern an account of which nothing was read yet.
    """
    yield from idle_entitlement_rules(policy, tenant, catalogue)
    yield from idle_drift_rules(policy, tenant, catalogue)
    yield from idle_leaver_rules(policy, tenant, catalogue)
