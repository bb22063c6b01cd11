"""The secrets that seal the cursors of lists: one for each tenant, kept in its database."""

from __future__ import annotations

import secrets

from connector.scim_handlers.errors import translated
from connector.scim_handlers.ports import Application

FACT = "scim.cursor_key"


class CursorKeys:
    """Gives out the keys, so that a cursor of one process leads on in every other."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._known: dict[str, bytes] = {}

    def key(self, tenant: str) -> bytes:
        """Return the key of a tenant; the first caller makes it.

        :raises scim.errors.Unavailable: the database cannot be used just now.
        """
        key = self._known.get(tenant)
        if key is None:
            with translated():
                key = self._known[tenant] = self._read(tenant) or self._make(tenant)
        return key

    def _read(self, tenant: str) -> bytes | None:
        with self._application.tenant(tenant).context.read() as uow:
            kept = uow.facts().get(FACT)
        return bytes.fromhex(kept) if kept else None

    def _make(self, tenant: str) -> bytes:
        with self._application.tenant(tenant).context.write() as uow:
            # Another process may have been first: writers of a tenant take turns.
            kept: str = uow.facts().get(FACT) or secrets.token_hex(32)
            uow.put_fact(FACT, kept)
            uow.commit()
        return bytes.fromhex(kept)
