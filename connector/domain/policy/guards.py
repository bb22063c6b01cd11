"""What a plan may never do, each rule with its own error and its own setting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from connector.domain.model import Catalogue, MembershipStatus, User
from connector.domain.naming.names import Names
from connector.domain.plan import (
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    DeleteGroup,
    Operation,
    Plan,
    RemoveGroupMembers,
    RevokeRole,
    SetProfile,
    UpdatePerson,
)
from connector.domain.writing import counted
from connector.errors import GuardError
from connector.settings import AccountSettings, GuardSettings

_NAMED = 10
"""Of what is missing so many are named in a message."""


@dataclass(frozen=True)
class GuardContext:
    """What the rules have to know of the world."""

    service_user_id: str
    users: Mapping[str, User]
    """The users that the plan touches, as far as they exist."""
    catalogue: Catalogue
    count_users: Callable[[], int]
    """Returns the users with an open membership in the tenant; asked by large plans alone, because
    counting takes longer than a small change."""
    admin_counts: Mapping[str, int] = field(default_factory=dict)
    """Active administrators of each account."""
    group_sizes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Members of the groups that the plan deletes, by account and group id."""
    attribute_names: Mapping[str, str] = field(default_factory=dict)
    """By field of a person, the SCIM attribute by which clients know it."""
    accounts: Sequence[AccountSettings] = ()
    """Whose aliases people know."""

    @property
    def names(self) -> Names:
        """What people call what a message is about."""
        return Names(self.catalogue, self.users, self.accounts, self.attribute_names)


def check(plan: Plan, context: GuardContext, settings: GuardSettings) -> None:
    """Let a plan through.

    :raises GuardError: a rule refuses it; the message says what to do.
    """
    _protect_service_user(plan, context)
    if settings.respect_docusign_scim:
        _respect_docusign_scim(plan, context)
    if settings.protect_last_admin:
        _protect_last_admin(plan, context)
    _limit_size(plan, context, settings)


def touched_users(operation: Operation) -> Iterator[str]:
    """Return the ids of the existing users that an operation changes."""
    if isinstance(operation, AddGroupMembers | RemoveGroupMembers):
        yield from operation.user_ids
    else:
        user_id = getattr(operation, "user_id", None)
        if user_id:
            yield user_id


def most_affected(user_count: int, settings: GuardSettings) -> int:
    """Return how many users may be touched at once without a person's word."""
    return max(settings.max_affected_min, int(user_count * settings.max_affected_pct / 100))


def _protect_service_user(plan: Plan, context: GuardContext) -> None:
    refused = CloseMembership | SetProfile | UpdatePerson | ChangeEmail | RevokeRole
    for step in plan:
        if isinstance(step, refused) and step.user_id == context.service_user_id:
            what = step.describe(context.names)
            raise GuardError(
                f"This is the user whom the connector impersonates; it will not {what}. "
                "Configure another service user first (tenants.*.user_id).",
                guard="service_user",
            )


def _respect_docusign_scim(plan: Plan, context: GuardContext) -> None:
    for step in plan:
        group = context.catalogue.groups.get(_group_of(step))
        if group is not None and group.managed_by_scim:
            raise GuardError(
                f"DocuSign's own SCIM manages the group {group.name!r}; two masters would undo "
                "each other. Change it there, or release it in DocuSign Admin.",
                guard="docusign_scim",
                setting="guards.respect_docusign_scim",
            )
        for user_id in touched_users(step):
            user = context.users.get(user_id)
            if user is not None and _is_foreign(user, step):
                raise GuardError(
                    f"DocuSign's own SCIM manages {user.email}; two masters would undo each other. "
                    "Change the user there, or release it in DocuSign Admin.",
                    guard="docusign_scim",
                    setting="guards.respect_docusign_scim",
                )


def _group_of(step: Operation) -> tuple[str, str]:
    return getattr(step, "account_id", ""), getattr(step, "group_id", None) or ""


def _is_foreign(user: User, step: Operation) -> bool:
    membership = user.memberships.get(getattr(step, "account_id", ""))
    return user.managed_by_scim or (membership is not None and membership.managed_by_scim)


