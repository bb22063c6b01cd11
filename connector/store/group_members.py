"""Who is in which DocuSign group, and how many: the counter moves with the rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ColumnElement, Table, bindparam, delete, func, select, update

from connector.store.statements import Session, chunked, insert_missing
from connector.store.tables import group_members, groups

Place = tuple[str, str, str]
"""Account id, group id, user id."""


class GroupMembers:
    """Adds and removes members at a cost that follows the change, not the group."""

    __slots__ = ("_connection", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection

    def add(self, places: Collection[Place]) -> None:
        """Insert places; existing ones are no error."""
        for chunk in chunked(sorted(places)):
            statement = insert_missing(group_members, self._connection.dialect.name).returning(
                group_members.c.account_id, group_members.c.group_id
            )
            added = self._connection.execute(statement, [self._row(place) for place in chunk])
            self._count(Counter((row[0], row[1]) for row in added))

    def remove(self, places: Collection[Place]) -> None:
        """Delete places; missing ones are no error."""
        for (account_id, group_id), in_group in groupby(sorted(places), key=itemgetter(0, 1)):
            for chunk in chunked(user_id for _, _, user_id in in_group):
                removed = self._connection.execute(
                    delete(group_members).where(
                        *self._in(group_members, account_id, group_id),
                        group_members.c.user_id.in_(chunk),
                    )
                )
                self._count({(account_id, group_id): -removed.rowcount})

    def _row(self, place: Place) -> dict[str, str]:
        account_id, group_id, user_id = place
        return {
            "tenant": self._tenant,
            "account_id": account_id,
            "group_id": group_id,
            "user_id": user_id,
        }

    def _count(self, changes: Mapping[tuple[str, str], int]) -> None:
        # In one order everywhere, so that two writers on PostgreSQL cannot wait for each other.
        rows = [
            {"of_tenant": self._tenant, "account": account_id, "group": group_id, "change": change}
            for (account_id, group_id), change in sorted(changes.items())
        ]
        if rows:
            self._connection.execute(_ADD_TO_COUNT, rows)

    def count_anew(self, account_id: str, group_ids: Collection[str]) -> None:
        """Set the counter of groups that came after their members."""
        number = (
            select(func.count())
            .where(
                group_members.c.tenant == groups.c.tenant,
                group_members.c.account_id == groups.c.account_id,
                group_members.c.group_id == groups.c.group_id,
            )
            .scalar_subquery()
        )
        for chunk in chunked(group_ids):
            self._connection.execute(
                update(groups)
                .where(
                    groups.c.tenant == self._tenant,
                    groups.c.account_id == account_id,
                    groups.c.group_id.in_(chunk),
                    groups.c.member_count == 0,
                )
                .values(member_count=number)
            )

    def groups_of(self, user_ids: Collection[str]) -> Mapping[tuple[str, str], frozenset[str]]:
        """Return group ids by (user id, account id)."""
        statement = select(
            group_members.c.user_id, group_members.c.account_id, group_members.c.group_id
        ).where(group_members.c.tenant == self._tenant, group_members.c.user_id.in_(user_ids))
        found: dict[tuple[str, str], set[str]] = {}
        for user_id, account_id, group_id in self._connection.execute(statement):
            found.setdefault((user_id, account_id), set()).add(group_id)
        return {key: frozenset(ids) for key, ids in found.items()}

    def ids(
        self, account_id: str, group_id: str, among: Iterable[str] | None = None
    ) -> frozenset[str]:
        """Return the user ids in a group, or those of *among* that are in it."""
        statement = select(group_members.c.user_id).where(
            *self._in(group_members, account_id, group_id)
        )
        if among is None:
            return frozenset(self._connection.scalars(statement))
        return frozenset(
            user_id
            for chunk in chunked(among)
            for user_id in self._connection.scalars(
                statement.where(group_members.c.user_id.in_(chunk))
            )
        )

    def size(self, account_id: str, group_id: str) -> int:
        """Return the counter of a group, 0 for an unknown one."""
        statement = select(groups.c.member_count).where(*self._in(groups, account_id, group_id))
        return self._connection.scalar(statement) or 0

    def _in(self, table: Table, account_id: str, group_id: str) -> Sequence[ColumnElement[bool]]:
        return (
            table.c.tenant == self._tenant,
            table.c.account_id == account_id,
            table.c.group_id == group_id,
        )


_ADD_TO_COUNT = (
    update(groups)
    .where(
        groups.c.tenant == bindparam("of_tenant"),
        groups.c.account_id == bindparam("account"),
        groups.c.group_id == bindparam("group"),
    )
    .values(member_count=groups.c.member_count + bindparam("change"))
)
