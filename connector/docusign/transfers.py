"""Envelope transfer rules of the eSignature API; accounts need the feature *Transfer Custody*."""

from __future__ import annotations

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import Answer, ApiClient, Call, Json
from connector.docusign.errors import NoAnswerError, RefusedError

_RULES = "/v2.1/accounts/{account_id}/envelopes/transfer_rules"
_EVENT = "completed"
"""Covers what is in flight when a sender leaves."""
_PAGE = 100


class TransferRules:
    """The transfer rules of the accounts of one tenant."""

    def __init__(self, client: ApiClient, access: Access) -> None:
        self._client = client
        self._access = access

    def create(self, account_id: str, user_id: str, to_user_id: str) -> str:
        """Create a rule and return its id."""
        body: Json = {
            "enabled": "true",
            "eventType": _EVENT,
            "carbonCopyOriginalOwner": "false",
            "fromUsers": [{"userId": user_id}],
            "toUser": {"userId": to_user_id},
        }
        call = Call(
            "creating a transfer rule", "POST", _RULES, {"account_id": account_id}, {}, body
        )
        rules = self._send(call).get("envelopeTransferRules") or [{}]
        rule_id = wire.text(rules[0], "envelopeTransferRuleId")
        if not rule_id:
            raise NoAnswerError("Creating a transfer rule was answered without the rule's id.")
        return rule_id

    def find(self, account_id: str, user_id: str, to_user_id: str) -> str | None:
        """Return the id of the enabled rule from one user to another, None without one."""
        start = 0
        while True:
            query = {"start_position": str(start), "count": str(_PAGE)}
            call = Call("listing transfer rules", "GET", _RULES, {"account_id": account_id}, query)
            rules = self._send(call).get("envelopeTransferRules") or []
            for rule in rules:
                ids = [
                    wire.text(rule.get(side) or {}, "userId").lower()
                    for side in ("fromUser", "toUser")
                ]
                is_ours = wire.text(rule, "eventType") == _EVENT and ids == [user_id, to_user_id]
                if is_ours and wire.text(rule, "enabled") == "true":
                    return wire.text(rule, "envelopeTransferRuleId")
            if len(rules) < _PAGE:
                return None
            start += len(rules)

    def delete(self, account_id: str, rule_id: str) -> None:
        """Delete a rule; a missing one is no error."""
        path = {"account_id": account_id, "rule_id": rule_id}
        try:
            self._send(Call("deleting a transfer rule", "DELETE", f"{_RULES}/{{rule_id}}", path))
        except RefusedError:
            # The code for "no such rule" is not documented: what counts is whether it is there.
            if self._is_there(account_id, rule_id):
                raise

    def _is_there(self, account_id: str, rule_id: str) -> bool:
        call = Call("listing transfer rules", "GET", _RULES, {"account_id": account_id})
        rules = self._send(call).get("envelopeTransferRules") or []
        return any(wire.text(rule, "envelopeTransferRuleId") == rule_id for rule in rules)

    def _send(self, call: Call) -> Answer:
        return self._client.send(self._access.account(call.path["account_id"]), call)
