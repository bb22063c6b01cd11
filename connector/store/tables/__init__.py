"""The tables. The tenant leads every key, so that no query can cross it by forgetting a condition.

``migrations`` creates them; a test compares the two. Which can be dropped and which cannot:
``docs/adr/0004-mirror-and-ledger.md``.
"""

from connector.store.tables.audit import (
    audit_actors,
    audit_details,
    audit_events,
    audit_heads,
    audit_people,
)
from connector.store.tables.base import metadata
from connector.store.tables.budget import budget_calls, budgets
from connector.store.tables.consent import code_grants, consent_links, consents
from connector.store.tables.console import (
    console_accounts,
    console_failures,
    console_sessions,
    console_tokens,
    login_addresses,
)
from connector.store.tables.drift import expectations, findings, known_entitlements
from connector.store.tables.erasures import erasures
from connector.store.tables.hints import read_hints
from connector.store.tables.ledger import (
    api_clients,
    api_tokens,
    attested_roles,
    client_attributes,
    earlier_addresses,
    external_ids,
    facts,
    job_runs,
    locks,
    operations,
    plan_turns,
    plans,
    provenance,
    tombstones,
    work_items,
)
from connector.store.tables.mirror import (
    accounts,
    group_members,
    groups,
    memberships,
    profiles,
    run_sightings,
    users,
)
from connector.store.tables.notifications import notifications
from connector.store.tables.people import delegations, work_item_events, work_item_evidence
from connector.store.tables.processes import processes
from connector.store.tables.resources import BLOCK_SIZES, page_blocks, resources
from connector.store.tables.tenants import tenant_accounts, tenants

__all__ = [
    "BLOCK_SIZES",
    "accounts",
    "api_clients",
    "api_tokens",
    "attested_roles",
    "audit_actors",
    "audit_details",
    "audit_events",
    "audit_heads",
    "audit_people",
    "budget_calls",
    "budgets",
    "client_attributes",
    "code_grants",
    "consent_links",
    "consents",
    "console_accounts",
    "console_failures",
    "console_sessions",
    "console_tokens",
    "delegations",
    "earlier_addresses",
    "erasures",
    "expectations",
    "external_ids",
    "facts",
    "findings",
    "group_members",
    "groups",
    "job_runs",
    "known_entitlements",
    "locks",
    "login_addresses",
    "memberships",
    "metadata",
    "notifications",
    "operations",
    "page_blocks",
    "plan_turns",
    "plans",
    "processes",
    "profiles",
    "provenance",
    "read_hints",
    "resources",
    "run_sightings",
    "tenant_accounts",
    "tenants",
    "tombstones",
    "users",
    "work_item_events",
    "work_item_evidence",
    "work_items",
]
