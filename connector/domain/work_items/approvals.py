"""Who may decide on an approval, and whether enough of them agreed. Pure.

Nobody decides on what they asked for, or on their own access: not as themselves, not for somebody
who is away, and nobody decides for somebody who is one of the two. DocuSign knows people by their
address, so who has none could be anybody, and does not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from connector.domain.authentication.console import ConsoleAccount, ConsoleRole, included
from connector.domain.model import fold
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Act, WorkItemEvent
from connector.domain.writing import command
from mappings.model import Approvers


class Verdict(StrEnum):
    """What an approver says."""

    APPROVE = "approve"
    DENY = "deny"


NO_ADDRESS = (
    "{login} has no e-mail address here, and DocuSign knows people by their address: nobody can "
    "tell whether this is about their own access."
)
"""Why somebody does not decide whom nothing can be compared with."""


def give_address(tenant: str) -> str:
    """Return what to do about it."""
    give = command(tenant, "console", "user", "email", "LOGIN", "ADDRESS")
    return (
        "On the command line, act as somebody who has one, by their local account: --as LOGIN. "
        f"Give a local account one with {give}, or let the identity provider send a verified one."
    )


@dataclass(frozen=True)
class Voter:
    """A person, as far as deciding goes."""

    login: str
    email: str = ""
    groups: frozenset[str] = frozenset()
    is_approver: bool = False
    """Whether a tenant role lets them decide where the policy names nobody."""
    is_local: bool = False
    """Whether a local account of the console vouches for them: that can be looked up later."""

    @property
    def names(self) -> frozenset[str]:
        """Everything the person is called, as compared."""
        return frozenset(fold(name) for name in (self.login, self.email) if name)


@dataclass(frozen=True)
class Matter:
    """What a decision depends on besides the one who decides."""

    tenant: str
    approvers: Approvers
    """Who decides as the policy says first. Where that comes to nobody, the tenant role does."""
    manager: str
    """Address of the beneficiary's manager; empty if unknown."""
    parties: frozenset[str]
    """Folded names of requester and beneficiary."""
    delegations: Sequence[Delegation]
    now: datetime
    accounts: Mapping[str, ConsoleAccount] = field(default_factory=dict)
    """The local accounts of the console as they are now, by folded login."""
    escalated_to: Approvers = field(default_factory=Approvers)
    """Who decides as well, since it was escalated."""
    has_provider: bool = True
    """Whether an identity provider lets people in: nobody here can tell whom it knows."""
    provider_gives_role: bool = True
    """Whether one of its groups has the role that decides where nobody is named."""

    @property
    def named(self) -> Approvers:
        """Everybody whom the policy names."""
        first, second = self.approvers, self.escalated_to
        return Approvers(
            (*first.people, *second.people),
            (*first.groups, *second.groups),
            first.manager or second.manager,
        )


@dataclass(frozen=True)
class Standing:
    """Whether somebody may decide, and for whom."""

    voter: Voter | None = None
    """Who decides; for somebody who is away, that person. None: nobody."""
    refusal: str = ""
    """Why not, in words."""
    remedy: str = ""
    """What to do about it, where anything can be done."""


def standing(person: Voter, matter: Matter) -> Standing:
    """Return as whom a person may decide."""
    if not person.email:
        return Standing(
            refusal=NO_ADDRESS.format(login=person.login), remedy=give_address(matter.tenant)
        )
    if person.names & matter.parties:
        return Standing(refusal="Nobody decides on what they asked for or on their own access.")
    if is_named(person, matter):
        return Standing(person)
    for delegation in matter.delegations:
        if not delegation.is_in_force(matter.now) or fold(delegation.delegate) not in person.names:
            continue
        absent = away(delegation, matter.accounts)
        if absent is None or not absent.email:
            continue
        if is_named(absent, matter) and not absent.names & matter.parties:
            return Standing(absent)
    return Standing(refusal=f"{person.login} is not among the approvers: {in_words(matter)}.")


def is_named(voter: Voter, matter: Matter) -> bool:
    """Return whether the policy lets somebody decide."""
    if voter.is_approver and role_decides(matter):
        return True
    approvers, manager = matter.named, deciding_manager(matter)
    people = {fold(name) for name in (*approvers.people, manager) if name}
    groups = {fold(name) for name in approvers.groups}
    return bool(voter.names & people or {fold(name) for name in voter.groups} & groups)


