"""The links by which people agree that the connector acts for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, urlencode

ESIGN_SCOPES = frozenset({"signature", "impersonation"})
"""What impersonation takes at least."""
ADMIN_SCOPES = ESIGN_SCOPES | {
    "organization_read",
    "user_read",
    "user_write",
    "permission_read",
    "group_read",
    "domain_read",
}
"""What the connector asks for where the tenant has an organization."""
REDACTION_SCOPES = ADMIN_SCOPES | {"user_data_redact"}
"""Asked for only where somebody is erased: consent has to cover every scope that is asked for."""


class Way(StrEnum):
    """How consent is given."""

    INDIVIDUAL = "individual"
    """The person who is impersonated agrees for themselves."""
    ORGANIZATION = "organization"
    """An organization administrator authorizes an app of the organization's own, in DocuSign
    Admin. It covers users of claimed domains."""
    EXTERNAL = "external"
    """An organization administrator agrees to an app of somebody else, by a link. It covers users
    of claimed domains."""


@dataclass(frozen=True)
class App:
    """What a consent link is made of."""

    oauth_url: str
    """The authentication host, without a trailing slash."""
    admin_url: str
    """DocuSign Admin, for people."""
    integration_key: str
    redirect_uri: str
    """Registered for the integration key letter by letter."""

    def consent_url(self, way: Way, scopes: Iterable[str], state: str = "") -> str:
        """Return the link that asks for exactly these scopes.

        :param state: comes back with the answer; empty: none.
        """
        wanted = " ".join(sorted(scopes))
        if way is Way.ORGANIZATION:
            return self.admin_url
        query = {"response_type": "code"}
        if way is Way.EXTERNAL:
            query |= {"scope": "openid", "admin_consent_scope": wanted, "prompt": "login"}
        else:
            query |= {"scope": wanted}
        query |= {"client_id": self.integration_key, "redirect_uri": self.redirect_uri}
        if state:
            query["state"] = state
        # DocuSign's own links write a space as %20.
        return f"{self.oauth_url}/oauth/auth?{urlencode(query, quote_via=quote, safe='')}"
