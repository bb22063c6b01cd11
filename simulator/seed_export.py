"""An organization from DocuSign's own user-list export, to try a real one without touching it."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from simulator.seed import BUILT_IN, BUILT_IN_OLD, add_profiles
from simulator.state import State
from simulator.state.errors import RuleError
from simulator.state.keys import new_application
from simulator.state.model import (
    Account,
    Group,
    GroupType,
    Membership,
    Organization,
    Profile,
    ReservedDomain,
    Status,
    User,
)
from simulator.state.users import check_email
from simulator.variants import Variants

COLUMNS = (
    "SiteID",
    "AccountID",
    "AccountName",
    "APIUserName",
    "FullName",
    "FirstName",
    "LastName",
    "UserEmail",
    "UserStatus",
    "AddedDate",
    "MembershipStatus",
    "eSignPermissionProfile",
    "CompanyName",
    "JobTitle",
    "AddressLine1",
    "AdressLine2",
    "City",
    "StateRegionProvince",
    "PostalCode",
    "Country",
    "Phone",
    "Groups",
    "EnableCLM",
    "CLMPermissionProfile",
    "IdentityProviderInfo",
    "eSignPermissionProfileID",
)
"""As DocuSign documents them; ``AdressLine2`` is spelled so there."""
GROUP_SEPARATOR = ";"
EARLIEST = datetime(2019, 1, 1, tzinfo=UTC)
SERVICE_EMAIL = "identity.connector@simulator.example"
ADMIN_WORDS = ("admin", "administrator")

_NAMESPACE = uuid.UUID("5b1f1a0e-3f0e-5c3a-9a53-7d3f7f3c0001")
_STATUSES = {"".join(filter(str.isalpha, status.lower())): status for status in Status}


def seed_from_export(path: Path, *, variants: Variants | None = None) -> State:
    """Return the organization that an export describes.

    What the export does not say is added: a service user who administers everything, and the
    domain of most people as the claimed one. GUIDs missing from a row are made from its content,
    so that they are the same at each start.

    :raises ValueError: a needed column is missing, or a row makes no sense.
    """
    organization = Organization(_guid("organization", str(path.name)), path.stem, EARLIEST)
    state = State(organization, variants=variants)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"AccountID", "UserEmail"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(f"{path} lacks the columns {', '.join(sorted(missing))}")
        rows = [
            (reader.line_num, {key: (value or "").strip() for key, value in row.items() if key})
            for row in reader
        ]
    profiles = _named_profiles(row for _, row in rows)
    for number, row in rows:
        try:
            _check(row)
            _add_row(state, row, profiles.get(_account_id(row), {}))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from error
    if not state.accounts:
        raise ValueError(f"{path} has no rows")
    _claim_main_domain(state)
    _add_service_user(state)
    return state


def _guid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "/".join(parts)))


def _check(row: Mapping[str, str]) -> None:
    """Refuse a row of which no membership can be made.

    :raises ValueError: says why.
    """
    for name in ("AccountID", "UserEmail"):
        if not row.get(name):
            raise ValueError(f"{name} is empty")
    try:
        check_email(row["UserEmail"])
    except RuleError as error:
        raise ValueError(f"UserEmail {row['UserEmail']!r} is no e-mail address") from error
    if (user_id := row.get("APIUserName", "")) and not _is_guid(user_id):
        raise ValueError(f"APIUserName {user_id!r} is no GUID")


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _account_id(row: Mapping[str, str]) -> str:
    """Return the GUID of a row's account, of which the export may give its number."""
    given = row["AccountID"].lower()
    return given if "-" in given else _guid("account", given)


