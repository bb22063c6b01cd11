"""Setting up an account in DocuSign: permission profiles with their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from connector.domain.account_setup.actual import ActualProfile, Settings


class ProfileDesigner(Protocol):
    """Permission profiles of the accounts of one tenant.

    Raises the errors of a :class:`connector.ports.Directory`. Names are unique in an account, so
    that what a lost answer left is found by its name.
    """

    def profiles(self, account_id: str) -> Sequence[ActualProfile]:
        """Return every profile with its settings and the number of its open holders."""

    def create(self, account_id: str, name: str, settings: Settings) -> str:
        """Make a profile and return its id."""

    def change(self, account_id: str, profile_id: str, settings: Settings) -> None:
        """Change these settings of a profile; the others stay."""

    def remove(self, account_id: str, profile_id: str, move_users_to: str) -> None:
        """Delete a profile; its holders get the one with the id *move_users_to*."""
