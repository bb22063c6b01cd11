"""Changes accounts through the eSignature API.

Each method is one kind of call; nothing is read back here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.causes import item_error, raise_item_errors
from connector.docusign.client import Answer, ApiClient, Call, Json, incomplete, listed
from connector.docusign.errors import DocusignError, NoAnswerError
from connector.docusign.person_fields import FIELDS
from connector.domain.model import DirectoryGroup
from connector.domain.plan import CreateMembership, Person
from connector.domain.planning import GROUP_CHUNK
from connector.errors import PermanentError, TemporaryError

STRIP = "Groups,PermissionSet,SigningGroupsEmail"
_ACCOUNT = "/v2.1/accounts/{account_id}"
_USERS = f"{_ACCOUNT}/users"
_GROUPS = f"{_ACCOUNT}/groups"


class EsignWriter:
    """The writing half of the eSignature API for one tenant."""

    def __init__(self, client: ApiClient, access: Access) -> None:
        self._client = client
        self._access = access

    # users --------------------------------------------------------------------

    def create(self, operation: CreateMembership) -> str:
        """Create a user and return the id.

        :raises ExistsError: name or address is taken; ``user_id`` may say by whom.
        """
        new_user: Json = {
            **_members(operation.person),
            "permissionProfileId": operation.profile_id,
            "groupList": [{"groupId": group_id} for group_id in operation.group_ids],
        }
        call = self._call("creating a user", "POST", _USERS, operation.account_id)
        item = self._made(call, {"newUsers": [new_user]}, "newUsers", "userId")
        return wire.text(item, "userId").lower()

    def update(self, account_id: str, user_id: str, body: Json) -> None:
        """Change members of a user."""
        call = self._call(
            "changing a user", "PUT", f"{_USERS}/{{user_id}}", account_id, user_id=user_id
        )
        answer = self._send(call, body)
        raise_item_errors(call.what, [answer], answer.trace_token)

    def resend_activation(self, account_id: str, user_id: str, body: Json) -> None:
        """Send the activation again, which re-opens a closed user (bulk update, as DocuSign's
        support describes it)."""
        call = self._call("re-opening a user", "PUT", _USERS, account_id)
        user = {"userId": user_id, "sendActivationEmail": "send", **body}
        self._change(call, {"users": [user]}, "users")

    def close(self, account_id: str, user_id: str, *, strip: bool) -> None:
        """Close a user."""
        query = {"delete": STRIP} if strip else {}
        call = self._call("closing a user", "DELETE", _USERS, account_id, query=query)
        self._change(call, {"users": [{"userId": user_id}]}, "users")

    # groups -------------------------------------------------------------------

    def change_members(
        self, method: str, account_id: str, group_id: str, user_ids: Sequence[str]
    ) -> Iterator[tuple[str, DocusignError]]:
        """Add (PUT) or remove (DELETE) members; yield those whom DocuSign refused."""
        what = "adding group members" if method == "PUT" else "removing group members"
        template = f"{_GROUPS}/{{group_id}}/users"
        call = self._call(what, method, template, account_id, group_id=group_id)
        for start in range(0, len(user_ids), GROUP_CHUNK):
            chunk = user_ids[start : start + GROUP_CHUNK]
            body = {"users": [{"userId": user_id} for user_id in chunk]}
            try:
                answer = self._send(call, body)
            except TemporaryError as trouble:
                if start == 0:
                    raise
                # No temporary error: that would say that nothing was done.
                raise NoAnswerError(f"A part of the members was written. {trouble}") from trouble
            except PermanentError as refusal:
                refusal.is_partial = refusal.is_partial or start > 0
                raise
            for item in answer.get("users") or ():
                if error := item_error(what, item, answer.trace_token):
                    yield wire.text(item, "userId").lower(), error

    def create_group(self, account_id: str, name: str) -> DirectoryGroup:
        """Create a group."""
        call = self._call("creating a group", "POST", _GROUPS, account_id)
        item = self._made(call, {"groups": [{"groupName": name}]}, "groups", "groupId")
        return wire.group(account_id, {"groupName": name, **item})

    def rename_group(self, account_id: str, group_id: str, name: str) -> None:
        """Rename a group."""
        call = self._call("renaming a group", "PUT", _GROUPS, account_id)
        self._change(call, {"groups": [{"groupId": group_id, "groupName": name}]}, "groups")

    def delete_group(self, account_id: str, group_id: str) -> None:
        """Delete a group."""
        call = self._call("deleting a group", "DELETE", _GROUPS, account_id)
        self._change(call, {"groups": [{"groupId": group_id}]}, "groups")

    # calls --------------------------------------------------------------------

    def _call(
        self,
        what: str,
        method: str,
        template: str,
        account_id: str,
        *,
        query: Mapping[str, str] | None = None,
        **path: str,
    ) -> Call:
        return Call(what, method, template, {"account_id": account_id, **path}, query or {})

    def _send(self, call: Call, body: Json) -> Answer:
        call = Call(call.what, call.method, call.template, call.path, call.query, body)
        return self._client.send(self._access.account(call.path["account_id"]), call)

    def _change(self, call: Call, body: Json, name: str) -> None:
        """Send what is to be done; every item of the answer succeeded, if there is one."""
        answer = self._send(call, body)
        if answer:
            raise_item_errors(call.what, listed(call, answer, name), answer.trace_token)

    def _made(self, call: Call, body: Json, name: str, id_name: str) -> Json:
        """Send and return the one thing that was made, which has an id."""
        answer = self._send(call, body)
        items = listed(call, answer, name) if answer else []
        raise_item_errors(call.what, items, answer.trace_token)
        item = items[0] if items else {}
        if not wire.text(item, id_name):
            raise incomplete(call, answer, f"The answer lacks the {id_name} of what was made.")
        return item


def _members(person: Person) -> Json:
    """Return what is known of a person in DocuSign's words; empty fields stay away."""
    return {theirs: value for ours, theirs in FIELDS.items() if (value := getattr(person, ours))}
