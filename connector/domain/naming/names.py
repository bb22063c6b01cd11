"""What people call the accounts, profiles, groups and persons of which a plan has ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connector.domain.model import Catalogue, User
from connector.domain.writing import beside
from connector.settings import AccountSettings

SHOWN_MEMBERS = 5
"""The most persons whom one line names; the others are counted."""


@dataclass(frozen=True)
class Names:
    """Names with the ids beside them; the id alone where no name is known."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    users: Mapping[str, User] = field(default_factory=dict)
    accounts: Sequence[AccountSettings] = ()
    """Whose aliases are preferred to the names in DocuSign."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """By field of a person, the SCIM attribute by which clients know it."""

    def account(self, account_id: str) -> str:
        """Return what an account is called."""
        return beside(self._account(account_id), account_id)

    def account_name(self, account_id: str) -> str:
        """Return the same without the id, where the account has a name."""
        return self._account(account_id) or account_id

    def _account(self, account_id: str) -> str:
        known = self.catalogue.accounts.get(account_id)
        return account_name(self.accounts, account_id, known.name if known else "")

    def profile(self, account_id: str, profile_id: str) -> str:
        """Return what a permission profile is called."""
        known = self.catalogue.profiles.get((account_id, profile_id))
        return beside(known.name if known else "", profile_id)

    def group(self, account_id: str, group_id: str) -> str:
        """Return what a DocuSign group is called."""
        known = self.catalogue.groups.get((account_id, group_id))
        return beside(known.name if known else "", group_id)

    def person(self, user_id: str | None) -> str:
        """Return the address of a person; who has no id yet is created in the same plan."""
        if not user_id:
            return "the new user"
        known = self.users.get(user_id)
        return beside(known.email if known else "", user_id)

    def attribute(self, name: str) -> str:
        """Return what a field of a person is called."""
        return self.attributes.get(name) or name.replace("_", " ")

    def people(self, user_ids: Sequence[str]) -> str:
        """Return the first few persons of many, and how many more there are."""
        first = ", ".join(self.person(user_id) for user_id in user_ids[:SHOWN_MEMBERS])
        more = len(user_ids) - SHOWN_MEMBERS
        return f"{first} and {more} more" if more > 0 else first


IDS_ALONE = Names()


def shown_users(user_ids: Iterable[str]) -> Sequence[str]:
    """Return those of an operation's users whom its line can name."""
    return list(user_ids)[:SHOWN_MEMBERS]


def account_name(accounts: Iterable[AccountSettings], account_id: str, name: str = "") -> str:
    """Return what people call an account; empty where nothing is known.

    :param accounts: whose aliases are preferred.
    :param name: its name in DocuSign, where known.
    """
    alias = next((item.alias for item in accounts if item.account_id == account_id), "")
    return alias or name


def account_called(accounts: Iterable[AccountSettings], account_id: str, name: str = "") -> str:
    """Return the same with the id beside it, the id alone where nothing is known."""
    return beside(account_name(accounts, account_id, name), account_id)
