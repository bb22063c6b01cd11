"""Every customer at a glance: whose connection is broken, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connector.domain.tenants.records import TenantSource
from connector.errors import ConfigError
from connector.services.monitoring.observation import Readiness
from connector.services.tenants.catalogue import TenantCatalogue, TenantEntry


class Verdict(StrEnum):
    """How a tenant is; the worst comes first."""

    BAD = "bad"
    PARTLY = "partly"
    SUSPENDED = "suspended"
    GOOD = "good"


@dataclass(frozen=True)
class Standing:
    """How one tenant is."""

    name: str
    source: TenantSource
    verdict: Verdict
    why: str
    """What is wrong and what to do; empty where nothing is."""
    accounts: Sequence[str]
    """Aliases, or ids."""


def overview(catalogue: TenantCatalogue, readiness: Readiness) -> Sequence[Standing]:
    """Return how every tenant is, the broken ones first, by what the database has."""
    found = [_standing(entry, readiness) for entry in catalogue.entries()]
    order = list(Verdict)
    return sorted(found, key=lambda one: (order.index(one.verdict), one.name))


def _standing(entry: TenantEntry, readiness: Readiness) -> Standing:
    try:
        accounts = [item.alias or item.account_id for item in entry.settings.accounts]
    except ConfigError as error:
        problem = f"The settings cannot be used here: {'; '.join(error.problems)}"
        return Standing(entry.name, entry.source, Verdict.BAD, problem, ())
    if not entry.is_active:
        reason = entry.record.reason if entry.record else ""
        return Standing(
            entry.name, entry.source, Verdict.SUSPENDED, reason or str(entry.state), accounts
        )
    check = readiness.of_tenant(entry.name)
    verdict = Verdict.BAD if check.problem else Verdict.PARTLY if check.note else Verdict.GOOD
    return Standing(entry.name, entry.source, verdict, check.problem or check.note, accounts)
