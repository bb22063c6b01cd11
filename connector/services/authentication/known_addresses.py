"""By which addresses people of the console and the REST API are known, and have been."""

from __future__ import annotations

import structlog

from connector.domain.model import fold
from connector.errors import TemporaryError
from connector.ports import Store

_log = structlog.get_logger(__name__)
_MOST = 10_000
"""Logins with addresses that a process remembers to have noted."""


class KnownAddresses:
    """Notes with which address a login came in, once in a process. Thread-safe.

    The identity provider, or an administrator, gives somebody another address while DocuSign keeps
    the old one; that makes nobody another person.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: set[tuple[str, str, str]] = set()

    def note(self, tenant: str, login: str, email: str) -> None:
        """Note an address of somebody who reads, too: what fails is noted the next time."""
        key = (tenant, fold(login), fold(email))
        if not email or key in self._noted:
            return
        try:
            with self._store.read(tenant) as uow:
                is_known = fold(login) in uow.console.names_on([fold(email)]).get(fold(email), ())
            if not is_known:
                with self._store.write(tenant) as uow:
                    uow.console.note_address(login, email)
                    uow.commit()
        except TemporaryError as error:
            _log.info("an address was not noted", cause=str(error))
            return
        if len(self._noted) >= _MOST:
            self._noted.clear()
        self._noted.add(key)
