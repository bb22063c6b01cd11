"""How long the private keys have been in use: files do not tell, so it is noted when first seen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from connector.config.keys import public_fingerprint
from connector.services.context import TenantContext
from connector.settings import DocusignSettings

_FACT = "keys_seen"


class KeyAges:
    """Remembers by fingerprint when each key was first seen; never the key itself."""

    def __init__(self, context: TenantContext, docusign: DocusignSettings) -> None:
        self._context = context
        self._docusign = docusign

    def note(self) -> None:
        """Note the configured keys that are new, and forget those that are gone."""
        wanted = self._fingerprints()
        known = self._known()
        if set(wanted.values()) == set(known):
            return
        now = self._context.clock.now().isoformat()
        with self._context.write() as uow:
            seen = {item: known.get(item, now) for item in wanted.values()}
            uow.put_fact(_FACT, seen)
            uow.commit()

    def age(self) -> timedelta | None:
        """Return how long the key in use has been known; None: not yet."""
        fingerprint = self._fingerprints().get("private_key")
        since = self._known().get(fingerprint) if fingerprint else None
        if since is None:
            return None
        return self._context.clock.now() - datetime.fromisoformat(since)

    def _known(self) -> Mapping[str, str]:
        with self._context.read() as uow:
            known: Mapping[str, str] = uow.facts().get(_FACT) or {}
            return known

    def _fingerprints(self) -> Mapping[str, str]:
        given = {
            "private_key": self._docusign.private_key,
            "previous_private_key": self._docusign.previous_private_key,
        }
        found = {name: public_fingerprint(key.reveal()) for name, key in given.items() if key}
        return {name: value for name, value in found.items() if value}
