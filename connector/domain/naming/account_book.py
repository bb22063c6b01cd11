"""Which account and which profile a name in the configuration means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.domain.model import Catalogue, Profile, fold
from connector.domain.naming.names import Names
from connector.errors import InvalidRequestError, PermanentError
from connector.settings import AccountSettings, TenantSettings

# DocuSign names the least of its built-in profiles by the age of the account: a pair is the same.
_BUILT_IN_SYNONYMS = ({"docusign viewer", "ds viewer"}, {"docusign sender", "ds sender"})


@dataclass(frozen=True)
class AccountBook:
    """The governed accounts of a tenant and the meaning of their names."""

    settings: TenantSettings
    catalogue: Catalogue
    attribute_names: Mapping[str, str] = field(default_factory=dict)
    """By field of a person, the SCIM attribute by which clients know it."""

    def resolve(self, name: str) -> str:
        """Return the id of an account given by id, in any case, or alias.

        :raises InvalidRequestError: the tenant governs no such account.
        """
        for account in self.settings.accounts:
            # An account without an alias is not called "".
            if name and (name == account.alias or name.lower() == account.account_id.lower()):
                return account.account_id
        known = ", ".join(item.alias or item.account_id for item in self.settings.accounts)
        raise InvalidRequestError(f"No governed account is called {name!r}. There are: {known}.")

    @property
    def default_account(self) -> str:
        """The account that users without entitlements join."""
        name = self.settings.default_account
        return self.resolve(name) if name else self.settings.accounts[0].account_id

    @property
    def names(self) -> Names:
        """What people call accounts, profiles and groups."""
        return Names(self.catalogue, {}, self.settings.accounts, self.attribute_names)

    def is_governed(self, account_id: str) -> bool:
        """Return whether the account belongs to the tenant."""
        return any(item.account_id == account_id for item in self.settings.accounts)

    def profile(self, account_id: str, profile_id: str) -> Profile:
        """Return a profile of the catalogue.

        :raises InvalidRequestError: there is none.
        """
        found = self.catalogue.profiles.get((account_id, profile_id))
        if found is None:
            raise InvalidRequestError(
                f"There is no entitlement {account_id}.{profile_id}. "
                "List /Entitlements for those that can be granted."
            )
        return found

    def baseline(self, account_id: str) -> Profile:
        """Return the profile of a plain member.

        :raises PermanentError: the configured baseline is not among the account's profiles.
        """
        wanted = self._settings_of(account_id).baseline_profile
        wanted = wanted or self.settings.provisioning.baseline_profile
        profiles = [item for key, item in self.catalogue.profiles.items() if key[0] == account_id]
        by_id = [item for item in profiles if item.profile_id == wanted]
        names = _synonyms(wanted)
        by_name = [item for item in profiles if fold(item.name) in names]
        if by_id or by_name:
            return (by_id or by_name)[0]
        known = ", ".join(sorted(item.name for item in profiles)) or "none yet: run a sync first"
        raise PermanentError(
            f"The baseline profile {wanted!r} of account {self.names.account(account_id)} does not "
            f"exist. Set accounts[].baseline_profile to one of: {known}."
        )

    def _settings_of(self, account_id: str) -> AccountSettings:
        for account in self.settings.accounts:
            if account.account_id == account_id:
                return account
        return AccountSettings(account_id)


def _synonyms(name: str) -> set[str]:
    folded = fold(name)
    return next((group for group in _BUILT_IN_SYNONYMS if folded in group), {folded})