def _protect_last_admin(plan: Plan, context: GuardContext) -> None:
    losing: dict[str, set[str]] = {}
    for step in plan:
        if isinstance(step, CloseMembership | SetProfile) and _loses_admin(step, context):
            losing.setdefault(step.account_id, set()).add(step.user_id)
    for account_id, user_ids in losing.items():
        if context.admin_counts.get(account_id, 0) - len(user_ids) < 1:
            raise GuardError(
                f"Account {context.names.account(account_id)} would lose its last administrator. "
                "Make somebody else administrator first.",
                guard="last_administrator",
                setting="guards.protect_last_admin",
            )


def _loses_admin(step: CloseMembership | SetProfile, context: GuardContext) -> bool:
    user = context.users.get(step.user_id)
    membership = user.memberships.get(step.account_id) if user else None
    if membership is None or not membership.is_admin:
        return False
    if membership.status is not MembershipStatus.ACTIVE:
        return False
    if isinstance(step, SetProfile):
        profile = context.catalogue.profiles.get((step.account_id, step.profile_id))
        return profile is None or not profile.is_admin
    return True


def _limit_size(plan: Plan, context: GuardContext, settings: GuardSettings) -> None:
    named = {user_id for step in plan for user_id in touched_users(step)}
    losing = [_group_of(step) for step in plan if isinstance(step, DeleteGroup)]
    touched = len(named) + sum(context.group_sizes.get(group, 0) for group in losing)
    if touched <= settings.max_affected_min:
        return
    user_count = context.count_users()
    limit = most_affected(user_count, settings)
    if touched > limit:
        raise GuardError(
            f"The change touches {counted(touched, 'user')}; more than {limit} "
            f"({settings.max_affected_pct:g} % of {user_count}, at least "
            f"{settings.max_affected_min}) need a person's word. Send it in parts, or raise "
            "guards.max_affected_pct for the time of the change.",
            guard="plan_size",
            setting="guards.max_affected_pct",
        )


@dataclass(frozen=True)
class Loss:
    """What a list of DocuSign's lacks of what is known."""

    what: str
    """In the plural: ``groups``."""
    where: str
    missing: int
    known: int
    note: str = ""
    """What is to be known of them when one looks for them."""
    names: Sequence[str] = ()
    """What is missing, for people."""
    is_all: bool = True
    """Whether everything was looked at: more may be missing otherwise."""


def refuse_mass_loss(
    loss: Loss, settings: GuardSettings, *, at_least: int | None = None, is_empty: bool = False
) -> None:
    """Take a list for what is there, unless it lacks more than is to be believed.

    :param at_least: the smallest number that is believed of what there is less of than of users;
        without, and at most, ``guards.max_affected_min``.
    :param is_empty: the list has nothing at all where there is always something: the smallest
        number that is believed counts for nothing then.
    :raises GuardError: it lacks that many; the message says what to do.
    """
    share = int(loss.known * settings.max_affected_pct / 100)
    least = settings.max_affected_min
    if at_least is not None:
        least = min(least, at_least)
    limit = share if is_empty else max(least, share)
    if loss.missing > limit:
        share_needed = ceil(100 * loss.missing / loss.known)
        more = "" if loss.is_all else " or more, because not all lists were read yet"
        raise GuardError(
            f"DocuSign's list of {loss.what} of {loss.where} lacks {loss.missing:,} of the "
            f"{loss.known:,} that are known, more than {limit:,}{_named(loss)}. None was taken "
            "out; the sync goes no further until that is clear. Look in DocuSign whether they are "
            f"there{loss.note}. If they are, see whether docusign.environment and the account are "
            "right, and sync again. If they are really gone, set "
            f"guards.max_affected_pct to {share_needed} (now {settings.max_affected_pct:g}){more}, "
            "run `docusign-iga sync`, and set it back.",
            guard="mass_vanishing",
            setting="guards.max_affected_pct",
        )


def _named(loss: Loss) -> str:
    if not loss.names:
        return ""
    shown = ", ".join(repr(name) for name in sorted(loss.names)[:_NAMED])
    more = len(loss.names) - _NAMED
    return f": {shown}" + (f" and {more:,} more" if more > 0 else "")
