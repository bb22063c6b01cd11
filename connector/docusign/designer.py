"""Permission profiles with their settings."""

from __future__ import annotations

from collections.abc import Sequence

from connector.docusign import wire
from connector.docusign.access import Access
from connector.docusign.client import Answer, ApiClient, Call, Json, incomplete, listed
from connector.domain.account_setup.actual import ActualProfile, Settings

_PROFILES = "/v2.1/accounts/{account_id}/permission_profiles"
_PROFILE = f"{_PROFILES}/{{profile_id}}"
_METADATA = "Metadata"
"""How settings end that say who may change another setting."""


class DocusignDesigner:
    """See :class:`connector.ports.ProfileDesigner`."""

    def __init__(self, client: ApiClient, access: Access) -> None:
        self._client = client
        self._access = access

    def profiles(self, account_id: str) -> Sequence[ActualProfile]:
        """Return every profile; there is no paging."""
        path, query = {"account_id": account_id}, {"include": "user_count"}
        call = Call("listing the permission profiles", "GET", _PROFILES, path, query)
        answer = self._send(call)
        return [_profile(item) for item in listed(call, answer, "permissionProfiles")]

    def create(self, account_id: str, name: str, settings: Settings) -> str:
        """Make a profile and return its id."""
        body: Json = {"permissionProfileName": name, "settings": dict(settings)}
        path = {"account_id": account_id}
        call = Call("creating a permission profile", "POST", _PROFILES, path, body=body)
        answer = self._send(call)
        profile_id = wire.text(answer, "permissionProfileId")
        if not profile_id:
            raise incomplete(call, answer, "The answer lacks the profile's id.")
        return profile_id

    def change(self, account_id: str, profile_id: str, settings: Settings) -> None:
        """Change these settings of a profile; the others stay."""
        path = {"account_id": account_id, "profile_id": profile_id}
        body: Json = {"settings": dict(settings)}
        self._send(Call("changing a permission profile", "PUT", _PROFILE, path, body=body))

    def remove(self, account_id: str, profile_id: str, move_users_to: str) -> None:
        """Delete a profile; its holders get another."""
        path = {"account_id": account_id, "profile_id": profile_id}
        query = {"move_users_to": move_users_to} if move_users_to else {}
        self._send(Call("deleting a permission profile", "DELETE", _PROFILE, path, query))

    def _send(self, call: Call) -> Answer:
        return self._client.send(self._access.account(call.path["account_id"]), call)


def _profile(item: Json) -> ActualProfile:
    given = item.get("settings")
    settings = {
        str(name): _text(value)
        for name, value in (given if isinstance(given, dict) else {}).items()
        if not str(name).endswith(_METADATA) and not isinstance(value, dict | list)
    }
    return ActualProfile(
        wire.text(item, "permissionProfileId"),
        wire.text(item, "permissionProfileName"),
        settings,
        wire.number(item.get("userCount")) or 0,
    )


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
