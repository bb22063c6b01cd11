"""The hosts of an environment (docusign-api.md 1.1). eSignature hosts come from userinfo."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connector.settings import DocusignSettings


@dataclass(frozen=True)
class Hosts:
    """Where authentication and Admin API are reached; no trailing slash."""

    oauth_url: str
    admin_url: str
    jwt_audience: str

    @classmethod
    def of(cls, settings: DocusignSettings) -> Hosts:
        """Return the hosts of the configured environment."""
        if settings.environment == "custom":
            oauth_url = settings.oauth_url.rstrip("/")
            audience = settings.jwt_audience or urlsplit(oauth_url).netloc
            return cls(oauth_url, settings.admin_url.rstrip("/"), audience)
        mark = "" if settings.environment == "production" else "-d"
        host = f"account{mark}.docusign.com"
        return cls(f"https://{host}", f"https://api{mark}.docusign.net/management", host)
