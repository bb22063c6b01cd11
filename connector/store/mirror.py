"""The mirror: normalised copies of what DocuSign has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, delete, func, select, true, update

from connector.domain.model import Membership, MembershipStatus, User, fold
from connector.store.catalogue import SqlCatalogue
from connector.store.group_members import Place
from connector.store.statements import Records, chunked, put_missing, put_rows
from connector.store.tables import memberships, run_sightings, users

USERS = Records(users, User)
MEMBERSHIPS = Records(memberships, Membership)
_NEVER = datetime.fromtimestamp(0, UTC)

_user_columns = [users.c.user_id, *USERS.columns]
_membership_columns = [memberships.c.user_id, *MEMBERSHIPS.columns]


class SqlMirror(SqlCatalogue):
    """See :class:`connector.ports.MirrorRepository`; people, beside the catalogue."""

    __slots__ = ()

    # users --------------------------------------------------------------------

    def get_users(self, user_ids: Iterable[str]) -> Mapping[str, User]:
        """Return users with memberships and groups, by id; unknown ids are left out."""
        found: dict[str, User] = {}
        for chunk in chunked(user_ids):
            found.update(self._load(chunk))
        return found

    def _load(self, user_ids: Sequence[str]) -> Mapping[str, User]:
        held = self._memberships(user_ids)
        statement = select(*_user_columns).where(
            users.c.tenant == self._tenant, users.c.user_id.in_(user_ids)
        )
        return {
            row[0]: USERS.from_row(row[1:], memberships=held.get(row[0], {}))
            for row in self._connection.execute(statement)
        }

    def _memberships(self, user_ids: Sequence[str]) -> Mapping[str, dict[str, Membership]]:
        in_groups = self._members.groups_of(user_ids)
        held: dict[str, dict[str, Membership]] = {}
        statement = select(*_membership_columns).where(
            memberships.c.tenant == self._tenant, memberships.c.user_id.in_(user_ids)
        )
        for row in self._connection.execute(statement):
            user_id, account_id = row[0], row.account_id
            ids = in_groups.get((user_id, account_id), frozenset())
            membership = MEMBERSHIPS.from_row(row[1:], group_ids=ids)
            held.setdefault(user_id, {})[account_id] = membership
        return held

    def users_by_email(self, email_keys: Iterable[str]) -> Mapping[str, Sequence[User]]:
        """Return all users, hidden ones included, by folded address."""
        found: dict[str, list[User]] = {}
        for user in self.get_users(self.user_ids_by_email(email_keys)).values():
            found.setdefault(user.email_key, []).append(user)
        return found

    def user_ids_by_email(self, email_keys: Iterable[str]) -> Sequence[str]:
        """Return the ids of all users, hidden ones included, on these folded addresses."""
        found: list[str] = []
        for chunk in chunked(email_keys):
            found += self._connection.scalars(
                select(users.c.user_id)
                .where(users.c.tenant == self._tenant, users.c.email_key.in_(chunk))
                .order_by(users.c.user_id)
            )
        return found

    def put_users(
        self,
        users_: Sequence[User],
        fetched_at: datetime | None,
        *,
        before: Mapping[str, User] | None = None,
    ) -> None:
        """Insert or overwrite users with exactly these memberships and groups."""
        for chunk in chunked(users_):
            batch = {user.user_id: user for user in chunk}
            known = self.get_users(batch) if before is None else before
            self._put_chunk(batch, fetched_at, known)

    def stamp_users(self, fetched_at: datetime) -> None:
        """Note that all users of every account were read since: no copy is older than that."""
        self._connection.execute(
            update(users)
            .where(users.c.tenant == self._tenant, users.c.fetched_at < fetched_at)
            .values(fetched_at=fetched_at)
        )

    def _put_chunk(
        self, batch: Mapping[str, User], fetched_at: datetime | None, known: Mapping[str, User]
    ) -> None:
        rows = [self._user_row(batch[user_id], fetched_at or _NEVER) for user_id in sorted(batch)]
        put_rows(self._connection, users, rows, keep=() if fetched_at else ("fetched_at",))
        known = {user_id: user for user_id, user in known.items() if user_id in batch}
        self._drop_other_memberships(batch, known)
        changed = [
            MEMBERSHIPS.to_row(self._tenant, item, user_id=user_id)
            for user_id, user in batch.items()
            for item in user.memberships.values()
            if user_id not in known or known[user_id].memberships.get(item.account_id) != item
        ]
        put_rows(self._connection, memberships, changed)
        had, has = _places(known), _places(batch)
        self._members.remove(had - has)
        self._members.add(has - had)

    def _user_row(self, user: User, fetched_at: datetime) -> dict[str, object]:
        return USERS.to_row(
            self._tenant,
            user,
            email_key=user.email_key,
            user_name_key=fold(user.user_name),
            has_open_membership=any(True for _ in user.open_memberships()),
            fetched_at=fetched_at,
        )

    def _drop_other_memberships(self, batch: Mapping[str, User], known: Mapping[str, User]) -> None:
        for user_id, user in known.items():
            for account_id in user.memberships.keys() - batch[user_id].memberships.keys():
                self._connection.execute(
                    delete(memberships).where(
                        memberships.c.tenant == self._tenant,
                        memberships.c.user_id == user_id,
                        memberships.c.account_id == account_id,
                    )
                )

    def fetched_at(self, user_id: str) -> datetime | None:
        """Return when the copy of a user was last read from every account."""
        return self._connection.scalar(
            select(users.c.fetched_at).where(
                users.c.tenant == self._tenant, users.c.user_id == user_id
            )
        )

    def fetched_at_of(self, user_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return the same of many users, by id; unknown ids are left out."""
        found: dict[str, datetime] = {}
        for chunk in chunked(user_ids):
            rows = self._connection.execute(
                select(users.c.user_id, users.c.fetched_at).where(
                    users.c.tenant == self._tenant, users.c.user_id.in_(chunk)
                )
            )
            found |= {row.user_id: row.fetched_at for row in rows}
        return found

    # groups -------------------------------------------------------------------

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Add memberships; existing ones are no error."""
        self._members.add({(account_id, group_id, user_id) for user_id in user_ids})

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Remove memberships; missing ones are no error."""
        self._members.remove({(account_id, group_id, user_id) for user_id in user_ids})

    def note_groups_written(
        self, account_id: str, user_ids: Sequence[str], written_at: datetime
    ) -> None:
        """Note that we changed the groups of memberships; missing ones are passed over."""
        for chunk in chunked(user_ids):
            self._connection.execute(
                update(memberships)
                .where(
                    memberships.c.tenant == self._tenant,
                    memberships.c.account_id == account_id,
                    memberships.c.user_id.in_(chunk),
                )
                .values(groups_written_at=written_at)
            )

    def groups_written_between(
        self, account_id: str, user_ids: Iterable[str], since: datetime, until: datetime
    ) -> frozenset[str]:
        """Return those of the users whose groups in an account we changed later than *since* and
        earlier than *until*, and whose membership is open."""
        found: set[str] = set()
        for chunk in chunked(user_ids):
            found |= set(
                self._connection.scalars(
                    select(memberships.c.user_id).where(
                        memberships.c.tenant == self._tenant,
                        memberships.c.account_id == account_id,
                        memberships.c.user_id.in_(chunk),
                        memberships.c.groups_written_at > since,
                        memberships.c.groups_written_at < until,
                        memberships.c.status.in_([one for one in MembershipStatus if one.is_open]),
                    )
                )
            )
        return frozenset(found)

    def group_member_ids(
        self, account_id: str, group_id: str, among: Iterable[str] | None = None
    ) -> frozenset[str]:
        """Return the user ids in a group, or those of *among* that are in it."""
        return self._members.ids(account_id, group_id, among)

    def group_size(self, account_id: str, group_id: str) -> int:
        """Return the number of members at constant cost."""
        return self._members.size(account_id, group_id)

    # walks and counts ---------------------------------------------------------

    def account_members(self, account_id: str, limit: int) -> Sequence[str]:
        """Return ids of users whom the mirror has in an account, in order, from the first."""
        return self._connection.scalars(
            select(memberships.c.user_id)
            .where(memberships.c.tenant == self._tenant, memberships.c.account_id == account_id)
            .order_by(memberships.c.user_id)
            .limit(limit)
        ).all()

    def iter_user_ids(self, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return user ids in order, for walks over everything."""
        return self._connection.scalars(
            select(users.c.user_id)
            .where(users.c.tenant == self._tenant, users.c.user_id > after)
            .order_by(users.c.user_id)
            .limit(limit)
        ).all()

    def count_users(self) -> int:
        """Return the number of users with an open membership (the base of the size guard)."""
        statement = select(func.count()).where(
            users.c.tenant == self._tenant, users.c.has_open_membership == true()
        )
        return self._connection.scalar(statement) or 0

    def count_admins(self, account_id: str) -> int:
        """Return the number of active administrators of an account."""
        statement = select(func.count()).where(
            memberships.c.tenant == self._tenant,
            memberships.c.account_id == account_id,
            # Compared, because an index does not answer a bare column on SQLite.
            memberships.c.is_admin == true(),
            memberships.c.status == MembershipStatus.ACTIVE,
        )
        return self._connection.scalar(statement) or 0

    def organization_admins(self) -> Sequence[str]:
        """Return the ids of all users whom DocuSign showed as organization administrators, hidden
        ones included, in order."""
        statement = select(users.c.user_id).where(
            users.c.tenant == self._tenant, users.c.is_organization_admin == true()
        )
        return self._connection.scalars(statement.order_by(users.c.user_id)).all()

    def knows_organization_admins(self) -> bool:
        """Return whether DocuSign said of anybody that they are one, or that they are none."""
        told = users.c.is_organization_admin.is_not(None)
        found = select(users.c.user_id).where(users.c.tenant == self._tenant, told).limit(1)
        return self._connection.scalar(found) is not None

    def count_memberships(self, account_id: str) -> Mapping[MembershipStatus, int]:
        """Return how many memberships of an account have each status."""
        found = self._connection.execute(
            select(memberships.c.status, func.count())
            .where(memberships.c.tenant == self._tenant, memberships.c.account_id == account_id)
            .group_by(memberships.c.status)
        )
        return {status: count for status, count in found}  # noqa: C416 - rows are no pairs to mypy

    def count_profile_holders(self, account_id: str) -> Mapping[str, int]:
        """Return how many open memberships of an account hold each profile, by profile id."""
        found = self._connection.execute(
            select(memberships.c.profile_id, func.count())
            .where(
                memberships.c.tenant == self._tenant,
                memberships.c.account_id == account_id,
                memberships.c.profile_id.is_not(None),
                memberships.c.status.in_([item for item in MembershipStatus if item.is_open]),
            )
            .group_by(memberships.c.profile_id)
        )
        return {str(profile_id): count for profile_id, count in found}

    def seen_in_run(self, run_id: str, account_id: str, user_ids: Sequence[str]) -> None:
        """Note that an aggregation run saw these users in an account."""
        key = {"tenant": self._tenant, "run_id": run_id, "account_id": account_id}
        put_missing(self._connection, run_sightings, [{**key, "user_id": id_} for id_ in user_ids])

    def unseen_in_run(
        self, run_id: str, account_id: str, after: str = "", limit: int = 500
    ) -> Sequence[str]:
        """Return users whom the mirror has in the account and the run did not see."""
        return self._connection.scalars(
            select(memberships.c.user_id)
            .where(memberships.c.user_id > after, *self._unseen(run_id, account_id))
            .order_by(memberships.c.user_id)
            .limit(limit)
        ).all()

    def count_seen_in_run(self, run_id: str, account_id: str) -> int:
        """Return how many users an aggregation run saw in an account."""
        statement = select(func.count()).where(
            run_sightings.c.tenant == self._tenant,
            run_sightings.c.run_id == run_id,
            run_sightings.c.account_id == account_id,
        )
        return self._connection.scalar(statement) or 0

    def count_unseen_in_run(self, run_id: str, account_id: str) -> int:
        """Return how many those are."""
        number: int = self._connection.execute(
            select(func.count()).select_from(memberships).where(*self._unseen(run_id, account_id))
        ).scalar_one()
        return number

    def _unseen(self, run_id: str, account_id: str) -> tuple[ColumnElement[bool], ...]:
        seen = and_(
            run_sightings.c.tenant == memberships.c.tenant,
            run_sightings.c.run_id == run_id,
            run_sightings.c.account_id == memberships.c.account_id,
            run_sightings.c.user_id == memberships.c.user_id,
        )
        return (
            memberships.c.tenant == self._tenant,
            memberships.c.account_id == account_id,
            ~select(1).where(seen).exists(),
        )

    def forget_run(self, run_id: str) -> None:
        """Drop the notes of a run."""
        self._connection.execute(
            delete(run_sightings).where(
                run_sightings.c.tenant == self._tenant, run_sightings.c.run_id == run_id
            )
        )


def _places(people: Mapping[str, User]) -> set[Place]:
    """Return who is in which group."""
    return {
        (item.account_id, group_id, user_id)
        for user_id, user in people.items()
        for item in user.memberships.values()
        for group_id in item.group_ids
    }
