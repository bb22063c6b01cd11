"""eSignature envelope transfer rules: who receives what somebody sent."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response

from simulator import wire
from simulator.routes.access import esign
from simulator.simulator import current
from simulator.state import RuleError
from simulator.state.model import Account

blueprint = Blueprint(
    "transfer_rules",
    __name__,
    url_prefix="/restapi/v2.1/accounts/<account_id>/envelopes/transfer_rules",
)
EVENTS = ("sent", "before sent", "completed")


@blueprint.get("")
@esign
def list_rules(account: Account) -> Response:
    """List the rules of an account."""
    _need_feature()
    page, rules = wire.esign_page(), list(account.transfer_rules.values())
    shown = list(page.of(rules))
    paging = wire.esign_paging(page, len(shown), len(rules))
    return wire.answer({"envelopeTransferRules": shown, **paging})


@blueprint.post("")
@esign
def create_rule(account: Account) -> Response:
    """Create a rule for each of ``fromUsers``."""
    _need_feature()
    body = wire.json_body()
    if wire.text(body, "eventType") not in EVENTS:
        raise RuleError("INVALID_REQUEST_PARAMETER", f"eventType is one of {', '.join(EVENTS)}.")
    to_user = _member(account, body.get("toUser") or {})
    made = []
    for item in wire.items(body, "fromUsers"):
        rule_id = str(uuid.uuid4())
        account.transfer_rules[rule_id] = {
            "envelopeTransferRuleId": rule_id,
            "enabled": wire.text(body, "enabled"),
            "eventType": wire.text(body, "eventType"),
            "carbonCopyOriginalOwner": wire.text(body, "carbonCopyOriginalOwner"),
            "fromUser": {"userId": _member(account, item)},
            "toUser": {"userId": to_user},
        }
        made.append(account.transfer_rules[rule_id])
    return wire.answer(_shown(made), 201)


@blueprint.delete("/<rule_id>")
@esign
def delete_rule(account: Account, rule_id: str) -> Response:
    """Delete a rule."""
    _need_feature()
    if account.transfer_rules.pop(rule_id, None) is None:
        text = "There is no such transfer rule."
        if current().state.variants.missing_transfer_rule == "not_found":
            raise RuleError("ENVELOPE_TRANSFER_RULE_NOT_FOUND", text, status=404)
        raise RuleError("INVALID_REQUEST_PARAMETER", text)
    return Response(status=200)


def _member(account: Account, item: dict[str, Any]) -> str:
    user_id = wire.text(item, "userId")
    membership = account.members.get(user_id)
    if membership is None or not membership.status.is_open:
        raise RuleError("INVALID_USER_ID", f"The user {user_id!r} is no open member.")
    return user_id


def _need_feature() -> None:
    if not current().state.variants.transfer_rules:
        raise RuleError(
            "ACCOUNT_LACKS_PERMISSIONS", "This Account lacks sufficient permissions.", status=400
        )


def _shown(rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "envelopeTransferRules": rules,
        "resultSetSize": str(len(rules)),
        "totalSetSize": str(len(rules)),
        "startPosition": "0",
    }
