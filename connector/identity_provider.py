"""Reads the keys that the customer's identity provider publishes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson
import requests

from connector.errors import TemporaryError
from connector.settings import JwtSettings

_MAX_BYTES = 1_048_576
_CHUNK = 65_536
_RETRY_S = 60.0


class PublishedKeys:
    """The JWK set at ``jwks_url``."""

    def __init__(self, settings: JwtSettings, session: requests.Session) -> None:
        self._settings = settings
        self._session = session

    def fetch(self) -> Mapping[str, Any]:
        """Return the set as it is now (RFC 7517 §5).

        :raises TemporaryError: no answer in time, or one that is no such set.
        """
        try:
            # A redirect could lead to a host that nobody chose.
            with self._session.get(
                self._settings.jwks_url,
                timeout=self._settings.timeout_s,
                stream=True,
                allow_redirects=False,
                headers={"Accept": "application/json"},
            ) as response:
                if response.status_code != requests.codes.ok:
                    raise self._failure(f"status {response.status_code}")
                found = orjson.loads(self._body(response))
        except (requests.RequestException, ValueError) as error:
            raise self._failure(type(error).__name__) from error
        if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
            raise self._failure("no JWK set")
        return found

    def _body(self, response: requests.Response) -> bytes:
        ends_at = time.monotonic() + self._settings.timeout_s
        body = bytearray()
        for chunk in response.iter_content(_CHUNK):
            body += chunk
            if len(body) > _MAX_BYTES or time.monotonic() > ends_at:
                raise self._failure("too much or too slow")
        return bytes(body)

    def _failure(self, cause: str) -> TemporaryError:
        text = f"{self._settings.jwks_url} gave no keys ({cause})."
        return TemporaryError(text, retry_after_s=_RETRY_S)
