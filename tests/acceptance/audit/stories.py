"""How somebody comes to hold something."""

from __future__ import annotations

from tests.connector import ok


def admin_profile(connector):
    account = connector.world.account
    profile = next(item for item in account.profiles.values() if item.is_admin)
    return f"{account.account_id}.{profile.profile_id}"


def give(connector, user, entitlement):
    return ok(
        connector.patch(
            f"/Users/{user['id']}",
            {"op": "add", "path": "entitlements", "value": [{"value": entitlement}]},
        )
    )
