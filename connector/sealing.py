"""Seals secrets that are kept in the database: encrypted and authenticated, with two keys during a
rotation."""

from __future__ import annotations

import base64
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connector.errors import PermanentError
from connector.settings import Secret

_PURPOSE = b"docusign-iga secrets in the database"
_BYTES = 32


class Sealer:
    """Seals with the first key and opens with any."""

    def __init__(self, keys: Iterable[Secret | None]) -> None:
        """:param keys: None and empty ones are passed over."""
        made = [Fernet(_derived(key.reveal())) for key in keys if key]
        self._keys = MultiFernet(made) if made else None

    @property
    def has_key(self) -> bool:
        """Whether anything can be sealed."""
        return self._keys is not None

    def seal(self, text: str) -> str:
        """Return the text, encrypted.

        :raises PermanentError: there is no key.
        """
        return self._required.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text that was sealed.

        :raises PermanentError: there is no key, or none that fits.
        """
        try:
            return self._required.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise PermanentError(
                "A secret in the database was sealed with another key. Put that key back as "
                "database.previous_encryption_key, or set the secret anew."
            ) from None

    @property
    def _required(self) -> MultiFernet:
        if self._keys is None:
            raise PermanentError(
                "There is no key for secrets in the database: set database.encryption_key."
            )
        return self._keys


def _derived(key: str) -> bytes:
    """Return the key that Fernet wants, from a text of any length with enough randomness."""
    kdf = HKDF(algorithm=SHA256(), length=_BYTES, salt=None, info=_PURPOSE)
    return base64.urlsafe_b64encode(kdf.derive(key.encode()))
