"""What a finding's two sides are, in words: for the console and for the command line alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.domain.drift.findings import Finding
from connector.domain.model import MembershipStatus
from connector.domain.naming.names import Names

NOTHING = "nothing"
_LABELS = {
    "email": "Address",
    "is_admin": "Makes administrators",
    "last_login_at": "Last sign-in",
    "managed": "Managed by DocuSign's own SCIM",
    "member": "Member of the group",
    "organization_admin": "Organization administrator",
    "profile": "Permission profile",
}
"""By field, what people call it where underscores alone do not say it."""
_STATUS = {
    **{str(status): status.in_words for status in MembershipStatus},
    "gone": "no longer there",
    "none": "no membership",
}
"""Of a membership."""


@dataclass(frozen=True)
class Told:
    """One field of a side, in words."""

    name: str
    lines: Sequence[str]
    """Its value; a line an account, where it is about several."""


class Wording:
    """Tells what findings say, by the names of one moment."""

    def __init__(self, names: Names, roles: Mapping[str, str]) -> None:
        """:param roles: what roles are called, by id."""
        self._names = names
        self._roles = roles

    def side(self, finding: Finding, data: Mapping[str, Any]) -> Sequence[Told]:
        """Return what is expected, or what DocuSign shows, field by field; empty: nothing."""
        return [
            Told(label_of(name), list(self._lines(name, value, finding.account_id)))
            for name, value in sorted(data.items())
        ]

    @staticmethod
    def change(finding: Finding) -> str:
        """Return what became of each field that differs, in half a sentence."""
        return ", ".join(
            _became(name, was, finding.actual.get(name))
            for name, was in sorted(finding.expected.items())
        )

    def _lines(self, name: str, value: Any, account_id: str) -> Iterator[str]:
        if name == "memberships" and isinstance(value, Mapping):
            for key, place in sorted(value.items()):
                yield f"{self._names.account_name(key)}: {self._membership(key, place)}"
        elif name == "status":
            yield _status(value)
        elif name == "profile":
            yield self._profile(account_id, value)
        elif name == "groups":
            yield self._groups(account_id, value)
        elif name == "roles":
            yield ", ".join(self._roles.get(role, role) for role in value) or NOTHING
        else:
            yield self._value(value)

    def _membership(self, account_id: str, place: Any) -> str:
        if not isinstance(place, Mapping):
            return self._value(place)
        parts = [_status(place.get("status"))]
        if place.get("profile"):
            parts.append(f"profile {self._profile(account_id, place['profile'])}")
        if place.get("groups"):
            parts.append(f"groups {self._groups(account_id, place['groups'])}")
        return ", ".join(parts)

    def _profile(self, account_id: str, profile_id: Any) -> str:
        found = self._names.catalogue.profiles.get((account_id, str(profile_id)))
        return found.name if found else self._value(profile_id)

    def _groups(self, account_id: str, group_ids: Sequence[str]) -> str:
        known = self._names.catalogue.groups
        places = [(account_id, str(group_id)) for group_id in group_ids or ()]
        return ", ".join(known[at].name if at in known else at[1] for at in places) or "none"

    @staticmethod
    def _value(value: Any) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if value is None or value == "":
            return NOTHING
        return _moment(str(value)) or str(value)


def _became(name: str, was: Any, now: Any) -> str:
    if name == "is_admin":
        return "makes administrators now" if now else "makes no administrators any more"
    label = label_of(name).lower()
    if not now:
        return f"{label} “{was}” was taken out"
    return f"{label} “{was}” became “{now}”" if was else f"{label} became “{now}”"


def label_of(name: str) -> str:
    """Return what a field is called, at the beginning of a line."""
    words = name.replace("_", " ")
    return _LABELS.get(name, words[:1].upper() + words[1:])


def _status(value: Any) -> str:
    return _STATUS.get(str(value), str(value).replace("_", " "))


def _moment(text: str) -> str:
    """Return a time as people read it; empty for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at.tzinfo else ""
