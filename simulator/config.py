"""What a client needs to know to connect to a simulator."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from simulator.state import State


def connection_details(state: State, base_url: str) -> dict[str, Any]:
    """Return the settings of a connection as plain JSON values.

    :param base_url: where the simulator answers, without a path.
    :returns: ``integration_key``, ``private_key_pem``, ``client_secret``, ``user_id`` (the service
        user),
        ``organization_id``, ``accounts`` (``account_id``, ``name`` and ``baseline_profile``, the id
        of the profile of plain members), ``oauth_url``, ``admin_url``, ``jwt_audience`` and
        ``redirect_uri`` (the registered one).
    """
    base_url = base_url.rstrip("/")
    application = next(iter(state.applications.by_key.values()))
    return {
        "integration_key": application.integration_key,
        "private_key_pem": application.private_key_pem,
        "client_secret": application.client_secret,
        "redirect_uri": min(application.redirect_uris),
        "user_id": state.service_user_id,
        "organization_id": state.organization.organization_id,
        "accounts": [
            {
                "account_id": account.account_id,
                "name": account.name,
                "baseline_profile": account.default_profile_id,
            }
            for account in state.accounts.values()
        ],
        "oauth_url": base_url,
        "admin_url": f"{base_url}/management",
        "jwt_audience": urlsplit(base_url).netloc,
    }
