"""API clients and their credentials: giving out, exchanging, taking back, recognising.

A token or secret has 256 random bits and is shown once; the store keeps its SHA-256 (a slow hash
protects guessable passwords, and nothing guesses 256 bits). A client may hold several, so that one
is exchanged without an interruption.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cachetools import TTLCache

from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.authentication.api_clients import ApiClient, ApiToken, Method, Scope, widened
from connector.errors import InvalidRequestError, NotFoundError, UniquenessError
from connector.ports import Clock, Store, UnitOfWork
from connector.services.authentication.credentials import (
    bound_form,
    hash_secret,
    hash_token,
    stored_hash,
)

TOKEN_PREFIX = "dsiga_"  # noqa: S105 - lets secret scanners recognise a leaked token
_TOKEN_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_CACHE_S = 5.0
"""How long another process may still accept a token that was revoked here."""
_CACHE_SIZE = 1024
"""Answers remembered, each way: a flood of wrong tokens forgets only its own kind."""

Identity = tuple[ApiClient, ApiToken]


class InvalidTokenError(NotFoundError):
    """The token is unknown, expired or revoked."""


READ_WRITE = frozenset({Scope.READ, Scope.WRITE})


class ApiClientService:
    """The API clients of every tenant. Thread-safe."""

    def __init__(
        self, store: Store, clock: Clock, offered: frozenset[Method] = frozenset(Method)
    ) -> None:
        """:param offered: credentials of any other method are unknown."""
        self._store = store
        self._clock = clock
        self._offered = offered
        self._known: TTLCache[tuple[str, str], Identity] = self._cache()
        self._unknown: TTLCache[tuple[str, str], bool] = self._cache()
        self._lock = threading.Lock()

    def _cache(self) -> TTLCache[Any, Any]:
        return TTLCache(_CACHE_SIZE, _CACHE_S, timer=lambda: self._clock.now().timestamp())

    # giving out ---------------------------------------------------------------

    def add(
        self,
        tenant: str,
        client_id: str,
        *,
        method: Method = Method.TOKEN,
        bound_to: str = "",
        scopes: frozenset[Scope] = READ_WRITE,
        expires_in: timedelta | None = None,
        settings: Mapping[str, Any] | None = None,
        replaces: str | None = None,
        actor: str = "cli",
    ) -> tuple[ApiClient, str]:
        """Create a client and return it with its first credential, which is never shown again.

        :param bound_to: what shows who it is, of :attr:`~Method.JWT` the application's id, of
            :attr:`~Method.MTLS` the certificate's fingerprint.
        :param replaces: a client whose ``externalId`` values the new one takes over.
        :raises connector.errors.UniquenessError: the name is taken, or *bound_to* is.
        :raises InvalidRequestError: the name has other than lower-case letters, digits and ``._-``,
            or the method is not offered.
        """
        self._check_new(client_id, method)
        with self._store.write(tenant) as unit:
            client = ApiClient(
                client_id=client_id,
                scopes=scopes,
                created_at=self._clock.now(),
                external_id_scope=(
                    unit.clients.get(replaces).external_id_scope if replaces else client_id
                ),
                settings=dict(settings or {}),
            )
            unit.clients.add(client)
            text, token = self._new_token(client_id, method, expires_in, bound_to)
            self._make_room(unit, token)
            unit.clients.add_token(token)
            unit.audit.append(self._event("client.added", client_id, actor))
            unit.commit()
        self._forget()
        return client, text

    def _check_new(self, client_id: str, method: Method) -> None:
        if method not in self._offered:
            raise InvalidRequestError(
                f"The method {method} is not offered; add it to the setting authentication.methods."
            )
        if not _NAME.match(client_id):
            raise InvalidRequestError(
                f"The client name {client_id!r} cannot be used: lower-case letters, digits and "
                "._- only, at most 63 of them."
            )

    def list(self, tenant: str) -> Sequence[tuple[ApiClient, Sequence[ApiToken]]]:
        """Return every client with its tokens, newest first, revoked ones included."""
        with self._store.read(tenant) as unit:
            return [
                (client, unit.clients.tokens(client.client_id)) for client in unit.clients.list()
            ]

    def last_write_at(self, tenant: str, client_id: str) -> datetime | None:
        """Return when a client last asked for a change, None where it never did.

        The audit trail tells; reads leave no trace in it.
        """
        wanted = AuditFilter(actor=f"client:{client_id}", action="request.*")
        with self._store.read(tenant) as unit:
            events = unit.audit.events(wanted=wanted, newest_first=True, limit=1)
        return events[0].at if events else None

    def method(self, tenant: str, client_id: str) -> Method:
        """Return how the client shows who it is."""
        with self._store.read(tenant) as unit:
            return _method(unit.clients.tokens(client_id))

    def rotate(
        self,
        tenant: str,
        client_id: str,
        *,
        bound_to: str = "",
        grace: timedelta = timedelta(0),
        expires_in: timedelta | None = None,
        actor: str = "cli",
    ) -> tuple[ApiClient, str]:
        """Give the client a new credential of the same kind as its last, and return both.

        The older ones stay valid for *grace*, and access tokens got with them too.

        :param bound_to: as for :meth:`add`: a certificate is renewed, an application replaced.
        :raises connector.errors.NotFoundError: no such client.
        :raises InvalidRequestError: the client is revoked.
        """
        now = self._clock.now()
        with self._store.write(tenant) as unit:
            client = unit.clients.get(client_id)
            if client.revoked_at is not None:
                raise InvalidRequestError(f"The client {client_id!r} is revoked; add a new one.")
            tokens = unit.clients.tokens(client_id)
            for old in _valid(tokens, now):
                unit.clients.save_token(_ended(old, now, grace))
            text, token = self._new_token(client_id, _method(tokens), expires_in, bound_to)
            self._make_room(unit, token)
            unit.clients.add_token(token)
            unit.audit.append(self._event("client.rotated", client_id, actor))
            unit.commit()
        self._forget()
        return client, text

    def configure(
        self, tenant: str, client_id: str, changes: Mapping[str, Any], *, actor: str = "cli"
    ) -> ApiClient:
        """Change settings of a client and return it. Other processes follow within a few seconds.

        :raises connector.errors.NotFoundError: no such client.
        """
        with self._store.write(tenant) as unit:
            client = unit.clients.get(client_id)
            client = replace(client, settings={**client.settings, **changes})
            unit.clients.save(client)
            unit.audit.append(self._event("client.configured", client_id, actor))
            unit.commit()
        self._forget()
        return client

    def revoke(self, tenant: str, client_id: str, *, actor: str = "cli") -> None:
        """End a client and all its tokens. Other processes follow within a few seconds.

        :raises connector.errors.NotFoundError: no such client.
        """
        now = self._clock.now()
        with self._store.write(tenant) as unit:
            client = unit.clients.get(client_id)
            unit.clients.save(replace(client, revoked_at=client.revoked_at or now))
            for token in _valid(unit.clients.tokens(client_id), now):
                unit.clients.save_token(replace(token, revoked_at=now))
            unit.audit.append(self._event("client.revoked", client_id, actor))
            unit.commit()
        self._forget()

    def issue(
        self,
        tenant: str,
        client: ApiClient,
        secret: str,
        scopes: frozenset[Scope],
        lifetime: timedelta,
    ) -> tuple[str, timedelta]:
        """Return a new access token of a client, which may do what *scopes* say, and how long it
        lives: for *lifetime*, and no longer than the secret.

        Those that have expired are forgotten.

        :param secret: what the client was recognised by.
        :raises InvalidTokenError: client or secret has ended meanwhile.
        """
        key = hash_secret(Method.OAUTH, client.client_id, secret)
        with self._store.write(tenant) as unit:
            # Read again: what is remembered may be older than a rotation by another process.
            now = self._clock.now()
            held = self._valid_identity(unit.clients.find_by_token_hash(key), "secret")[1]
            if held.expires_at is not None:
                lifetime = min(lifetime, held.expires_at - now)
            for old in unit.clients.tokens(client.client_id):
                if old.method is Method.ACCESS_TOKEN and old.expires_at and old.expires_at <= now:
                    unit.clients.remove_token(old.token_id)
            text, token = self._new_token(client.client_id, Method.ACCESS_TOKEN, lifetime)
            unit.clients.add_token(replace(token, scopes=scopes, expires_at=now + lifetime))
            unit.commit()
        return text, lifetime

    def _new_token(
        self, client_id: str, method: Method, expires_in: timedelta | None, bound_to: str = ""
    ) -> tuple[str, ApiToken]:
        bound_to = bound_form(method, bound_to)
        text = bound_to or TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock.now()
        token = ApiToken(
            token_id=uuid4().hex,
            client_id=client_id,
            token_hash=stored_hash(method, client_id, text),
            label=bound_to or None,
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
            method=method,
        )
        return text, token

    def _make_room(self, unit: UnitOfWork, token: ApiToken) -> None:
        """Forget an ended credential bound to the same; only one client at a time is known by it.

        :raises UniquenessError: it has not ended.
        """
        found = unit.clients.find_by_token_hash(token.token_hash)
        if found is None:
            return
        client, held = found
        if client.revoked_at is None and _valid([held], self._clock.now()):
            raise UniquenessError(f"{token.label} already belongs to {client.client_id!r}.")
        unit.clients.remove_token(held.token_id)

    def _event(self, action: str, client_id: str, actor: str) -> AuditEvent:
        return AuditEvent(
            at=self._clock.now(),
            actor=actor,
            action=action,
            subject=f"client:{client_id}",
            correlation_id=uuid4().hex,
        )

    # recognising --------------------------------------------------------------

    def authenticate(self, tenant: str, token: str) -> ApiClient:
        """Return the client that presents *token*.

        Answers are remembered for a few seconds; expiry is checked every time.

        :raises InvalidTokenError: unknown, expired or revoked.
        """
        return self._recognise((tenant, hash_token(token)), "token")

    def authenticate_secret(
        self, tenant: str, method: Method, client_id: str, secret: str
    ) -> ApiClient:
        """Return the client whose name and secret these are, remembered likewise.

        They are looked up by their common hash: an unknown name and a wrong secret are told alike,
        and take as long.

        :raises InvalidTokenError: unknown, expired or revoked.
        """
        return self._recognise((tenant, hash_secret(method, client_id, secret)), "secret")

    def authenticate_bound(self, tenant: str, method: Method, bound_to: str) -> ApiClient:
        """Return the client that is bound to a verified application or certificate, likewise.

        :raises InvalidTokenError: unknown, expired or revoked.
        """
        what = "application of the token" if method is Method.JWT else "certificate"
        return self._recognise((tenant, hash_secret(method, "", bound_to)), what)

    def _recognise(self, key: tuple[str, str], what: str) -> ApiClient:
        client, held = self._valid_identity(self._remembered(key), what)
        if held.scopes:
            return replace(client, scopes=widened(client.scopes) & widened(held.scopes))
        return client

    def _valid_identity(self, found: Identity | None, what: str) -> Identity:
        if found is None:
            raise InvalidTokenError(f"The {what} is unknown. Ask the connector's operator for one.")
        client, held = found
        if client.revoked_at or held.revoked_at:
            raise InvalidTokenError(f"The {what} of {client.client_id!r} is revoked.")
        if held.expires_at is not None and held.expires_at <= self._clock.now():
            raise InvalidTokenError(f"The {what} of {client.client_id!r} has expired.")
        return found

    def _remembered(self, key: tuple[str, str]) -> Identity | None:
        with self._lock:
            found = self._known.get(key)
            if found is not None:
                return found
            if key in self._unknown:
                return None
        tenant, token_hash = key
        with self._store.read(tenant) as unit:
            found = unit.clients.find_by_token_hash(token_hash)
        if found is not None and found[1].method not in self._offered:
            found = None
        with self._lock:
            if found is None:
                self._unknown[key] = True
            else:
                self._known[key] = found
        return found

    def _forget(self) -> None:
        with self._lock:
            self._known.clear()
            self._unknown.clear()


def _method(tokens: Sequence[ApiToken]) -> Method:
    given = [token.method for token in tokens if token.method is not Method.ACCESS_TOKEN]
    return given[0] if given else Method.TOKEN


def _valid(tokens: Iterable[ApiToken], now: datetime) -> Sequence[ApiToken]:
    return [
        token
        for token in tokens
        if token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
    ]


def _ended(token: ApiToken, now: datetime, grace: timedelta) -> ApiToken:
    """Return the token as it ends after *grace*, or earlier where it would anyway."""
    if not grace:
        return replace(token, revoked_at=now)
    end = now + grace
    return replace(token, expires_at=min(end, token.expires_at or end))
