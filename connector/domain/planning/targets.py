"""The permission profile that is wanted in each account."""

from __future__ import annotations

from connector.domain.model import User
from connector.domain.naming.account_book import AccountBook
from connector.domain.planning.desired import ActualUser, DesiredUser, ProfileKey
from connector.errors import InvalidRequestError


def target_profiles(
    desired: DesiredUser, actual: ActualUser, book: AccountBook
) -> dict[str, str | None]:
    """Return the profile wanted in each account that may change; None closes the membership."""
    held = held_profiles(actual.user)
    targets: dict[str, str | None] = {}
    if desired.profiles is not None:
        if desired.exact:
            wanted_profiles(desired.profiles, book)
        added = wanted_profiles(desired.profiles - held, book)
        targets.update(added)
        for account_id, profile_id in held - desired.profiles:
            if account_id not in added:
                # A full list says where somebody belongs, and says the same when it is repeated;
                # taking one profile away leaves a plain member.
                kept = None if desired.exact else _after_revocation(account_id, profile_id, book)
                targets[account_id] = kept
    names_all = desired.exact and bool(desired.profiles)
    if desired.active and not any(actual.user.open_memberships()) and not names_all:
        targets = {**_restored(desired, actual, book), **targets}
    return targets


def held_profiles(user: User) -> frozenset[ProfileKey]:
    """Return the profiles held. DocuSign may hide that of a pending membership: what nobody sees,
    nobody can have left out on purpose."""
    return frozenset(
        (item.account_id, item.profile_id) for item in user.open_memberships() if item.profile_id
    )


def wanted_profiles(profiles: frozenset[ProfileKey], book: AccountBook) -> dict[str, str]:
    """Return the wanted profile of each account.

    :raises InvalidRequestError: an unknown profile, or two for one account.
    """
    wanted: dict[str, str] = {}
    for account_id, profile_id in sorted(profiles):
        book.profile(account_id, profile_id)
        if account_id in wanted:
            raise InvalidRequestError(
                f"Two permission profiles for account {book.names.account(account_id)} in one "
                f"request: {book.names.profile(account_id, wanted[account_id])} and "
                f"{book.names.profile(account_id, profile_id)}. A membership holds exactly one."
            )
        wanted[account_id] = profile_id
    return wanted


def _after_revocation(account_id: str, profile_id: str, book: AccountBook) -> str | None:
    baseline = book.baseline(account_id).profile_id
    return None if profile_id == baseline else baseline


def _restored(desired: DesiredUser, actual: ActualUser, book: AccountBook) -> dict[str, str | None]:
    """Return the profiles to give again; the baseline in place of what was taken meanwhile."""
    return {
        account_id: profile_to_give(account_id, before.profile_id, book, desired.forgets)
        for account_id, before in actual.to_return.items()
        if book.is_governed(account_id)
    }


def profile_to_give(
    account_id: str,
    profile_id: str | None,
    book: AccountBook,
    forgets: frozenset[ProfileKey] = frozenset(),
) -> str:
    """Return the profile that enabling somebody gives where this one is remembered: the baseline
    in place of what was taken meanwhile, or is gone.

    :raises PermanentError: the configured baseline is not among the account's profiles.
    """
    profile = (account_id, profile_id or "")
    is_known = profile in book.catalogue.profiles and profile not in forgets
    return profile[1] if is_known else book.baseline(account_id).profile_id
