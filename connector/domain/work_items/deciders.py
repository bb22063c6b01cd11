"""Whether enough people can decide on an approval at all. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime

from connector.domain.authentication.console import ConsoleRole, included, voices
from connector.domain.model import fold
from connector.domain.work_items.approvals import (
    Matter,
    Vote,
    Voter,
    away,
    deciding_manager,
    is_named,
    role_decides,
)
from connector.domain.writing import command, counted


def most_deciding(matter: Matter, agreed: Sequence[Vote] = ()) -> int | None:
    """Return how many people can agree at most; None where nobody here can tell, because an
    identity provider knows who is in a group.

    :param agreed: who did already, and still counts.
    """
    by_group = matter.has_provider and matter.named.groups
    by_role = matter.provider_gives_role and role_decides(matter)
    if by_group or by_role:
        return None
    able = [names for names in _able(matter) if not names & matter.parties]
    return voices([*able, *(vote.names for vote in agreed)])


def _able(matter: Matter) -> Iterator[AbstractSet[str]]:
    for account in matter.accounts.values():
        is_approver = ConsoleRole.APPROVER in included(account.roles)
        voter = Voter(account.login, account.email, is_approver=is_approver, is_local=True)
        if account.disabled_at is None and account.email and is_named(voter, matter):
            yield voter.names
    for delegation in matter.delegations:
        absent = away(delegation, matter.accounts) if delegation.is_in_force(matter.now) else None
        if absent is not None and absent.email and is_named(absent, matter):
            yield absent.names
    if matter.has_provider:
        named = (*matter.named.people, deciding_manager(matter))
        yield from (frozenset({fold(name)}) for name in named if name)


@dataclass(frozen=True)
class Escalation:
    """What becomes of an approval on which nobody decides in time."""

    at: datetime
    matter: Matter
    """As it is from then on."""
    agreed: Sequence[Vote] = ()
    """Who agreed already, and counts from then on."""


def is_stuck(
    matter: Matter,
    needed: int,
    agreed: Sequence[Vote] = (),
    escalation: Escalation | None = None,
) -> bool:
    """Return whether fewer can agree than have to, those to whom it escalates included; not where
    nobody here can tell."""
    if escalation is not None:
        matter, agreed = escalation.matter, escalation.agreed
    most = most_deciding(matter, agreed)
    return most is not None and most < needed


def too_few(
    matter: Matter,
    needed: int,
    agreed: Sequence[Vote] = (),
    escalation: Escalation | None = None,
) -> str:
    """Return, in words, that fewer can agree than have to now, until when, and what to do; empty
    where that is not so, or not known."""
    if not is_stuck(matter, needed, agreed):
        return ""
    most = most_deciding(matter, agreed)
    can = "Nobody can decide on this"
    if most:
        can = f"Only {counted(most, 'person', 'people')} can decide on this"
    must = "" if needed == 1 else f", and {needed} must agree"
    add = command(matter.tenant, "console", "user", "add")
    waits, remedy = "it waits until it expires", "Let"
    if escalation is not None:
        waits = f"it waits until it escalates on {escalation.at:%Y-%m-%d %H:%M} UTC"
        if is_stuck(matter, needed, agreed, escalation):
            waits += ", and then, as too few can even so, until it expires"
        else:
            remedy = "If that is too late, let"
    return (
        f"{can}{must}: {waits}. {remedy} an administrator name more approvers in the "
        "rule or ask for fewer (approvals_needed), or add the account of somebody who may decide "
        f"({add})."
    )
