"""What DocuSign confirmed, normalised: it can be dropped and rebuilt."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    MembershipStatus,
    Profile,
    User,
)


class MirrorRepository(Protocol):
    """Normalised copies of what DocuSign has."""

    def catalogue(self) -> Catalogue:
        """Return accounts, profiles and groups."""

    def put_accounts(self, accounts: Sequence[Account]) -> None:
        """Insert or update accounts."""

    def remove_account(self, account_id: str) -> None:
        """Remove an account that has no members, groups or profiles any more."""

    def put_profiles(self, account_id: str, profiles: Sequence[Profile]) -> None:
        """Make these the account's profiles; others are removed."""

    def put_groups(self, account_id: str, groups: Sequence[DirectoryGroup]) -> None:
        """Make these the account's groups; others and their memberships are removed."""

    def put_group(self, group: DirectoryGroup) -> None:
        """Insert or update one group."""

    def remove_group(self, account_id: str, group_id: str) -> None:
        """Remove one group and its memberships."""

    def get_users(self, user_ids: Iterable[str]) -> Mapping[str, User]:
        """Return users with memberships and groups, by id; unknown ids are left out."""

    def users_by_email(self, email_keys: Iterable[str]) -> Mapping[str, Sequence[User]]:
        """Return all users, hidden ones included, by folded address."""

    def user_ids_by_email(self, email_keys: Iterable[str]) -> Sequence[str]:
        """Return the ids of all users, hidden ones included, on these folded addresses."""

    def put_users(
        self,
        users: Sequence[User],
        fetched_at: datetime | None,
        *,
        before: Mapping[str, User] | None = None,
    ) -> None:
        """Insert or overwrite users with exactly these memberships and groups.

        :param before: by id, whom of them the mirror has, as this transaction read them; None: it
            looks itself.

        :param fetched_at: since when no account of theirs was left unread; None keeps what is
            noted, and notes of a newcomer that it was long ago.
        """

    def stamp_users(self, fetched_at: datetime) -> None:
        """Note that all users of every account were read since: no copy is older than that."""

    def fetched_at(self, user_id: str) -> datetime | None:
        """Return when the copy of a user was last read from every account."""

    def fetched_at_of(self, user_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return the same of many users, by id; unknown ids are left out."""

    def add_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Add memberships; existing ones are no error."""

    def remove_group_members(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Remove memberships; missing ones are no error."""

    def note_groups_written(
        self, account_id: str, user_ids: Sequence[str], written_at: datetime
    ) -> None:
        """Note that we changed the groups of memberships; missing ones are passed over."""

    def groups_written_between(
        self, account_id: str, user_ids: Iterable[str], since: datetime, until: datetime
    ) -> frozenset[str]:
        """Return those of the users whose groups in an account we changed later than *since* and
        earlier than *until*, and whose membership is open."""

    def group_member_ids(
        self, account_id: str, group_id: str, among: Iterable[str] | None = None
    ) -> frozenset[str]:
        """Return the user ids in a group, or those of *among* that are in it."""

    def group_size(self, account_id: str, group_id: str) -> int:
        """Return the number of members at constant cost."""

    def account_members(self, account_id: str, limit: int) -> Sequence[str]:
        """Return ids of users whom the mirror has in an account, in order, from the first."""

    def iter_user_ids(self, after: str = "", limit: int = 1000) -> Sequence[str]:
        """Return user ids in order, for walks over everything."""

    def count_users(self) -> int:
        """Return the number of users with an open membership (the base of the size guard)."""

    def count_admins(self, account_id: str) -> int:
        """Return the number of active administrators of an account."""

    def organization_admins(self) -> Sequence[str]:
        """Return the ids of all users whom DocuSign showed as organization administrators, hidden
        ones included, in order."""

    def knows_organization_admins(self) -> bool:
        """Return whether DocuSign said of anybody that they are one, or that they are none."""

    def count_memberships(self, account_id: str) -> Mapping[MembershipStatus, int]:
        """Return how many memberships of an account have each status."""

    def count_profile_holders(self, account_id: str) -> Mapping[str, int]:
        """Return how many open memberships of an account hold each profile, by profile id."""

    def seen_in_run(self, run_id: str, account_id: str, user_ids: Sequence[str]) -> None:
        """Note that an aggregation run saw these users in an account."""

    def unseen_in_run(
        self, run_id: str, account_id: str, after: str = "", limit: int = 500
    ) -> Sequence[str]:
        """Return users whom the mirror has in the account and the run did not see."""

    def count_seen_in_run(self, run_id: str, account_id: str) -> int:
        """Return how many users an aggregation run saw in an account."""

    def count_unseen_in_run(self, run_id: str, account_id: str) -> int:
        """Return how many those are."""

    def forget_run(self, run_id: str) -> None:
        """Drop the notes of a run."""
