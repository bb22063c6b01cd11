"""Admin API: a person's data deleted for good, in one account or in several."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from simulator import wire
from simulator.routes.access import admin
from simulator.simulator import current
from simulator.state.errors import RuleError, invalid, user_not_found
from simulator.state.model import Account
from simulator.state.redaction import Outcome, overall, redact

blueprint = Blueprint("admin_redaction", __name__, url_prefix="/v2/data_redaction")


@blueprint.post("/organizations/<organization_id>/user")
@admin("user_data_redact")
def redact_user() -> Response:
    """Delete the data of a user in the accounts that are named."""
    body = wire.json_body()
    places = wire.items(body, "memberships")
    if not places:
        raise invalid("At least one account is required.")
    accounts = [current().state.account(wire.text(item, "account_id")) for item in places]
    return wire.answer(_redacted(wire.text(body, "user_id"), accounts))


@blueprint.post("/accounts/<account_id>/user")
@admin("user_data_redact")
def redact_member(account_id: str) -> Response:
    """Delete the data of a user in one account."""
    body = wire.json_body()
    account = current().state.account(account_id)
    return wire.answer(_redacted(wire.text(body, "user_id"), [account]))


def _redacted(user_id: str, accounts: list[Account]) -> dict[str, Any]:
    state = current().state
    _require_known(user_id)
    outcomes: list[Outcome] = [redact(state, account, user_id) for account in accounts]
    return {
        "user_id": user_id.lower(),
        "status": overall(outcomes),
        "membership_results": [
            {"account_id": account.account_id, "status": outcome}
            for account, outcome in zip(accounts, outcomes, strict=True)
        ],
    }


def _require_known(user_id: str) -> None:
    """Refuse an id that never was a user's."""
    state = current().state
    try:
        state.user(user_id)
    except RuleError:
        if not any(known == user_id.lower() for _, known in state.redacted):
            raise user_not_found(user_id) from None
