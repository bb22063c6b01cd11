"""eSignature permission profiles, account information and service information."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from simulator import wire
from simulator.routes import views
from simulator.routes.access import esign
from simulator.simulator import current
from simulator.state import profiles
from simulator.state.model import Account

blueprint = Blueprint("accounts", __name__, url_prefix="/restapi/v2.1/accounts/<account_id>")


@blueprint.get("")
@esign
def get_account(account: Account) -> Response:
    """Return the account."""
    return wire.answer(
        {
            "accountIdGuid": account.account_id,
            "accountName": account.name,
            "externalAccountId": str(account.external_id),
            "createdDate": wire.moment(account.created_at),
            "currencyCode": "USD",
            "planName": "Enterprise Pro",
            "planClassification": "enterprise",
            "suspensionStatus": "suspended" if current().state.variants.suspended else "",
            "seatsInUse": str(sum(item.status.is_open for item in account.roster)),
        }
    )


def _included() -> set[str]:
    return set(request.args.get("include", "").split(","))


def _counts(account: Account) -> dict[str, int]:
    if "user_count" not in _included():
        return {}
    return profiles.count_users(account, include_closed="closed_users" in _included())


@blueprint.get("/permission_profiles")
@esign
def list_profiles(account: Account) -> Response:
    """Return all permission profiles; there is no paging."""
    counts = _counts(account)
    shown = [
        views.profile_view(profile, counts.get(profile.profile_id))
        for profile in account.profiles.values()
    ]
    return wire.answer({"permissionProfiles": shown})


@blueprint.get("/permission_profiles/<profile_id>")
@esign
def get_profile(account: Account, profile_id: str) -> Response:
    """Return one permission profile."""
    profile = profiles.get(account, profile_id)
    return wire.answer(views.profile_view(profile, _counts(account).get(profile_id)))


@blueprint.post("/permission_profiles")
@esign
def create_profile(account: Account) -> Response:
    """Create a permission profile."""
    body = wire.json_body()
    name = wire.text(body, "permissionProfileName")
    created = profiles.create(current().state, account, name, _settings(body))
    return wire.answer(views.profile_view(created), 201)


@blueprint.put("/permission_profiles/<profile_id>")
@esign
def update_profile(account: Account, profile_id: str) -> Response:
    """Change a custom permission profile."""
    body = wire.json_body()
    profile = profiles.update(
        current().state,
        account,
        profile_id,
        name=wire.text(body, "permissionProfileName") or None,
        settings=_settings(body),
    )
    return wire.answer(views.profile_view(profile))


@blueprint.delete("/permission_profiles/<profile_id>")
@esign
def delete_profile(account: Account, profile_id: str) -> Response:
    """Delete a custom permission profile."""
    profiles.delete(current().state, account, profile_id, request.args.get("move_users_to"))
    return Response(status=200)


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were sent."""
    settings = body.get("settings")
    return settings if isinstance(settings, dict) else {}
