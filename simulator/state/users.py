"""Rules for people: names, addresses, joining an account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.state.errors import RuleError, invalid
from simulator.state.model import Account, Membership, OtherAdmin, Status, User, new_guid
from simulator.state.organization import State

MAX_NAME_PART = 50
"""Characters of the first, middle and last name and of the suffix."""
MAX_USER_NAME = 100
MAX_EMAIL = 100
NAME_PARTS = ("first_name", "middle_name", "last_name", "suffix")


@dataclass(frozen=True, slots=True)
class NewMember:
    """A person to be joined to an account."""

    email: str
    user_name: str = ""
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    suffix: str = ""
    job_title: str = ""
    company: str = ""
    profile_id: str | None = None
    group_ids: tuple[str, ...] = ()
    language: str = "en"
    default_account_id: str = ""
    federated_status: str = "RemoveStatus"
    auto_activate: bool = False


def full_name(parts: Mapping[str, str]) -> str:
    """Return the full name that the parts make."""
    return " ".join(parts[name] for name in NAME_PARTS if parts.get(name))


def split_name(user_name: str) -> dict[str, str]:
    """Return first and last name as DocuSign guesses them from a full name, cut to what fits:
    its own guess is no reason to refuse a person who is named by a long address."""
    first, _, last = user_name.strip().partition(" ")
    return {"first_name": first[:MAX_NAME_PART], "last_name": last.strip()[:MAX_NAME_PART]}


def check_names(parts: Mapping[str, str], user_name: str) -> None:
    """Refuse names that are too long."""
    if len(user_name) > MAX_USER_NAME:
        raise invalid(f"userName exceeds the maximum length of {MAX_USER_NAME} characters.")
    for name in NAME_PARTS:
        if len(parts.get(name, "")) > MAX_NAME_PART:
            raise invalid(f"{name} exceeds the maximum length of {MAX_NAME_PART} characters.")


def check_email(email: str) -> None:
    """Refuse what is no e-mail address."""
    local, at, domain = email.partition("@")
    has_blank = any(char.isspace() for char in email)
    if not (local and at and "." in domain) or has_blank or len(email) > MAX_EMAIL:
        raise RuleError("INVALID_EMAIL_ADDRESS_FOR_USER", f"The email address {email} is invalid.")


def join(state: State, account: Account, new: NewMember) -> Membership:
    """Join a person to an account and return the membership.

    The open user of that name and address is the same person and joins once more; anybody else
    becomes a new user, even if a closed user had that name and address.
    """
    parts = {name: getattr(new, name).strip() for name in NAME_PARTS}
    user_name = full_name(parts) or new.user_name.strip()
    if not user_name or not new.email:
        raise invalid("The request lacks userName or email.")
    if not any(parts.values()):
        parts = split_name(user_name)
    check_names(parts, user_name)
    check_email(new.email)
    profile_id = checked_profile(account, new.profile_id or account.default_profile_id)
    group_ids = checked_groups(account, new.group_ids)
    user = _same_person(state, account, new.email, user_name)
    if user is None:
        user = _new_user(state, account, new, user_name, parts)
    return _enter(state, account, user, new, profile_id=profile_id, group_ids=group_ids)


def _same_person(state: State, account: Account, email: str, user_name: str) -> User | None:
    """Return the user whom the request names, or None where it is a new person."""
    holder = state.open_on_address(email)
    if holder is None:
        if state.variants.recreate_closed == "new_user":
            return None
        named = [u for u in state.on_address(email) if u.user_name.lower() == user_name.lower()]
        return named[-1] if named else None
    if holder.user_name.lower() != user_name.lower():
        raise RuleError(
            "EMAIL_IS_RESERVED",
            "The email address is in use by another active or pending user.",
        )
    here = holder.memberships.get(account.account_id)
    if here is not None and here.status is not Status.CLOSED:
        tells = state.variants.exists_error_has_user_id
        raise RuleError(
            "USER_ALREADY_EXISTS_IN_ACCOUNT",
            "Username and email combination already exists for this account.",
            user_id=holder.user_id if tells else None,
        )
    return holder


def _new_user(
    state: State, account: Account, new: NewMember, user_name: str, parts: Mapping[str, str]
) -> User:
    now = state.now()
    user = User(
        user_id=new_guid(),
        email=new.email,
        user_name=user_name,
        created_at=now,
        modified_at=now,
        site_id=account.site_id,
        default_account_id=new.default_account_id or account.account_id,
        language=new.language,
        federated_status=new.federated_status,
        first_name=parts.get("first_name", ""),
        middle_name=parts.get("middle_name", ""),
        last_name=parts.get("last_name", ""),
        suffix=parts.get("suffix", ""),
    )
    state.add_user(user)
    return user


def _enter(
    state: State,
    account: Account,
    user: User,
    new: NewMember,
    *,
    profile_id: str,
    group_ids: tuple[str, ...],
) -> Membership:
    """Make the membership, or open a closed one again."""
    now = state.now()
    status = _first_status(state, user.email, auto_activate=new.auto_activate)
    membership = account.members.get(user.user_id)
    if membership is None:
        membership = Membership(
            membership_id=new_guid(),
            account=account,
            user=user,
            status=status,
            profile_id=profile_id,
            created_at=now,
            group_ids=group_ids,
        )
        state.add_membership(membership)
    else:
        set_groups(membership, group_ids)
        membership.profile_id, membership.status = profile_id, status
        membership.closed_at = user.closed_at = None
    membership.job_title, membership.company = new.job_title, new.company
    if status is Status.ACTIVE:
        membership.activated_at = now
    state.touch(user, account)
    return membership


def _first_status(state: State, email: str, *, auto_activate: bool) -> Status:
    """Return the status of a new membership."""
    if auto_activate and can_auto_activate(state, email):
        return Status.ACTIVE
    return Status(state.variants.created_status)


def can_auto_activate(state: State, email: str) -> bool:
    """Whether a membership on this address can become active without its person."""
    if state.variants.auto_activation != "claimed_with_login":
        return state.variants.auto_activation == "always"
    domain = state.claimed(email)
    return domain is not None and domain.identity_provider_id is not None


def checked_profile(account: Account, profile_id: str) -> str:
    """Return the id of an existing profile.

    :raises RuleError: the account has no such profile.
    """
    if profile_id not in account.profiles:
        raise RuleError(
            "INVALID_PERMISSION_PROFILE_ID",
            f"The permission profile {profile_id} does not exist in this account.",
        )
    return profile_id


def checked_groups(account: Account, group_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the custom ones among existing groups, each once.

    :raises RuleError: the account has no such group.
    """
    for group_id in group_ids:
        if group_id not in account.groups:
            raise RuleError("INVALID_GROUP_ID", f"The group {group_id} does not exist.")
    custom = (item for item in group_ids if account.groups[item].kind == "customGroup")
    return tuple(dict.fromkeys(custom))


