"""What the record is asked about one person's access: month, entitlements, events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.audit.story import Entitlements, Outcome, Story
from connector.domain.audit.telling import NATIVE
from connector.domain.model import (
    ORGANIZATION_ADMIN,
    Catalogue,
    IdKind,
    fold,
    group_scim_id,
    parse_scim_id,
)
from connector.domain.policy.entitlement_rules import administering_roles
from connector.domain.work_items.items import Direction
from connector.errors import InvalidRequestError
from connector.ports import USER, UnitOfWork
from connector.services.mirror.actual import load_attributes
from mappings.model import Role


class Administration(StrEnum):
    """What is asked about, where that is no entitlement by its name but what administers."""

    ANYTHING = "any-admin"
    """An account, by whatever profile, or the organization."""
    ACCOUNTS = "account-admin"
    """An account, by whatever profile."""

    @property
    def in_words(self) -> str:
        """What is asked about."""
        return _ADMINISTRATION[self]


_ADMINISTRATION = {
    Administration.ANYTHING: "administrator access, to an account by whichever profile or to the "
    "organization",
    Administration.ACCOUNTS: "administrator access to accounts, whichever profile gives it",
}
_NOT_KNOWN = "Whether they administer the organization is not known"
_ORGANIZATION = f"But they do administer the organization: ask about {ORGANIZATION_ADMIN}"

_CHUNK = 500
"""Requests whose events are read at once."""


@dataclass(frozen=True)
class Explanation:
    """The answer to "who gave this person that, why, and was it checked"."""

    user_ids: Sequence[str]
    entitlements: Entitlements
    stories: Sequence[Story]
    """In the period asked for."""
    earlier: Story | None
    """The last change before it that was carried out: what held when it began."""
    holds: Sequence[str]
    """Which of the entitlements the mirror shows now or people attested, by SCIM id."""
    person: str = ""
    """Whom was asked about: an address, or an id."""
    administration: Administration | None = None
    """Which administrator access was asked about; None: what was named."""
    is_organization_admin: bool | None = False
    """Whether the mirror shows one who administers the organization; None: that is not known."""
    attested: Sequence[str] = ()
    """Which of what is held people attested: no API of DocuSign shows it."""
    of_organization: frozenset[str] = frozenset()
    """The roles asked about that administer the organization."""

    @property
    def now_in_words(self) -> str:
        """What of it is held now, in sentences without the last full stop."""
        shown = [item for item in self.holds if item not in self.attested]
        sentences = [f"{self._held(shown)}{self._names(shown)}"] if shown or not self.holds else []
        if self.attested:
            by_people = f"attested by people{self._names(self.attested)}"
            sentences.append(f"Also {by_people}" if shown else f"held, {by_people}")
        if self.is_given_elsewhere:
            sentences.append(NATIVE)
        if self.administration and self.is_organization_admin is None:
            sentences.append(_NOT_KNOWN)
        elif self.administration is Administration.ACCOUNTS and self.is_organization_admin:
            sentences.append(_ORGANIZATION)
        return ". ".join(sentences)

    def _held(self, shown: Sequence[str]) -> str:
        read = "as DocuSign was last read"
        if shown:
            return f"held, {read}"
        if self.administration is None:
            return self._named_not_held(read)
        # Nobody is told to administer nothing of whom DocuSign said only a part.
        is_whole = self.administration is Administration.ANYTHING
        is_told = is_whole and self.is_organization_admin is False
        return (
            f"{'no administrator access' if is_told else 'no administrator of an account'}, {read}"
        )

    def _named_not_held(self, read: str) -> str:
        named = self.entitlements
        is_role = bool(named.roles) and not (named.profiles or named.groups)
        if is_role and self.of_organization and self.is_organization_admin is None:
            return "not known: DocuSign did not say whether they administer the organization"
        if is_role and not self.of_organization:
            return "not held: nobody attested it, and no API of DocuSign shows it"
        return f"not held, {read}"

    def _names(self, items: Sequence[str]) -> str:
        names = [self.entitlements.names.get(item, item) for item in items]
        return f": {', '.join(names)}" if names else ""

    @property
    def is_given_elsewhere(self) -> bool:
        """Whether something is held although no change of the connector gave it."""
        done = [story for story in self.stories if story.outcome is Outcome.DONE]
        last = done[-1] if done else self.earlier
        return bool(self.holds) and (last is None or last.direction is Direction.REVOKE)


def month_of(text: str) -> tuple[datetime | None, datetime | None]:
    """Return when a month begins and when it is over, UTC; no text is all time.

    :raises InvalidRequestError: it is no month such as 2026-03.
    """
    if not text:
        return None, None
    try:
        since = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        until = since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)
    except ValueError as error:
        raise InvalidRequestError(f"{text!r} is no month such as 2026-03.") from error
    return since, until


def gone(text: str, catalogue: Catalogue) -> Entitlements:
    """Return the profile or group of an id that DocuSign has no longer, or never had."""
    scim_id = text.strip().lower()
    kind, account_id, value = parse_scim_id(scim_id)
    if account_id not in catalogue.accounts or not value:
        return Entitlements()
    account = catalogue.accounts[account_id].name
    what = "group" if kind is IdKind.GROUP else "profile"
    names = {scim_id: f"{what} {value} of {account}, gone from DocuSign"}
    if kind is IdKind.GROUP:
        return Entitlements(groups=frozenset({(account_id, value)}), names=names)
    return Entitlements(profiles=frozenset({(account_id, value)}), names=names)


def named(text: str, catalogue: Catalogue, roles: Mapping[str, Role]) -> Entitlements:
    """Return the profiles, groups and roles that an id or a name means."""
    if not text.strip():
        raise InvalidRequestError("Name an entitlement.")
    key = fold(text.strip())
    # Whether somebody administers the organization is read although no rule may name the role.
    known = {ORGANIZATION_ADMIN: Role(display="Organization Administrator"), **roles}
    administering = administering_roles(roles)
    profiles = {
        place: profile
        for place, profile in catalogue.profiles.items()
        if catalogue.is_called(profile, key)
        or key == fold(profile.scim_id)
        or (key in tuple(Administration) and profile.is_admin)
    }
    groups = {
        place: group
        for place, group in catalogue.groups.items()
        if catalogue.is_called(group, key) or key == fold(group.scim_id)
    }
    chosen = {
        name: role
        for name, role in known.items()
        if key in (fold(name), fold(role.display))
        or (key == Administration.ANYTHING and name in administering)
    }
    return Entitlements(
        frozenset(profiles),
        frozenset(groups),
        frozenset(chosen),
        {
            **{item.scim_id: catalogue.title(item) for item in profiles.values()},
            **{item.scim_id: catalogue.title(item) for item in groups.values()},
            **{name: role.display for name, role in chosen.items()},
        },
    )


def administration_of(text: str) -> Administration | None:
    """Return which administrator access a question is about; None: about what it names."""
    key = fold(text.strip())
    return Administration(key) if key in tuple(Administration) else None


def administers_organization(uow: UnitOfWork, user_ids: Sequence[str]) -> bool | None:
    """Return whether the mirror shows one of some users as administrator of the organization;
    None where DocuSign did not say so of all of them. Whoever is gone administers nothing."""
    told = {user.is_organization_admin for user in uow.mirror.get_users(user_ids).values()}
    if True in told:
        return True
    return None if None in told else False


def refuse_several(uow: UnitOfWork, user_ids: Sequence[str]) -> None:
    """Let pass what means one living user at most.

    :raises InvalidRequestError: several have or had the address.
    """
    deleted = uow.attributes.deleted_at(USER, user_ids)
    living = sorted(uow.mirror.get_users(user_ids).keys() - deleted.keys())
    if len(living) > 1:
        raise InvalidRequestError(
            f"Several users have or had this address: {', '.join(living)}. Give the id."
        )


def events_about(uow: UnitOfWork, user_id: str, wanted: Entitlements) -> Sequence[AuditEvent]:
    """Return what happened to a user, with all that belongs to the same requests."""
    about = AuditFilter(people=(user_id,))
    if not uow.mirror.get_users([user_id]):
        # What tells whom events name went with somebody who was erased.
        groups = (group_scim_id(*place) for place in wanted.groups)
        about = AuditFilter(subjects=(user_id, *groups))
    first = list(uow.audit.walk(about))
    requests = sorted({event.correlation_id for event in first} - {""})
    found = {event.sequence: event for event in first}
    for start in range(0, len(requests), _CHUNK):
        chunk = requests[start : start + _CHUNK]
        more = uow.audit.walk(AuditFilter(correlation_ids=tuple(chunk)))
        found.update((event.sequence, event) for event in more)
    return list(found.values())


def mentions(event: AuditEvent, wanted: Entitlements) -> bool:
    """Return whether an event is about one of the entitlements."""
    data = event.data
    if data.get("entitlement") in wanted.scim_ids or event.subject in wanted.scim_ids:
        return True
    steps = [*(data.get("operations") or ()), data.get("operation")]
    return any(
        wanted.change(step, user) is not None
        for step in steps
        if isinstance(step, Mapping)
        for user in (step.get("user_ids") or [step.get("user_id") or event.subject])
    )


def attested_by_people(uow: UnitOfWork, user_id: str) -> frozenset[str]:
    """Return the roles that people attested of a user, as no API of DocuSign shows them."""
    return load_attributes(uow, user_id).attested_roles


def held_by(uow: UnitOfWork, user_id: str, roles: Mapping[str, Role]) -> Iterator[str]:
    """Walk what a user holds as the mirror has it, by SCIM id."""
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is None:
        return
    yield from user.entitlements()
    if user.is_organization_admin:
        yield from administering_roles(roles)