def _named_profiles(rows: Iterable[Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """Return the id of each profile that an account's rows name, empty where none is given, by
    account and name."""
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        if name := row.get("eSignPermissionProfile", ""):
            given = row.get("eSignPermissionProfileID", "")
            known = found.setdefault(_account_id(row), {})
            known[name.lower()] = known.get(name.lower()) or (given if given.isdigit() else "")
    return found


def _add_row(state: State, row: Mapping[str, str], profiles: Mapping[str, str]) -> None:
    """Add one membership, with the account, user, profile and groups that it names."""
    account = _account(state, row, profiles)
    added_at = _moment(row.get("AddedDate", ""))
    user = _user(state, row, account, added_at)
    status = _status(row.get("MembershipStatus") or row.get("UserStatus") or "active")
    if account.account_id in user.memberships:
        return  # The export repeats a row for each further product.
    membership = Membership(
        membership_id=_guid("membership", account.account_id, user.user_id),
        account=account,
        user=user,
        status=status,
        profile_id=_profile(account, row),
        created_at=added_at,
        closed_at=added_at if status is Status.CLOSED else None,
        group_ids=tuple(_groups(account, row.get("Groups", "").split(GROUP_SEPARATOR))),
        job_title=row.get("JobTitle", ""),
        company=row.get("CompanyName", ""),
    )
    state.add_membership(membership)


def _account(state: State, row: Mapping[str, str], profiles: Mapping[str, str]) -> Account:
    """Return the account of a row."""
    given, account_id = row["AccountID"].lower(), _account_id(row)
    account = state.accounts.get(account_id)
    if account is None:
        number = int(given) if given.isdigit() else 10000 + 100 * (len(state.accounts) + 1)
        site_id = int(text) if (text := row.get("SiteID") or "1").isdigit() else 1
        name = row.get("AccountName") or given
        account = Account(account_id, name, number, site_id, EARLIEST)
        account.next_number = number * 100
        _add_built_in(account, profiles)
        state.add_account(account)
    return account


def _add_built_in(account: Account, named: Mapping[str, str]) -> None:
    """Give an account what every account has; its profiles go by the names of its time, and have
    the ids of the export."""
    for name, kind in (("Administrators", GroupType.ADMIN), ("Everyone", GroupType.EVERYONE)):
        group = Group(account.take_number(), name, EARLIEST, kind)
        account.groups[group.group_id] = group
    is_old = any(name.lower() in named for name in BUILT_IN_OLD)
    add_profiles(account, BUILT_IN_OLD if is_old else BUILT_IN, EARLIEST, is_built_in=True)
    for profile in account.profiles.values():
        profile.profile_id = named.get(profile.name.lower()) or profile.profile_id
    account.profiles = {item.profile_id: item for item in account.profiles.values()}
    account.default_profile_id = list(account.profiles)[-1]


def _user(state: State, row: Mapping[str, str], account: Account, added_at: datetime) -> User:
    email, full = row["UserEmail"], row.get("FullName", "")
    name = full or f"{row.get('FirstName', '')} {row.get('LastName', '')}".strip() or email
    user_id = row.get("APIUserName", "").lower() or _guid("user", email.lower(), name)
    user = state.users.get(user_id)
    if user is None:
        user = User(
            user_id=user_id,
            email=email,
            user_name=name,
            created_at=added_at,
            modified_at=added_at,
            site_id=account.site_id,
            first_name=row.get("FirstName", ""),
            last_name=row.get("LastName", ""),
            default_account_id=account.account_id,
        )
        state.add_user(user)
    return user


def _status(text: str) -> Status:
    status = _STATUSES.get("".join(filter(str.isalpha, text.lower())))
    if status is None:
        raise ValueError(f"unknown status {text!r}")
    return status


def _profile(account: Account, row: Mapping[str, str]) -> str | None:
    """Return the id of the profile that a row names; an unknown name becomes a profile."""
    name, given = row.get("eSignPermissionProfile", ""), row.get("eSignPermissionProfileID", "")
    for profile in account.profiles.values():
        if profile.profile_id == given or (name and profile.name.lower() == name.lower()):
            return profile.profile_id
    if not name:
        return account.default_profile_id
    is_admin = any(word in name.lower() for word in ADMIN_WORDS)
    profile_id = given if given.isdigit() else account.take_number()
    account.profiles[profile_id] = Profile(profile_id, name, EARLIEST, is_admin)
    return profile_id


def _groups(account: Account, names: Iterable[str]) -> Iterable[str]:
    """Return the ids of the custom groups of these names, making those that are new."""
    by_name = {group.name.lower(): group for group in account.groups.values()}
    for name in dict.fromkeys(name.strip() for name in names if name.strip()):
        group = by_name.get(name.lower())
        if group is None:
            group = Group(account.take_number(), name, EARLIEST)
            account.groups[group.group_id] = group
        if group.kind is GroupType.CUSTOM:
            yield group.group_id


def _moment(text: str) -> datetime:
    """Return a date of the export; unreadable ones do not matter enough to refuse the file."""
    for form in ("%m/%d/%Y", "%m/%d/%Y %I:%M:%S %p"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return EARLIEST
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _claim_main_domain(state: State) -> None:
    """Claim the domain that most people have, with a login through an identity provider."""
    counts: dict[str, int] = {}
    for user in state.users.values():
        counts[user.domain] = counts.get(user.domain, 0) + 1
    host = max(counts, key=lambda name: counts[name])
    organization = state.organization
    organization.identity_provider_id = _guid("identity provider")
    organization.identity_provider_name = "Login"
    organization.domains[host] = ReservedDomain(
        _guid("domain", host), host, "active", organization.identity_provider_id
    )


def _add_service_user(state: State) -> None:
    """Add the user whom the connector impersonates."""
    first = next(iter(state.accounts.values()))
    user = User(
        user_id=_guid("service user"),
        email=SERVICE_EMAIL,
        user_name="Identity Connector",
        created_at=EARLIEST,
        modified_at=EARLIEST,
        site_id=first.site_id,
        first_name="Identity",
        last_name="Connector",
        default_account_id=first.account_id,
        is_organization_admin=True,
    )
    state.add_user(user)
    for account in state.accounts.values():
        profile_id = next(item.profile_id for item in account.profiles.values() if item.is_admin)
        membership_id = _guid("membership", account.account_id, user.user_id)
        state.add_membership(
            Membership(membership_id, account, user, Status.ACTIVE, profile_id, EARLIEST)
        )
    state.service_user_id = user.user_id
    state.applications.add(new_application(_guid("integration key"), user.user_id))
