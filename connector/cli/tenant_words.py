"""How tenants and what was done to them are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import yaml
from rich.table import Table

from connector.domain.audit.events import AuditEvent
from connector.domain.tenants.records import TenantSource
from connector.errors import ConfigError
from connector.services.tenants.catalogue import TenantEntry


def deletion(name: str, counts: Mapping[str, int]) -> str:
    """Return what a removal deletes."""
    if not counts:
        return f"The database has no data of {name}."
    listed = ", ".join(f"{table} {number:,}" for table, number in counts.items())
    return f"This deletes everything that the database has of {name}, rows by table: {listed}."


def state_of(entry: TenantEntry) -> str:
    """Return whether a tenant is served, and why not."""
    reason = f" ({entry.record.reason})" if entry.record and entry.record.reason else ""
    return f"{entry.state}{reason}"


def accounts_of(entry: TenantEntry) -> str:
    """Return the accounts of a tenant, or what is wrong with its settings."""
    try:
        accounts = entry.settings.accounts
    except ConfigError as error:
        return f"cannot be used here: {error.problems[0]}"
    return ", ".join(item.alias or item.account_id for item in accounts)


def entry_data(entry: TenantEntry) -> dict[str, Any]:
    """Return a tenant of the list, for scripts."""
    record = entry.record
    shown: dict[str, Any] = {"name": entry.name, "source": entry.source, "state": entry.state}
    try:
        shown["accounts"] = [item.account_id for item in entry.settings.accounts]
    except ConfigError as error:
        shown["problems"] = list(error.problems)
    if entry.source is TenantSource.DATABASE and record is not None:
        shown |= {
            "reason": record.reason,
            "revision": record.revision,
            "changed_at": record.changed_at,
            "changed_by": record.changed_by,
        }
    return shown


def history_table(events: Iterable[AuditEvent]) -> Table:
    """Return what was done to tenants, for people."""
    table = Table("When (UTC)", "Who", "What", "Tenant", "More")
    for event in events:
        more = yaml.safe_dump(dict(event.data), default_flow_style=True, width=10_000).strip()
        at = f"{event.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(at, event.actor, event.action, _about(event), more.strip("{}"))
    return table


def history_data(events: Iterable[AuditEvent]) -> list[dict[str, Any]]:
    """Return what was done to tenants, for scripts."""
    return [
        {
            "at": event.at,
            "actor": event.actor,
            "action": event.action,
            "tenant": _about(event),
            "data": dict(event.data),
            "hash": event.hash,
        }
        for event in events
    ]


def _about(event: AuditEvent) -> str:
    return event.subject.removeprefix("tenant:")
