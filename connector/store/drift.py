"""What is expected of DocuSign, and what was found to differ from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Text, and_, delete, func, or_, select, type_coerce
from sqlalchemy.exc import IntegrityError

from connector.domain.drift.difference import STANDING, DriftKind
from connector.domain.drift.expected import Expected, KnownEntitlement
from connector.domain.drift.findings import OPEN_FINDINGS, Finding, FindingFilter, FindingState
from connector.domain.writing import command
from connector.errors import NotFoundError, UniquenessError
from connector.store.statements import (
    Records,
    Session,
    add_rows,
    after_prefix,
    among,
    chunked,
    put_rows,
)
from connector.store.tables import expectations, findings, known_entitlements, users

FINDINGS = Records(findings, Finding)
KNOWN = Records(known_entitlements, KnownEntitlement)
_COLUMNS = findings.c


class SqlDrift:
    """See :class:`connector.ports.DriftRepository`."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    # what is expected ---------------------------------------------------------

    def expected(self, user_ids: Iterable[str]) -> Mapping[str, Expected]:
        """Return what is expected of people, by id."""
        found: dict[str, Expected] = {}
        for chunk in chunked(user_ids):
            for row in self._connection.execute(
                select(expectations).where(
                    expectations.c.tenant == self._tenant, expectations.c.user_id.in_(chunk)
                )
            ):
                found[row.user_id] = Expected.from_dict(
                    row.user_id, row.expected, row.origin, row.since
                )
        return found

    def put_expected(self, expected: Iterable[Expected]) -> None:
        """Insert or overwrite expectations."""
        rows = [
            {
                "tenant": self._tenant,
                "user_id": item.user_id,
                "expected": item.to_dict(),
                "origin": item.origin,
                "since": item.since,
            }
            for item in expected
        ]
        put_rows(self._connection, expectations, rows)

    def remove_expected(self, user_id: str) -> None:
        """Expect nothing of a person any more."""
        self._connection.execute(
            delete(expectations).where(
                expectations.c.tenant == self._tenant, expectations.c.user_id == user_id
            )
        )

    def expected_but_unknown(self, after: str = "", limit: int = 500) -> Sequence[str]:
        """Return ids of whom something is expected and whom the mirror does not have."""
        known = and_(
            users.c.tenant == expectations.c.tenant, users.c.user_id == expectations.c.user_id
        )
        return self._connection.scalars(
            select(expectations.c.user_id)
            .where(
                expectations.c.tenant == self._tenant,
                expectations.c.user_id > after,
                ~select(1).where(known).exists(),
            )
            .order_by(expectations.c.user_id)
            .limit(limit)
        ).all()

    def expected_in_group(self, account_id: str, group_id: str) -> Sequence[str]:
        """Return the ids of the users who are expected in a group; reads every expectation."""
        text = type_coerce(expectations.c.expected, Text)
        found = self._connection.scalars(
            select(expectations.c.user_id).where(
                expectations.c.tenant == self._tenant,
                text.contains(f'"{group_id}"', autoescape=True),
            )
        ).all()
        return [
            user_id
            for user_id, item in self.expected(found).items()
            if group_id in item.membership(account_id).group_ids
        ]

    def knows_logins(self) -> bool:
        """Whether DocuSign told of anybody when they last signed in."""
        found = self._connection.execute(
            select(1)
            .select_from(users)
            .where(users.c.tenant == self._tenant, users.c.last_login_at.is_not(None))
            .limit(1)
        )
        return found.first() is not None

    def known_entitlements(self) -> Mapping[str, KnownEntitlement]:
        """Return profiles and groups as they are expected to be, by SCIM id."""
        rows = self._connection.execute(
            select(*KNOWN.columns).where(known_entitlements.c.tenant == self._tenant)
        )
        return {item.scim_id: item for item in map(KNOWN.from_row, rows)}

    def put_known(self, known: Iterable[KnownEntitlement]) -> None:
        """Insert or overwrite what is expected of profiles and groups."""
        rows = [KNOWN.to_row(self._tenant, item) for item in known]
        put_rows(self._connection, known_entitlements, rows)

    def remove_known(self, scim_ids: Iterable[str]) -> None:
        """Expect nothing of profiles and groups any more."""
        for chunk in chunked(scim_ids):
            self._connection.execute(
                delete(known_entitlements).where(
                    known_entitlements.c.tenant == self._tenant,
                    known_entitlements.c.scim_id.in_(chunk),
                )
            )

    # what was found -----------------------------------------------------------

    def add(self, findings_: Sequence[Finding]) -> None:
        """Insert findings.

        :raises UniquenessError: one of the same key is open already.
        """
        rows = [FINDINGS.to_row(self._tenant, item) for item in findings_]
        try:
            add_rows(self._connection, findings, rows)
        except IntegrityError as error:
            raise UniquenessError("A finding about this is open already.") from error

    def save(self, findings_: Sequence[Finding]) -> None:
        """Overwrite findings."""
        rows = [FINDINGS.to_row(self._tenant, item) for item in findings_]
        put_rows(self._connection, findings, rows)

    def get(self, finding_id: str) -> Finding:
        """Return a finding by its id or a beginning of it that only it has.

        :raises NotFoundError: there is none, or there are several.
        """
        found: Sequence[Finding] = ()
        if finding_id:
            found = self._select(
                _COLUMNS.finding_id >= finding_id,
                _COLUMNS.finding_id < after_prefix(finding_id),
                limit=2,
            )
        if len(found) != 1:
            how = "Several findings start" if found else "No finding starts"
            listed = command(self._tenant, "drift", "list")
            raise NotFoundError(f"{how} with {finding_id!r}. See {listed}.")
        return found[0]

    def standing(self, subject_ids: Iterable[str]) -> Sequence[Finding]:
        """Return the findings of these subjects that are open, or accepted for as long as they
        last."""
        return [
            item
            for chunk in chunked(subject_ids)
            for item in self._select(
                _COLUMNS.subject_id.in_(chunk),
                or_(
                    _COLUMNS.state.in_(OPEN_FINDINGS),
                    and_(
                        _COLUMNS.state == FindingState.ACCEPTED,
                        _COLUMNS.kind.in_(STANDING),
                        _COLUMNS.closed_at.is_(None),
                    ),
                ),
            )
        ]

    def standing_elsewhere(self, kinds: Iterable[str]) -> Sequence[Finding]:
        """Return the open and reverting findings whose subject is of these kinds."""
        is_open = _COLUMNS.state.in_(OPEN_FINDINGS)
        return self._select(_COLUMNS.subject_kind.in_(list(kinds)), is_open)

    def named(self, finding_ids: Iterable[str]) -> Sequence[Finding]:
        """Return findings by their whole ids, in this order; those that are gone are left out."""
        ids = list(finding_ids)
        found = {
            item.finding_id: item
            for chunk in chunked(ids)
            for item in self._select(_COLUMNS.finding_id.in_(chunk))
        }
        return [found[finding_id] for finding_id in ids if finding_id in found]

    def count(self, wanted: FindingFilter) -> int:
        """Return how many findings fit."""
        conditions = _conditions(wanted, self._connection.dialect.name)
        statement = select(func.count()).where(_COLUMNS.tenant == self._tenant, *conditions)
        return self._connection.execute(statement).scalar_one()

    def search(
        self, wanted: FindingFilter, *, after: str = "", limit: int | None = 50
    ) -> Sequence[Finding]:
        """Return findings, the newest first."""
        conditions = list(_conditions(wanted, self._connection.dialect.name))
        if after:
            last = self.get(after)
            conditions.append(
                or_(
                    _COLUMNS.first_seen_at < last.first_seen_at,
                    and_(
                        _COLUMNS.first_seen_at == last.first_seen_at,
                        _COLUMNS.finding_id < last.finding_id,
                    ),
                )
            )
        return self._select(*conditions, limit=limit)

    def _select(
        self, *conditions: ColumnElement[bool], limit: int | None = None
    ) -> Sequence[Finding]:
        found = self._connection.execute(
            select(*FINDINGS.columns)
            .where(_COLUMNS.tenant == self._tenant, *conditions)
            .order_by(_COLUMNS.first_seen_at.desc(), _COLUMNS.finding_id.desc())
            .limit(limit)
        )
        return [FINDINGS.from_row(row) for row in found]

    def counts(self) -> Mapping[tuple[DriftKind, FindingState], int]:
        """Return how many findings of each class are in each state."""
        found = self._connection.execute(
            select(_COLUMNS.kind, _COLUMNS.state, func.count())
            .where(_COLUMNS.tenant == self._tenant)
            .group_by(_COLUMNS.kind, _COLUMNS.state)
        )
        return {(kind, state): count for kind, state, count in found}

    def forget_subject(self, user_id: str) -> None:
        """Delete everything that is known of a person."""
        self._connection.execute(
            delete(findings).where(_COLUMNS.tenant == self._tenant, _COLUMNS.subject_id == user_id)
        )
        self.remove_expected(user_id)


def _conditions(wanted: FindingFilter, dialect: str) -> Iterable[ColumnElement[bool]]:
    if wanted.states:
        yield _COLUMNS.state.in_(wanted.states)
    if wanted.kinds:
        yield _COLUMNS.kind.in_(wanted.kinds)
    if wanted.subject_ids:
        yield among(_COLUMNS.subject_id, wanted.subject_ids, dialect)
    if wanted.account_ids:
        yield among(_COLUMNS.account_id, wanted.account_ids, dialect)
    if wanted.entitlements:
        yield among(_COLUMNS.entitlement, wanted.entitlements, dialect)
    if wanted.attribute:
        yield _COLUMNS.attribute == wanted.attribute
    if wanted.remedies:
        yield _COLUMNS.remedy.in_(wanted.remedies)
    if wanted.last_seen_at:
        yield _COLUMNS.last_seen_at == wanted.last_seen_at
