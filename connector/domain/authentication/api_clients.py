"""Programs that may use the interfaces, and how they prove who they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Scope(StrEnum):
    """What an API client may do."""

    READ = "read"
    WRITE = "write"
    """Everything below."""
    WRITE_USERS = "write:users"
    WRITE_GROUPS = "write:groups"
    """Groups and who is in them."""


def widened(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return the scopes with what they include."""
    found = frozenset(scopes)
    return found | {Scope.WRITE_USERS, Scope.WRITE_GROUPS} if Scope.WRITE in found else found


class Method(StrEnum):
    """How an API client shows who it is."""

    TOKEN = "token"  # noqa: S105 - a name
    """A long-lived bearer token."""
    BASIC = "basic"
    """Its name and a secret, in every request."""
    OAUTH = "oauth"
    """Its name and a secret, exchanged for access tokens at our own token endpoint."""
    ACCESS_TOKEN = "access_token"  # noqa: S105 - a name
    """What the token endpoint gives out."""
    JWT = "jwt"
    """An access token of the customer's identity provider."""
    MTLS = "mtls"
    """A certificate that a trusted proxy has verified."""


@dataclass(frozen=True)
class ApiClient:
    """A program that calls us, such as an identity-governance suite."""

    client_id: str
    """A short name, unique in the tenant."""
    scopes: frozenset[Scope]
    created_at: datetime
    external_id_scope: str
    """Whose ``externalId`` values it sees: its own name, unless it replaces another client."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Tolerances and dialect of this client, as the documentation lists them."""
    revoked_at: datetime | None = None


@dataclass(frozen=True)
class ApiToken:
    """A credential of an API client: a bearer token, a secret, or what stands for it elsewhere.

    Only the hash is kept.
    """

    token_id: str
    client_id: str
    token_hash: str
    """SHA-256 in hexadecimal; tokens and secrets have 256 random bits."""
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    method: Method = Method.TOKEN
    label: str | None = None
    """What people may see of it: the application's id, the certificate's fingerprint."""
    scopes: frozenset[Scope] = frozenset()
    """Less than the client may; empty: all of that."""
