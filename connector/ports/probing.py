"""DocuSign, as somebody tries it out who wants to know how it behaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from connector.domain.model import User


@dataclass(frozen=True)
class Listed:
    """A user as a list shows them, word by word."""

    user_id: str
    has_groups: bool
    """Whether the list tells groups at all."""
    profile_id: str
    """As the list says; empty: it does not."""


@dataclass(frozen=True)
class AdminPage:
    """A page of the Admin API's list."""

    count: int
    has_more: bool
    total: int | None


class Prober(Protocol):
    """Single calls, without the care that the directory takes. Users and groups that it makes are
    the caller's to remove. Errors are those of :class:`connector.ports.Directory`."""

    @property
    def environment(self) -> str:
        """``demo``, ``production`` or ``custom``."""

    @property
    def has_organization(self) -> bool:
        """Whether the Admin API can be asked."""

    def create(self, account_id: str, email: str, name: tuple[str, str], profile_id: str) -> str:
        """Create a user and return the id; ``ConnectorError.user_id`` may say who exists."""

    def read(self, account_id: str, user_id: str) -> User:
        """Return a user as DocuSign shows it now."""

    def on_address(self, account_id: str, email: str) -> Sequence[User]:
        """Return the users on an address."""

    def first_users(self, account_id: str) -> Sequence[Listed]:
        """Return the first page of users, word by word."""

    def update(self, account_id: str, user_id: str, body: dict[str, object]) -> None:
        """Change a user in DocuSign's own words."""

    def close(self, account_id: str, user_id: str) -> None:
        """Close a user."""

    def reopen(self, account_id: str, user: User, way: str) -> None:
        """Re-open a closed user in one of the ways of ``docusign.behaviour.reactivation``."""

    def profiles(self, account_id: str) -> Sequence[tuple[str, bool]]:
        """Return the ids of the permission profiles, with whether they make administrators."""

    def create_group(self, account_id: str, name: str) -> str:
        """Create a group and return its id."""

    def groups_named(self, account_id: str, name: str) -> Sequence[str]:
        """Return the ids of the groups of a name."""

    def add_member(self, account_id: str, group_id: str, user_id: str) -> str:
        """Put a user into a group; return what DocuSign refuses in words, empty where nothing."""

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group."""

    def admin_page(self, account_id: str, take: int) -> AdminPage:
        """Return how a page of so many users comes out."""

    def is_modified_since(self, account_id: str, email: str, since: str) -> bool:
        """Whether the Admin list shows somebody with this ``last_modified_since``."""

    def is_organization_admin(self, email: str) -> bool | None:
        """Return the flag of ``users/profile``; None where nobody is shown."""

    def tells_limits(self, account_id: str) -> bool:
        """Whether the last answers carried limits."""
