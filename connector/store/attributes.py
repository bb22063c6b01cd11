"""What DocuSign cannot hold: external ids, kept attributes, tombstones, earlier addresses and
provenance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select

from connector.domain.ledger.resources import ClientAttributes, Provenance, Tombstone
from connector.ports import USER
from connector.store.statements import Records, Session, add_rows, chunked, put_missing, put_rows
from connector.store.tables import (
    attested_roles,
    client_attributes,
    earlier_addresses,
    external_ids,
    provenance,
    tombstones,
    users,
)

TOMBSTONES = Records(tombstones, Tombstone)
PROVENANCE = Records(provenance, Provenance)


class SqlAttributes:
    """See :class:`connector.ports.AttributeRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def get(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ClientAttributes]:
        """Return the attributes of resources that have some, by SCIM id."""
        external: dict[str, dict[str, str]] = {}
        kept: dict[str, Any] = {}
        for chunk in chunked(scim_ids):
            for scim_id, scope, value in self._rows(
                external_ids, kind, chunk, external_ids.c.scope, external_ids.c.external_id
            ):
                external.setdefault(scim_id, {})[scope] = value
            kept.update(self._rows(client_attributes, kind, chunk, client_attributes.c.kept))
        return {
            scim_id: ClientAttributes(
                kind, scim_id, external.get(scim_id, {}), kept.get(scim_id, {})
            )
            for scim_id in external.keys() | kept.keys()
        }

    def _rows(self, table: Table, kind: str, scim_ids: Sequence[str], *columns: Any) -> Any:
        return self._connection.execute(
            select(table.c.scim_id, *columns).where(
                table.c.tenant == self._tenant,
                table.c.kind == kind,
                table.c.scim_id.in_(scim_ids),
            )
        ).all()

    def put(self, attributes: ClientAttributes) -> None:
        """Make these the attributes of the resource."""
        self.remove(attributes.kind, attributes.scim_id)
        key = {"tenant": self._tenant, "kind": attributes.kind, "scim_id": attributes.scim_id}
        add_rows(
            self._connection,
            external_ids,
            [
                {**key, "scope": scope, "external_id": value}
                for scope, value in attributes.external_ids.items()
            ],
        )
        if attributes.kept:
            add_rows(self._connection, client_attributes, [{**key, "kept": attributes.kept}])
        of_user = {"tenant": self._tenant, "user_id": attributes.scim_id}
        add_rows(
            self._connection,
            attested_roles,
            [{**of_user, "role": role} for role in sorted(attributes.attested_roles)],
        )

    def remove(self, kind: str, scim_id: str) -> None:
        """Drop everything kept for a resource."""
        for table in (external_ids, client_attributes):
            self._delete(table, kind, scim_id)
        if kind == USER:
            self._connection.execute(
                delete(attested_roles).where(
                    attested_roles.c.tenant == self._tenant, attested_roles.c.user_id == scim_id
                )
            )

    def _delete(self, table: Table, kind: str, scim_id: str) -> None:
        self._connection.execute(
            delete(table).where(
                table.c.tenant == self._tenant, table.c.kind == kind, table.c.scim_id == scim_id
            )
        )

    def named(self, kind: str, scopes: Iterable[str], external_id: str) -> Sequence[str]:
        """Return the SCIM ids to which clients of these scopes have given an external id."""
        statement = select(external_ids.c.scim_id).where(
            external_ids.c.tenant == self._tenant,
            external_ids.c.kind == kind,
            external_ids.c.scope.in_(list(scopes)),
            external_ids.c.external_id == external_id,
        )
        return list(self._connection.scalars(statement))

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """Record a deletion."""
        put_rows(self._connection, tombstones, [TOMBSTONES.to_row(self._tenant, tombstone)])

    def tombstones(self, email_key: str) -> Sequence[Tombstone]:
        """Return deletions on an address, newest first."""
        found = self._connection.execute(
            select(*TOMBSTONES.columns)
            .where(tombstones.c.tenant == self._tenant, tombstones.c.email_key == email_key)
            .order_by(tombstones.c.deleted_at.desc(), tombstones.c.scim_id)
        )
        return [TOMBSTONES.from_row(row) for row in found]

    def is_deleted(self, kind: str, scim_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that have a tombstone."""
        return frozenset(self.deleted_at(kind, scim_ids))

    def deleted_at(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return when those of the ids that have a tombstone were deleted."""
        return {
            row.scim_id: row.deleted_at
            for chunk in chunked(scim_ids)
            for row in self._rows(tombstones, kind, chunk, tombstones.c.deleted_at)
        }

    def external_ids_of_deleted(
        self, kind: str, scim_ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, str]]:
        """Return what external ids those of the ids had that have a tombstone."""
        return {
            row.scim_id: row.external_ids
            for chunk in chunked(scim_ids)
            for row in self._rows(tombstones, kind, chunk, tombstones.c.external_ids)
        }

    def remove_tombstone(self, kind: str, scim_id: str) -> None:
        """The same person came back."""
        self._delete(tombstones, kind, scim_id)

    def add_earlier_addresses(self, email_keys: Mapping[str, str]) -> None:
        """Note an address that each of these users had until now, by user id."""
        put_missing(
            self._connection,
            earlier_addresses,
            [
                {"tenant": self._tenant, "user_id": user_id, "email_key": email_key}
                for user_id, email_key in email_keys.items()
            ],
        )

    def earlier_addresses(self, user_ids: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return the folded addresses that users had, by user id; see the port."""
        found: dict[str, set[str]] = {}
        past, other = earlier_addresses, users.alias()
        own = select(past.c.user_id, past.c.email_key)
        shared = (
            select(users.c.user_id, past.c.email_key)
            .join_from(
                users,
                other,
                (other.c.tenant == users.c.tenant) & (other.c.email_key == users.c.email_key),
            )
            .join(past, (past.c.tenant == other.c.tenant) & (past.c.user_id == other.c.user_id))
            .where(users.c.email_key != "")
        )
        for chunk in chunked(user_ids):
            statement = own.where(past.c.tenant == self._tenant, past.c.user_id.in_(chunk)).union(
                shared.where(users.c.tenant == self._tenant, users.c.user_id.in_(chunk))
            )
            for user_id, email_key in self._connection.execute(statement):
                found.setdefault(user_id, set()).add(email_key)
        return {user_id: frozenset(keys) for user_id, keys in found.items()}

    def addresses_left(self, user_id: str) -> frozenset[str]:
        """Return the folded addresses that this very user id had before."""
        past = earlier_addresses
        statement = select(past.c.email_key).where(
            past.c.tenant == self._tenant, past.c.user_id == user_id
        )
        return frozenset(self._connection.scalars(statement))

    def who_left(self, email_keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return by folded address the ids of the users who had it before; see the port."""
        found: dict[str, set[str]] = {}
        past = earlier_addresses
        for chunk in chunked(email_keys):
            statement = select(past.c.email_key, past.c.user_id).where(
                past.c.tenant == self._tenant, past.c.email_key.in_(chunk)
            )
            for email_key, user_id in self._connection.execute(statement):
                found.setdefault(email_key, set()).add(user_id)
        return {email_key: frozenset(ids) for email_key, ids in found.items()}

    def put_provenance(self, provenance_: Provenance) -> None:
        """Record why somebody holds an entitlement."""
        put_rows(self._connection, provenance, [PROVENANCE.to_row(self._tenant, provenance_)])

    def remove_provenance(self, user_id: str, entitlement: str) -> None:
        """The entitlement is gone."""
        self._connection.execute(
            delete(provenance).where(
                provenance.c.tenant == self._tenant,
                provenance.c.user_id == user_id,
                provenance.c.entitlement == entitlement,
            )
        )

    def remove_provenance_of(self, entitlement: str) -> None:
        """The entitlement is gone for everybody."""
        self._connection.execute(
            delete(provenance).where(
                provenance.c.tenant == self._tenant, provenance.c.entitlement == entitlement
            )
        )

    def provenance(self, user_id: str) -> Sequence[Provenance]:
        """Return the provenance of a user's entitlements."""
        return self.provenance_of([user_id]).get(user_id, ())

    def provenance_of(self, user_ids: Iterable[str]) -> Mapping[str, Sequence[Provenance]]:
        """Return the provenance of many users' entitlements, by user id."""
        found: dict[str, list[Provenance]] = {}
        for chunk in chunked(user_ids):
            for row in self._connection.execute(
                select(*PROVENANCE.columns)
                .where(provenance.c.tenant == self._tenant, provenance.c.user_id.in_(chunk))
                .order_by(provenance.c.user_id, provenance.c.entitlement)
            ):
                item = PROVENANCE.from_row(row)
                found.setdefault(item.user_id, []).append(item)
        return found
