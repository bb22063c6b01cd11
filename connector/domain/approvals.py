"""Who may decide on an approval, and whether enough of them agreed. Pure.

Nobody decides on what they asked for, or on their own access: not as themselves, not for somebody
who is away, and nobody decides for somebody who is one of the two. DocuSign knows people by their
address, so who has none could be anybody, and does not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.domain.model import fold
from connector.domain.work_items import Act, Delegation, WorkItemEvent
from mappings.model import Approvers

NO_ADDRESS = (
    "{login} has no e-mail address here, and DocuSign knows people by their address: nobody can "
    "tell whether this is about their own access. Give a local account one (docusign-iga console "
    "user email LOGIN ADDRESS), let the identity provider send a verified one, or, on the command "
    "line, name the local account that you act as (--as LOGIN)."
)
"""Why somebody does not decide whom nothing can be compared with."""


@dataclass(frozen=True)
class Voter:
    """A person, as far as deciding goes."""

    login: str
    email: str = ""
    groups: frozenset[str] = frozenset()
    is_approver: bool = False
    """Whether a tenant role lets them decide where the policy names nobody."""

    @property
    def names(self) -> frozenset[str]:
        """Everything the person is called, as compared."""
        return frozenset(fold(name) for name in (self.login, self.email) if name)


@dataclass(frozen=True)
class Matter:
    """What a decision depends on besides the one who decides."""

    approvers: Approvers
    manager: str
    """Address of the beneficiary's manager; empty if unknown."""
    parties: frozenset[str]
    """Folded names of requester and beneficiary."""
    delegations: Sequence[Delegation]
    now: datetime


@dataclass(frozen=True)
class Standing:
    """Whether somebody may decide, and for whom."""

    voter: Voter | None = None
    """Who decides; for somebody who is away, that person. None: nobody."""
    refusal: str = ""
    """Why not, in words."""


def standing(person: Voter, matter: Matter) -> Standing:
    """Return as whom a person may decide."""
    if not person.email:
        return Standing(refusal=NO_ADDRESS.format(login=person.login))
    if person.names & matter.parties:
        return Standing(refusal="Nobody decides on what they asked for or on their own access.")
    if is_named(person, matter):
        return Standing(person)
    for delegation in matter.delegations:
        if not delegation.is_in_force(matter.now) or fold(delegation.delegate) not in person.names:
            continue
        absent = Voter(
            delegation.delegator,
            delegation.delegator_email,
            groups=frozenset(delegation.groups),
            is_approver=delegation.is_approver,
        )
        may = is_named(absent, matter) and not absent.names & matter.parties
        if absent.email and may:
            return Standing(absent)
    return Standing(refusal=f"{person.login} is not among the approvers: {in_words(matter)}.")


def is_named(voter: Voter, matter: Matter) -> bool:
    """Return whether the policy lets somebody decide."""
    approvers = matter.approvers
    if not approvers:
        return voter.is_approver
    people = {fold(name) for name in approvers.people}
    if approvers.manager and matter.manager:
        people.add(fold(matter.manager))
    groups = {fold(name) for name in approvers.groups}
    return bool(voter.names & people or {fold(name) for name in voter.groups} & groups)


def votes(events: Iterable[WorkItemEvent], checksum: str, matter: Matter) -> Sequence[Voter]:
    """Return who agreed to the plan of this checksum and still counts, each once: two accounts of
    one address are one person."""
    counted: dict[str, Voter] = {}
    for event in events:
        if event.act is not Act.APPROVED or event.data.get("checksum") != checksum:
            continue
        voter = Voter(
            event.data["voter"],
            event.data.get("email", ""),
            frozenset(event.data.get("groups", ())),
            bool(event.data.get("is_approver")),
        )
        if voter.email and is_named(voter, matter):
            counted[fold(voter.email)] = voter
    return list(counted.values())


def joined(first: Approvers, second: Approvers) -> Approvers:
    """Return both together; nobody named in one of them stays everybody."""
    if not first or not second:
        return first
    return Approvers(
        (*first.people, *second.people),
        (*first.groups, *second.groups),
        first.manager or second.manager,
    )


def in_words(matter: Matter) -> str:
    """Return who decides, for people."""
    approvers = matter.approvers
    parts = list(approvers.people)
    parts += [f"the group {name}" for name in approvers.groups]
    if approvers.manager:
        parts.append(f"the manager ({matter.manager or 'unknown'})")
    return ", ".join(parts) or "whoever has the role approver"
