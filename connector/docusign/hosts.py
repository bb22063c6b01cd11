"""The hosts of an environment. eSignature hosts come from userinfo."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from connector.settings import DocusignSettings

_DOCUSIGN_HOST = re.compile(r"([a-z0-9-]+\.)+docusign\.(net|com)")


@dataclass(frozen=True)
class Hosts:
    """Where authentication and Admin API are reached; no trailing slash."""

    oauth_url: str
    admin_url: str
    jwt_audience: str
    monitor_v2_url: str = ""
    monitor_url: str = ""
    """Of Monitor 3.0."""
    people_url: str = ""
    """DocuSign Admin in a browser; empty for a custom environment."""

    @classmethod
    def of(cls, settings: DocusignSettings) -> Hosts:
        """Return the hosts of the configured environment."""
        if settings.environment == "custom":
            oauth_url = settings.oauth_url.rstrip("/")
            audience = settings.jwt_audience or urlsplit(oauth_url).netloc
            monitor_url = settings.monitor_url.rstrip("/") or oauth_url
            admin_url = settings.admin_url.rstrip("/")
            return cls(oauth_url, admin_url, audience, monitor_url, monitor_url)
        mark = "" if settings.environment == "production" else "-d"
        host = f"account{mark}.docusign.com"
        return cls(
            f"https://{host}",
            f"https://api{mark}.docusign.net/management",
            host,
            settings.monitor_url.rstrip("/") or f"https://lens{mark}.docusign.net",
            settings.monitor_url.rstrip("/") or f"https://api{mark}.docusign.com",
            f"https://admin{'demo' if mark else ''}.docusign.com",
        )

    def serves_accounts(self, base_uri: str) -> bool:
        """Return whether a token may be sent to the base URI that userinfo gives for an account:
        to DocuSign over https, or to the server that is configured as environment ``custom``."""
        given = _split(base_uri)
        if given is None or given.username or given.path or given.query or given.fragment:
            return False
        configured = [_split(url) for url in (self.oauth_url, self.admin_url)]
        if any(item and _origin(item) == _origin(given) for item in configured):
            return True
        is_docusign = bool(_DOCUSIGN_HOST.fullmatch(given.hostname or ""))
        return given.scheme == "https" and given.port in (None, 443) and is_docusign


def _split(url: str) -> SplitResult | None:
    """Return the parts of a URL, None where it is none."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 -- raises where it is no number
    except ValueError:
        return None
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port
