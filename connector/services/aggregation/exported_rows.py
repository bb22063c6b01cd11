"""Tells whether the mirror has what a row of an export shows."""

from __future__ import annotations

import re

from connector.domain.model import Catalogue, Membership, User, fold
from connector.ports import ExportRow

_SEPARATORS = re.compile(r"[;,|]")


class RowComparison:
    """Compares rows of one account. What the catalogue means for them is worked out once: an
    account may have thousands of groups, and far more rows."""

    def __init__(self, catalogue: Catalogue, account_id: str) -> None:
        groups = [item for key, item in catalogue.groups.items() if key[0] == account_id]
        self._account_id = account_id
        self._profile_names = {
            profile_id: fold(profile.name)
            for (account, profile_id), profile in catalogue.profiles.items()
            if account == account_id
        }
        self._words = {item.group_id: _words(item.name) for item in groups}
        self._built_in = frozenset[str]().union(
            *(self._words[item.group_id] for item in groups if item.group_type.is_built_in)
        )

    def is_same(self, row: ExportRow, user: User | None) -> bool:
        """Return whether a user is in the mirror as a row shows them."""
        membership = user.memberships.get(self._account_id) if user else None
        if user is None or membership is None or row.groups is None:
            return False
        shown = (fold(row.email), row.job_title, row.company, row.status)
        if shown != (user.email_key, *_work(user, membership), membership.status):
            return False
        names = (row.user_name or user.user_name, row.first_name, row.last_name)
        if names != (user.user_name, user.first_name, user.last_name):
            return False
        return self._has_profile(row, membership) and self._is_in_groups(row.groups, membership)

    def _has_profile(self, row: ExportRow, membership: Membership) -> bool:
        if row.profile_id or not row.profile_name:
            return (row.profile_id or None) == membership.profile_id
        return self._profile_names.get(membership.profile_id or "") == fold(row.profile_name)

    def _is_in_groups(self, text: str, membership: Membership) -> bool:
        """Compare words between separators: one that is part of a name parts both alike."""
        held = frozenset[str]().union(
            *(self._words.get(group_id, frozenset()) for group_id in membership.group_ids)
        )
        return _words(text) - self._built_in == held - self._built_in


def _work(user: User, membership: Membership) -> tuple[str, str]:
    """Return job title and company of a membership; of the person where it was not read yet."""
    job_title = user.job_title if membership.job_title is None else membership.job_title
    return job_title, user.company if membership.company is None else membership.company


def _words(text: str) -> frozenset[str]:
    return frozenset(word for part in _SEPARATORS.split(text) if (word := fold(part.strip())))
