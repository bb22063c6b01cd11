"""Who may use the console: people with roles, their sessions, and attempts that failed."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ConsoleRole(StrEnum):
    """What a person may do in the console of one tenant. Everybody with a role may read."""

    VIEWER = "viewer"
    """Reads, and exports the audit."""
    APPROVER = "approver"
    """Decides approvals. Who works tasks as well needs both roles."""
    OPERATOR = "operator"
    """Works manual tasks and has DocuSign checked."""
    ADMINISTRATOR = "administrator"
    """Everything, and sees the settings."""


@dataclass(frozen=True)
class ConsoleAccount:
    """A local account of the console."""

    login: str
    """In lower case, unique in the tenant."""
    display_name: str
    email: str
    password_hash: str
    """Argon2id, with its parameters."""
    roles: frozenset[ConsoleRole]
    created_at: datetime
    password_changed_at: datetime
    disabled_at: datetime | None = None


def included(roles: frozenset[ConsoleRole]) -> frozenset[ConsoleRole]:
    """Return the roles with those that they include: an administrator may do everything."""
    return frozenset(ConsoleRole) if ConsoleRole.ADMINISTRATOR in roles else roles


def may_work(roles: frozenset[ConsoleRole]) -> bool:
    """Return whether these roles let a person work manual tasks."""
    return ConsoleRole.OPERATOR in included(roles)


class SignInMethod(StrEnum):
    """How a person showed who they are."""

    LOCAL = "local"
    """A password of the console."""
    OIDC = "oidc"
    """The identity provider (OpenID Connect)."""

    @property
    def in_words(self) -> str:
        """By what somebody signed in."""
        return "password" if self is SignInMethod.LOCAL else "identity provider"


@dataclass(frozen=True)
class ConsoleSession:
    """Somebody who is signed in. Only the hash of what their browser holds is kept."""

    session_hash: str
    """SHA-256 in hexadecimal of 256 random bits."""
    login: str
    display_name: str
    email: str
    roles: frozenset[ConsoleRole]
    groups: frozenset[str]
    """At the identity provider; none for a local account."""
    method: SignInMethod
    created_at: datetime
    last_seen_at: datetime
    ends_at: datetime
    """However active the person is."""

    @property
    def actor(self) -> str:
        """The person's name in ledger and audit."""
        return f"user:{self.login}"

    @property
    def may_decide(self) -> bool:
        """Whether the person decides approvals."""
        return bool(self.roles & {ConsoleRole.APPROVER, ConsoleRole.ADMINISTRATOR})

    @property
    def may_work(self) -> bool:
        """Whether the person works manual tasks."""
        return may_work(self.roles)

    @property
    def may_administer(self) -> bool:
        """Whether the person sees the settings."""
        return ConsoleRole.ADMINISTRATOR in self.roles


@dataclass(frozen=True)
class PersonalToken:
    """What lets a program, or a script, act at the REST API as a local account, and as no more."""

    token_id: str
    login: str
    name: str
    """What it is for, in the person's words."""
    token_hash: str
    """SHA-256 in hexadecimal of 256 random bits; the token itself is not kept."""
    roles: frozenset[ConsoleRole]
    """What it may do, as long as the person may."""
    created_at: datetime
    created_by: str
    """``user:<login>``."""
    expires_at: datetime
    last_used_at: datetime | None = None
    """To within :data:`connector.services.authentication.personal_tokens.SEEN_EVERY`."""
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether it lets anybody in at this time."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True)
class SignInFailures:
    """Attempts to sign in that are not known to be right."""

    subject: str
    """``login:``, ``address:`` or both, as
    :mod:`connector.services.authentication.console_sign_in` makes it."""
    failures: int
    ends_at: datetime
    """Then they are forgotten."""


def voices(people: Iterable[AbstractSet[str]]) -> int:
    """Return how many people these are, each with everything they are called, folded: who shares a
    login or an address is one."""
    found: list[AbstractSet[str]] = []
    for names in people:
        same = [known for known in found if known & names]
        found = [known for known in found if not known & names]
        found.append(frozenset(names).union(*same))
    return len(found)
