"""Tenants that are kept in the database, and whose each account is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select

from connector.domain.tenants.records import TenantRecord
from connector.store.statements import Records, Session, add_rows, chunked, put_rows
from connector.store.tables import facts, tenant_accounts, tenants

RECORDS = Records(tenants, TenantRecord)
_REVISION = "tenants.revision"
"""The fact that counts the changes."""


class SqlTenants:
    """See :class:`connector.ports.TenantRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def put(self, record: TenantRecord) -> None:
        """Insert or overwrite a tenant."""
        put_rows(self._connection, tenants, [RECORDS.to_row(self._tenant, record)])

    def find(self, name: str) -> TenantRecord | None:
        """Return a tenant, or None."""
        found = self._select(tenants.c.name == name)
        return found[0] if found else None

    def names(self) -> Sequence[str]:
        """Return the names of all tenants, sorted."""
        statement = select(tenants.c.name).where(tenants.c.tenant == self._tenant)
        return sorted(self._connection.scalars(statement))

    def since(self, revision: int) -> Sequence[TenantRecord]:
        """Return the tenants that changed after a revision, by name."""
        return self._select(tenants.c.revision > revision)

    def remove(self, name: str) -> None:
        """Forget a tenant; its data are another matter."""
        self._connection.execute(
            delete(tenants).where(tenants.c.tenant == self._tenant, tenants.c.name == name)
        )

    def revision(self) -> int:
        """Return how often any tenant was changed."""
        statement = select(facts.c.value).where(
            facts.c.tenant == self._tenant, facts.c.key == _REVISION
        )
        return int(self._connection.scalar(statement) or 0)

    def count_change(self) -> int:
        """Count a change and return the new revision."""
        revision = self.revision() + 1
        row = {"tenant": self._tenant, "key": _REVISION, "value": revision}
        put_rows(self._connection, facts, [row])
        return revision

    def owners(self, account_ids: Iterable[str]) -> Mapping[str, str]:
        """Return the tenants that hold these accounts, by account id."""
        owners: dict[str, str] = {}
        for chunk in chunked(account_ids):
            found = self._connection.execute(
                select(tenant_accounts.c.account_id, tenant_accounts.c.name).where(
                    tenant_accounts.c.tenant == self._tenant,
                    tenant_accounts.c.account_id.in_(chunk),
                )
            )
            owners |= {row.account_id: row.name for row in found}
        return owners

    def claim(self, account_ids: Iterable[str], name: str) -> None:
        """Let a tenant hold accounts that nobody holds."""
        rows = [
            {"tenant": self._tenant, "account_id": account_id, "name": name}
            for account_id in account_ids
        ]
        add_rows(self._connection, tenant_accounts, rows)

    def release(self, name: str, account_ids: Iterable[str] | None = None) -> None:
        """Let go of accounts of a tenant, or of all that it holds."""
        statement = delete(tenant_accounts).where(
            tenant_accounts.c.tenant == self._tenant, tenant_accounts.c.name == name
        )
        if account_ids is not None:
            statement = statement.where(tenant_accounts.c.account_id.in_(list(account_ids)))
        self._connection.execute(statement)

    def _select(self, *conditions: Any) -> list[TenantRecord]:
        rows = self._connection.execute(
            select(*RECORDS.columns)
            .where(tenants.c.tenant == self._tenant, *conditions)
            .order_by(tenants.c.name)
        )
        return [RECORDS.from_row(row) for row in rows]
