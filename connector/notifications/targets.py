"""Where webhooks may go: nowhere inside, unless the settings say so.

A target names a host; what is checked and then connected to is the address that the name has at
this moment, so that a name cannot answer with one address when it is checked and with another when
it is used (OWASP: Server-Side Request Forgery Prevention).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from connector.errors import PermanentError, TemporaryError

Address = IPv4Address | IPv6Address
_NAT64 = ip_network("64:ff9b::/96")
_COMPATIBLE = ip_network("::/96")
_INSIDE = tuple(
    map(
        ip_network,
        (
            "192.0.0.0/24",  # IETF protocol assignments (RFC 6890)
            "192.88.99.0/24",  # relays of 6to4, deprecated and answered by anybody (RFC 7526)
            "64:ff9b:1::/48",  # NAT64 of one network, which reaches what is private (RFC 8215)
            "fec0::/10",  # site-local, deprecated and still routed in places (RFC 3879)
            "3fff::/20",  # documentation (RFC 9637)
            "5f00::/16",  # segment routing (RFC 9602)
        ),
    )
)
"""Nothing public is there; Python's ``is_global`` says otherwise, some of it in old versions
only."""


@dataclass(frozen=True)
class Target:
    """A checked place to connect to."""

    scheme: str
    host: str
    """As in the URL: what the certificate has to name."""
    port: int
    address: str
    """What the name had when it was checked."""
    path: str
    """With its query."""

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.scheme == "https" else 80
        return host if self.port == default else f"{host}:{self.port}"


class Targets:
    """Resolves and checks the targets of one tenant."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """:param allowed: networks that may be reached although they are not public."""
        self._allowed = [ip_network(item, strict=False) for item in allowed]

    def resolve(self, url: str) -> Target:
        """Return where to connect.

        :raises PermanentError: the URL cannot be used, or leads to an address that is refused.
        :raises TemporaryError: the name cannot be resolved now.
        """
        try:
            parts = urlsplit(url)
            port = parts.port or (443 if parts.scheme == "https" else 80)
        except ValueError as error:
            raise PermanentError("The webhook's URL cannot be read.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise PermanentError("The webhook's URL is no plain http or https address.")
        host = parts.hostname
        addresses = list(_addresses(host, port))
        for address in addresses:
            # One bad answer spoils all: the next look-up may put it first.
            if not self._is_allowed(address):
                raise PermanentError(
                    f"The webhook's host {host} leads to {address}, which is not public. If that "
                    "is meant, add its network to notifications.allowed_networks."
                )
        if parts.scheme == "http" and not self._is_named(addresses[0]):
            raise PermanentError(
                "The webhook's URL must start with https://: the message and what authorizes it "
                "would be readable on the way."
            )
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        return Target(parts.scheme, host, port, str(addresses[0]), path)

    def _is_allowed(self, address: Address) -> bool:
        return self._is_named(address) or all(
            item.is_global and not item.is_multicast and not any(item in net for net in _INSIDE)
            for item in _meant(address)
        )

    def _is_named(self, address: Address) -> bool:
        return any(address in network for network in self._allowed)


def _addresses(host: str, port: int) -> Iterator[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise TemporaryError(f"The webhook's host {host} cannot be resolved: {error}.") from error
    for *_, place in found:
        # A link-local address carries its interface: fe80::1%eth0.
        yield ip_address(str(place[0]).partition("%")[0])


def _meant(address: Address) -> Iterator[Address]:
    """Return the address and those that it carries inside, which a translator would reach."""
    yield address
    if isinstance(address, IPv4Address):
        return
    inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    yield from (item for item in inside if item is not None)
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFF_FFFF)