def set_groups(membership: Membership, group_ids: tuple[str, ...]) -> None:
    """Make these the custom groups of a membership."""
    groups, user_id = membership.account.groups, membership.user.user_id
    for group_id in set(membership.group_ids) - set(group_ids):
        groups[group_id].members.pop(user_id, None)
    for group_id in group_ids:
        groups[group_id].members.setdefault(user_id, membership)
    membership.group_ids = group_ids


def rename(state: State, user: User, names: Mapping[str, str]) -> None:
    """Change the name of a user. *names* may hold parts and ``user_name``; the parts win."""
    sent = {name: names[name].strip() for name in NAME_PARTS if name in names}
    obeyed = state.variants.rename_by
    if sent and obeyed != "full":
        parts = {name: getattr(user, name) for name in NAME_PARTS} | sent
        user_name = full_name(parts) or user.user_name
    elif names.get("user_name") and obeyed != "parts":
        user_name = names["user_name"].strip()
        parts = {"middle_name": "", "suffix": ""} | split_name(user_name)
    else:
        return
    check_names(parts, user_name)
    for name, value in parts.items():
        setattr(user, name, value)
    user.user_name = user_name
    state.touch(user)


def set_organization_admin(state: State, user: User, *, value: bool) -> None:
    """Make somebody a full organization administrator who has accepted it, or none any more."""
    user.is_organization_admin = value
    user.other_admin.discard(OtherAdmin.INVITED)
    if not value:
        user.other_admin.discard(OtherAdmin.DELEGATED)
    state.touch(user, what="OrganizationAdministrator")


def make_other_admin(state: State, user: User, kind: OtherAdmin) -> None:
    """Invite somebody to be an organization administrator, delegate a part of the organization to
    them, or let them administer another one."""
    user.other_admin.add(kind)
    state.touch(user, what="OrganizationAdministrator")


def change_email(state: State, user: User, email: str) -> None:
    """Give a user another address in every account (Admin API only).

    :raises RuleError: a domain is not claimed, the user is closed, or the address is held.
    """
    check_email(email)
    if not user.is_open:
        raise RuleError("UNAUTHORIZED", "Not Authorized", status=403)
    if state.claimed(user.email) is None or state.claimed(email) is None:
        raise RuleError(
            "EMAIL_DOMAIN_NOT_RESERVED", "Both domains must be claimed by the organization."
        )
    holder = state.open_on_address(email)
    if holder is not None and holder is not user:
        raise RuleError("EMAIL_IS_RESERVED", "The email address is in use by another user.")
    state.readdress(user, email)
    state.touch(user)
