"""The secret that versions of resources are made with: one for each tenant, in its database.

A version stands for everything that any client may see of a resource, other clients' external ids
included. Without a secret, a client could compute the version for a guessed id and compare.
"""

from __future__ import annotations

import secrets

from connector.services.context import TenantContext

FACT = "version_key"


def version_key(context: TenantContext) -> bytes:
    """Return the key of a tenant, the same in every process; the first caller makes it.

    :raises connector.errors.TemporaryError: the database cannot be used just now.
    """
    with context.read() as uow:
        kept: str | None = uow.facts().get(FACT)
    if kept is None:
        with context.write() as uow:
            # Another process may have been first: writers of a tenant take turns.
            kept = uow.facts().get(FACT) or secrets.token_hex(32)
            uow.put_fact(FACT, kept)
            uow.commit()
    return bytes.fromhex(kept)
