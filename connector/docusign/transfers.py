"""Envelope transfer rules of the eSignature API; accounts need the feature *Transfer Custody*."""

from __future__ import annotations

from collections.abc import Iterator

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import Answer, ApiClient, Call, Json, incomplete, listed
from connector.docusign.errors import MissingError, RefusedError
from connector.docusign.pages import esign_pages

_RULES = "/v2.1/accounts/{account_id}/envelopes/transfer_rules"
_EVENT = "completed"
"""Covers what is in flight when a sender leaves."""


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
        answer = self._send(call)
        rules = listed(call, answer, "envelopeTransferRules") or [{}]
        rule_id = wire.text(rules[0], "envelopeTransferRuleId")
        if not rule_id:
            raise incomplete(call, answer, "The answer lacks the rule's id.")
        return rule_id

    def find(self, account_id: str, user_id: str, to_user_id: str) -> str | None:
        """Return the id of the enabled rule from one user to another, None without one."""
        for rule in self._rules(account_id):
            ids = [
                wire.text(rule.get(side) or {}, "userId").lower() for side in ("fromUser", "toUser")
            ]
            is_ours = wire.text(rule, "eventType") == _EVENT and ids == [user_id, to_user_id]
            if is_ours and wire.text(rule, "enabled") == "true":
                return wire.text(rule, "envelopeTransferRuleId")
        return None

    def delete(self, account_id: str, rule_id: str) -> None:
        """Delete a rule; a missing one is no error."""
        path = {"account_id": account_id, "rule_id": rule_id}
        try:
            self._send(Call("deleting a transfer rule", "DELETE", f"{_RULES}/{{rule_id}}", path))
        except (RefusedError, MissingError):
            # The code for "no such rule" is not documented: what counts is whether it is there.
            there = (wire.text(rule, "envelopeTransferRuleId") for rule in self._rules(account_id))
            if rule_id in there:
                raise

    def _rules(self, account_id: str) -> Iterator[Json]:
        call = Call("listing transfer rules", "GET", _RULES, {"account_id": account_id})
        target = self._access.account(account_id)
        for page in esign_pages(self._client, target, call, "envelopeTransferRules"):
            yield from page.items

    def _send(self, call: Call) -> Answer:
        return self._client.send(self._access.account(call.path["account_id"]), call)
