"""What is known of e-mail domains, and which change of an address they allow."""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import InvalidRequestError, TemporaryError


@dataclass(frozen=True)
class Addresses:
    """What is known of e-mail domains: both sides of a change must be claimed."""

    claimed_domains: frozenset[str] | None = frozenset()
    """None while DocuSign could not be asked."""

    def is_claimed(self, email: str) -> bool:
        """Return whether the organization is known to have claimed the domain of this address."""
        return email.rpartition("@")[2].lower() in (self.claimed_domains or ())


def check_address_change(new: str, old: str, addresses: Addresses) -> None:
    """Let an address become another one.

    :raises InvalidRequestError: DocuSign does not change it: a domain is not claimed.
    :raises TemporaryError: nobody could ask which domains are claimed.
    """
    if addresses.is_claimed(new) and addresses.is_claimed(old):
        return
    if addresses.claimed_domains is None:
        raise TemporaryError(
            "The claimed domains could not be read from DocuSign, so the address cannot be "
            "changed now; the service is temporarily unavailable."
        )
    raise InvalidRequestError(
        f"The address {old} cannot become {new}: DocuSign changes addresses only within the "
        "domains that the organization has claimed. Claim the domain in DocuSign Admin, or "
        "delete the user and create a new one."
    )
