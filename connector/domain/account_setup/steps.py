"""The steps of an account's set-up, and the plan that they make."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from connector.domain.account_setup.actual import Settings
from connector.domain.audit.chain import canonical


@dataclass(frozen=True)
class CreateProfile:
    """A profile is made."""

    name: str
    settings: Settings


@dataclass(frozen=True)
class ChangeProfile:
    """Settings of a profile change."""

    profile_id: str
    name: str
    before: Settings
    after: Settings
    """Only what changes."""
    holders: int


@dataclass(frozen=True)
class RemoveProfile:
    """A profile is deleted; its holders get another."""

    profile_id: str
    name: str
    successor_id: str
    successor: str
    holders: int


@dataclass(frozen=True)
class CreateGroup:
    """A group is made."""

    name: str


@dataclass(frozen=True)
class RemoveGroup:
    """A group is deleted."""

    group_id: str
    name: str


@dataclass(frozen=True)
class GrantAdministration:
    """Somebody becomes an administrator."""

    user_id: str
    email: str
    profile: str


@dataclass(frozen=True)
class RevokeAdministration:
    """Somebody is an administrator no longer, and gets the account's baseline profile."""

    user_id: str
    email: str


Step = (
    CreateProfile
    | ChangeProfile
    | CreateGroup
    | GrantAdministration
    | RevokeAdministration
    | RemoveGroup
    | RemoveProfile
)


@dataclass(frozen=True)
class SetupPlan:
    """What is to be done, in an order that is safe to stop after any step."""

    account_id: str
    steps: Sequence[Step]

    @property
    def checksum(self) -> str:
        """Tells whether two plans are the same."""
        told = [[type(step).__name__, asdict(step)] for step in self.steps]
        return hashlib.sha256(canonical([self.account_id, told]).encode()).hexdigest()[:16]

    @property
    def affected(self) -> int:
        """How many people's access it changes."""
        return sum(_affected(step) for step in self.steps)


def _affected(step: Step) -> int:
    if isinstance(step, ChangeProfile | RemoveProfile):
        return step.holders
    return int(isinstance(step, GrantAdministration | RevokeAdministration))