def role_decides(matter: Matter) -> bool:
    """Return whether the tenant role decides: the policy first named nobody, or a manager alone who
    cannot. An escalation takes nothing from it."""
    first = matter.approvers
    has_manager = first.manager and bool(deciding_manager(matter))
    return not (first.people or first.groups or has_manager)


def deciding_manager(matter: Matter) -> str:
    """Return the address of the manager who decides; empty where the policy wants none, nobody
    knows them, or they asked for it themselves."""
    manager = matter.manager if matter.named.manager else ""
    return "" if fold(manager) in matter.parties else manager


def away(delegation: Delegation, accounts: Mapping[str, ConsoleAccount]) -> Voter | None:
    """Return who is away as they are now; None where their local account was disabled meanwhile.

    One that an administrator arranged knows the person by address alone.
    """
    absent = Voter(
        delegation.delegator,
        delegation.delegator_email,
        groups=frozenset(delegation.groups),
        is_approver=delegation.is_approver,
        is_local=delegation.is_local,
    )
    if delegation.is_local:
        return as_of_now(absent, accounts)
    was_disabled = any(
        account.disabled_at is not None
        and account.disabled_at >= delegation.created_at
        and fold(account.email) in absent.names
        for account in accounts.values()
    )
    return None if was_disabled else absent


def as_of_now(voter: Voter, accounts: Mapping[str, ConsoleAccount]) -> Voter | None:
    """Return a person with the role and the address that their local account has now; None where it
    is disabled or gone. Of others nothing is known but what their sign-in said then."""
    if not voter.is_local:
        return voter
    account = accounts.get(fold(voter.login))
    if account is None or account.disabled_at is not None:
        return None
    is_approver = ConsoleRole.APPROVER in included(account.roles)
    return replace(voter, email=account.email, is_approver=is_approver)


@dataclass(frozen=True)
class Vote:
    """Somebody who agreed, and everybody whose one voice it was: through a delegation, both."""

    voter: Voter
    names: frozenset[str]


def votes(events: Iterable[WorkItemEvent], checksum: str, matter: Matter) -> Sequence[Vote]:
    """Return who agreed to the plan of this checksum and still counts.

    Each counts once, by whatever name they signed in: who shares a login or an address is one.
    """
    counted: list[Vote] = []
    for event in events:
        if event.act is not Act.APPROVED or event.data.get("checksum") != checksum:
            continue
        vote = _recorded(event, matter.accounts)
        if vote is None or not vote.voter.email or not is_named(vote.voter, matter):
            continue
        # They may have become a party since, by a new address or under a new requester.
        if vote.names & matter.parties:
            continue
        same = [known for known in counted if known.names & vote.names]
        if not same:
            counted.append(vote)
            continue
        whole = vote.names.union(*(known.names for known in same))
        counted = [known for known in counted if known not in same[1:]]
        counted[counted.index(same[0])] = replace(same[0], names=whole)
    return counted


def _recorded(event: WorkItemEvent, accounts: Mapping[str, ConsoleAccount]) -> Vote | None:
    """Return how somebody agreed, as they are now, by what they were called then or are called now:
    an address that changed since makes nobody two. None where an account was disabled or is gone.
    """
    data = event.data
    login = str(data["voter"])
    # Votes from before this was written down: a local account of that login is the person.
    is_local = bool(data.get("is_local", fold(login) in accounts))
    voter = Voter(
        login,
        str(data.get("email", "")),
        frozenset(data.get("groups", ())),
        bool(data.get("is_approver")),
        is_local,
    )
    hand = voter
    if by := data.get("by"):
        hand = Voter(str(by["login"]), str(by["email"]), is_local=bool(by["is_local"]))
    voter_now, hand_now = as_of_now(voter, accounts), as_of_now(hand, accounts)
    if voter_now is None or hand_now is None:
        return None
    return Vote(voter_now, voter.names | hand.names | voter_now.names | hand_now.names)


def in_words(matter: Matter) -> str:
    """Return who decides, for people."""
    approvers = matter.named
    parts = ["whoever has the role approver"] if role_decides(matter) else []
    parts += approvers.people
    parts += [f"the group {name}" for name in approvers.groups]
    if manager := deciding_manager(matter):
        parts.append(f"the manager ({manager})")
    elif approvers.manager:
        parts.append(f"the manager ({'cannot decide on this' if matter.manager else 'unknown'})")
    return ", ".join(parts)
