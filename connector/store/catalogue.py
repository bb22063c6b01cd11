"""The catalogue of the mirror: accounts, with their profiles and groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Table, delete, select

from connector.domain.model import Account, Catalogue, DirectoryGroup, Profile
from connector.store.group_members import GroupMembers
from connector.store.statements import Records, Session, put_rows
from connector.store.tables import accounts, group_members, groups, profiles

ACCOUNTS = Records(accounts, Account)
PROFILES = Records(profiles, Profile)
GROUPS = Records(groups, DirectoryGroup)


class SqlCatalogue:
    """The part of :class:`connector.ports.MirrorRepository` that knows no people."""

    __slots__ = ("_catalogue", "_connection", "_members", "_tenant")

    def __init__(self, session: Session) -> None:
        self._tenant = session.tenant
        self._connection = session.connection
        self._members = GroupMembers(session)
        self._catalogue: Catalogue | None = None

    def catalogue(self) -> Catalogue:
        """Return accounts, profiles and groups, read once in a transaction that leaves them."""
        if self._catalogue is None:
            self._catalogue = self._read_catalogue()
        return self._catalogue

    def _read_catalogue(self) -> Catalogue:
        found_accounts = [ACCOUNTS.from_row(row) for row in self._all(accounts, ACCOUNTS)]
        found_profiles = [PROFILES.from_row(row) for row in self._all(profiles, PROFILES)]
        found_groups = [GROUPS.from_row(row) for row in self._all(groups, GROUPS)]
        return Catalogue(
            accounts={item.account_id: item for item in found_accounts},
            profiles={(item.account_id, item.profile_id): item for item in found_profiles},
            groups={(item.account_id, item.group_id): item for item in found_groups},
        )

    def put_accounts(self, accounts_: Sequence[Account]) -> None:
        """Insert or update accounts."""
        self._catalogue = None
        rows = [ACCOUNTS.to_row(self._tenant, item) for item in accounts_]
        put_rows(self._connection, accounts, rows)

    def remove_account(self, account_id: str) -> None:
        """Remove an account that has no members, groups or profiles any more."""
        self._catalogue = None
        self._connection.execute(
            delete(accounts).where(
                accounts.c.tenant == self._tenant, accounts.c.account_id == account_id
            )
        )

    def put_profiles(self, account_id: str, profiles_: Sequence[Profile]) -> None:
        """Make these the account's profiles; others are removed."""
        self._catalogue = None
        self._connection.execute(
            delete(profiles).where(
                profiles.c.tenant == self._tenant, profiles.c.account_id == account_id
            )
        )
        rows = [PROFILES.to_row(self._tenant, item) for item in profiles_]
        put_rows(self._connection, profiles, rows)

    def put_groups(self, account_id: str, groups_: Sequence[DirectoryGroup]) -> None:
        """Make these the account's groups; others and their memberships are removed."""
        wanted = {item.group_id for item in groups_}
        known = self._connection.scalars(
            select(groups.c.group_id).where(
                groups.c.tenant == self._tenant, groups.c.account_id == account_id
            )
        ).all()
        for group_id in known:
            if group_id not in wanted:
                self.remove_group(account_id, group_id)
        self._put_groups(account_id, groups_)

    def put_group(self, group: DirectoryGroup) -> None:
        """Insert or update one group."""
        self._put_groups(group.account_id, [group])

    def _put_groups(self, account_id: str, groups_: Sequence[DirectoryGroup]) -> None:
        self._catalogue = None
        rows = [GROUPS.to_row(self._tenant, item, member_count=0) for item in groups_]
        put_rows(self._connection, groups, rows, keep=("member_count",))
        self._members.count_anew(account_id, [item.group_id for item in groups_])

    def remove_group(self, account_id: str, group_id: str) -> None:
        """Remove one group and its memberships."""
        self._catalogue = None
        for table in (group_members, groups):
            self._connection.execute(
                delete(table).where(
                    table.c.tenant == self._tenant,
                    table.c.account_id == account_id,
                    table.c.group_id == group_id,
                )
            )

    def _all(self, table: Table, records: Records[Any]) -> Sequence[Row[Any]]:
        statement = select(*records.columns).where(table.c.tenant == self._tenant)
        return self._connection.execute(statement).all()
