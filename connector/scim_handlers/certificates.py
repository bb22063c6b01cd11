"""Client certificates that a proxy in front of the connector has verified."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import unquote

from connector.services.authentication.api_clients import InvalidTokenError
from connector.services.authentication.credentials import fingerprint
from connector.settings import AuthenticationSettings

_MAX_HEADER = 16_384


class Certificates:
    """Reads the proxy's header, and only from a proxy that is trusted."""

    def __init__(self, settings: AuthenticationSettings) -> None:
        self._header = settings.certificate_header
        self._trusted = [ip_network(text) for text in settings.trusted_proxies]

    def fingerprint(self, headers: Mapping[str, str], peer: str) -> str | None:
        """Return the SHA-256 fingerprint of the caller's certificate, or None where it shows none.

        :param peer: the address that is connected to us, never one that a header names.
        :raises InvalidTokenError: the trusted proxy's header cannot be read.
        """
        value = headers.get(self._header)
        if not value or not self._is_trusted(peer):
            return None
        found = _read(value) if len(value) <= _MAX_HEADER else None
        if found is None:
            raise InvalidTokenError(f"The header {self._header} holds no certificate.")
        return found

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._trusted)


def _read(value: str) -> str | None:
    """Return the fingerprint of a byte sequence (RFC 9440 §2.1), of PEM as nginx escapes it, or as
    it stands there."""
    if not value.startswith((":", "-----BEGIN")):
        return fingerprint(value)
    try:
        if value.startswith(":"):
            der = base64.b64decode(value.removeprefix(":").removesuffix(":"), validate=True)
        else:
            der = ssl.PEM_cert_to_DER_cert(unquote(value))
    except (binascii.Error, ValueError):
        return None
    return hashlib.sha256(der).hexdigest() if der else None
