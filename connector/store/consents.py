"""States of consent, links given out, and the tenant's grant by authorization code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update

from connector.domain.consent.code_grants import CodeGrant
from connector.domain.consent.state import ConsentLink, ConsentRecord, ConsentState
from connector.store.statements import Records, Session, add_rows, chunked, put_rows
from connector.store.tables import code_grants, consent_links, consents

CONSENTS = Records(consents, ConsentRecord)
LINKS = Records(consent_links, ConsentLink)
GRANTS = Records(code_grants, CodeGrant)


class SqlConsents:
    """See :class:`connector.ports.ConsentRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    # states -------------------------------------------------------------------

    def put(self, *records: ConsentRecord) -> None:
        """Insert or overwrite what is known of users."""
        put_rows(self._connection, consents, [CONSENTS.to_row(self._tenant, r) for r in records])

    def of_users(self, user_ids: Iterable[str]) -> Mapping[str, ConsentRecord]:
        """Return what is known, by user id."""
        found: dict[str, ConsentRecord] = {}
        for ids in chunked(user_ids):
            rows = self._connection.execute(
                select(*CONSENTS.columns).where(
                    consents.c.tenant == self._tenant, consents.c.user_id.in_(ids)
                )
            )
            found |= {record.user_id: record for record in map(_record, rows)}
        return found

    def connection(self) -> ConsentRecord | None:
        """Return what is known of the service user, whoever that is now."""
        row = self._connection.execute(
            select(*CONSENTS.columns)
            .where(consents.c.tenant == self._tenant, consents.c.is_connection)
            .order_by(consents.c.checked_at.desc())
            .limit(1)
        ).first()
        return None if row is None else _record(row)

    def checked_before(self, moment: datetime, limit: int) -> Sequence[ConsentRecord]:
        """Return what was checked last before a time, oldest first."""
        rows = self._connection.execute(
            select(*CONSENTS.columns)
            .where(consents.c.tenant == self._tenant, consents.c.checked_at < moment)
            .order_by(consents.c.checked_at, consents.c.user_id)
            .limit(limit)
        )
        return [_record(row) for row in rows]

    def counts(self) -> Mapping[ConsentState, int]:
        """Return how many users are in each state."""
        rows = self._connection.execute(
            select(consents.c.state, func.count())
            .where(consents.c.tenant == self._tenant)
            .group_by(consents.c.state)
        )
        return {row[0]: int(row[1]) for row in rows}

    # links --------------------------------------------------------------------

    def add_link(self, link: ConsentLink) -> None:
        """Keep a link that is given out."""
        add_rows(self._connection, consent_links, [LINKS.to_row(self._tenant, link)])

    def find_link(self, link_id: str) -> ConsentLink | None:
        """Return a link by the hash of its state."""
        row = self._connection.execute(select(*LINKS.columns).where(*self._link(link_id))).first()
        if row is None:
            return None
        link = LINKS.from_row(row)
        return LINKS.from_row(row, scopes=frozenset(link.scopes))

    def use_link(self, link_id: str, at: datetime) -> bool:
        """Use a link up; return whether this call did, and not an earlier one."""
        unused = consent_links.c.used_at.is_(None)
        used = self._connection.execute(
            update(consent_links).where(*self._link(link_id), unused).values(used_at=at)
        )
        return used.rowcount == 1

    def purge_links(self, made_before: datetime) -> int:
        """Forget old links; return how many that were."""
        gone = self._connection.execute(
            delete(consent_links).where(
                consent_links.c.tenant == self._tenant, consent_links.c.made_at < made_before
            )
        )
        return gone.rowcount

    def _link(self, link_id: str) -> tuple[Any, ...]:
        return consent_links.c.tenant == self._tenant, consent_links.c.link_id == link_id

    # the grant ----------------------------------------------------------------

    def grant(self) -> CodeGrant | None:
        """Return the tenant's grant."""
        statement = select(*GRANTS.columns).where(code_grants.c.tenant == self._tenant)
        row = self._connection.execute(statement).first()
        if row is None:
            return None
        return GRANTS.from_row(row, scopes=frozenset(GRANTS.from_row(row).scopes))

    def put_grant(self, grant: CodeGrant, replacing: int) -> bool:
        """Store a grant in place of a generation; return whether it was."""
        row = GRANTS.to_row(self._tenant, grant)
        if not replacing:
            put_rows(self._connection, code_grants, [row])
            return True
        changed = self._connection.execute(
            update(code_grants)
            .where(code_grants.c.tenant == self._tenant, code_grants.c.generation == replacing)
            .values({name: value for name, value in row.items() if name != "tenant"})
        )
        return changed.rowcount == 1

    def remove_grant(self) -> None:
        """Forget the tenant's grant."""
        self._connection.execute(delete(code_grants).where(code_grants.c.tenant == self._tenant))


def _record(row: Any) -> ConsentRecord:
    found = CONSENTS.from_row(row)
    return CONSENTS.from_row(
        row, granted=frozenset(found.granted), missing=frozenset(found.missing)
    )
