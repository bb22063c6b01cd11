"""Members of an account as single calls write them, with what counts as done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connector.docusign.errors import DocusignError, InvalidDataError, MissingError
from connector.docusign.esign_reads import EsignReader
from connector.docusign.esign_writes import EsignWriter
from connector.docusign.person_fields import FIELDS
from connector.domain.model import User
from connector.settings import Behaviour

_NAME_PARTS = ("first_name", "middle_name", "last_name", "suffix")


class Members:
    """Changes people, profiles and group memberships in one account."""

    def __init__(self, reader: EsignReader, writer: EsignWriter, behaviour: Behaviour) -> None:
        self._reader = reader
        self._writer = writer
        self._behaviour = behaviour

    def find(self, account_id: str, user_id: str) -> User | None:
        """Return a user of an account, or None: who was just written may not be shown yet."""
        try:
            return self._reader.member(account_id, user_id)
        except MissingError:
            return None

    def set_profile(self, account_id: str, user_id: str, profile_id: str) -> None:
        """Replace the permission profile."""
        self._writer.update(account_id, user_id, {"permissionProfileId": profile_id})

    def update_person(self, account_id: str, user_id: str, changes: Mapping[str, str]) -> None:
        """Change fields of a person in one account, names in the configured way."""
        wanted = dict(changes)
        parts = {name: wanted[name] for name in _NAME_PARTS if name in wanted}
        if parts and self._behaviour.rename_fields == "full":
            wanted = {name: value for name, value in wanted.items() if name not in parts}
            wanted.setdefault("user_name", self._full_name(account_id, user_id, parts))
        elif parts:
            wanted.pop("user_name", None)
        body = {FIELDS[name]: value for name, value in wanted.items()}
        self._writer.update(account_id, user_id, body)

    def _full_name(self, account_id: str, user_id: str, parts: Mapping[str, str]) -> str:
        user = self._reader.member(account_id, user_id)
        values = (parts.get(name, getattr(user, name)) for name in _NAME_PARTS)
        return " ".join(filter(None, values))

    def add_to_group(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Put users into a group."""
        for user_id, error in self._writer.change_members("PUT", account_id, group_id, user_ids):
            if not self._is_in_group(account_id, group_id, user_id):
                raise _about_member(error, is_partial=len(user_ids) > 1)

    def remove_from_group(self, account_id: str, group_id: str, user_ids: Sequence[str]) -> None:
        """Take users out of a group."""
        for user_id, error in self._writer.change_members("DELETE", account_id, group_id, user_ids):
            if self._is_in_group(account_id, group_id, user_id):
                raise _about_member(error, is_partial=len(user_ids) > 1)

    def _is_in_group(self, account_id: str, group_id: str, user_id: str) -> bool:
        """Look whether the wish is fulfilled anyway: the codes that say so are undocumented."""
        user = self.find(account_id, user_id)
        return user is not None and group_id in user.memberships[account_id].group_ids


def is_open(account_id: str, user: User) -> bool:
    """Return whether a user's membership in an account is open, pending ones included."""
    return user.memberships[account_id].status.is_open


def _about_member(error: DocusignError, *, is_partial: bool) -> DocusignError:
    """Return the refusal of one member.

    One who is missing is a wrong value of the request: the group that it addresses is there.
    """
    if isinstance(error, MissingError):
        error = InvalidDataError(
            str(error),
            status=error.status,
            error_code=error.error_code,
            trace_token=error.trace_token,
        )
    error.is_partial = is_partial
    return error
