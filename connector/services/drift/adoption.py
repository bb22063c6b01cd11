"""Adoption: a person takes over users who existed before governance, all, by rule or by file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase

from connector.domain.authentication.console import ConsoleRole
from connector.domain.drift.correlation import Identity, correlate
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Expected, Origin, taken_over
from connector.domain.model import User
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import Principal, TenantContext
from connector.services.drift.findings import Findings
from connector.services.drift.looks import known_of
from connector.services.expectations import Word, explain
from connector.services.mirror.actual import load_attributes
from connector.services.mirror.writer import MirrorWriter
from connector.services.people import names_of_users
from mappings.model import ENTERPRISE_USER

_BATCH = 200


@dataclass(frozen=True)
class Selection:
    """Whom to adopt: everybody for whom all that is given holds. Patterns have * and ?."""

    email: str = "*"
    account: str = ""
    """Id of an account in which they have an open membership."""
    identities: Sequence[Identity] | None = None
    """Of a file; None: there is none."""
    scope: str = ""
    """The client whose ``externalId`` the file has."""


@dataclass(frozen=True)
class Adoptee:
    """Somebody who is, or would be, adopted."""

    user: User
    rule: str
    """How the user was found: ``all``, ``rule``, or the rule by which a line of the file fits."""
    identity: Identity | None = None


@dataclass(frozen=True)
class Adoption:
    """What an adoption did, or would do."""

    adopted: Sequence[Adoptee]
    already: int
    """Whom the connector answers for already."""
    unmatched: Sequence[Identity] = field(default_factory=tuple)
    """Lines of the file that fit nobody, or several."""
    own: Sequence[Adoptee] = field(default_factory=tuple)
    """Users of whoever adopts: somebody else answers for them."""


class AdoptionService:
    """Takes over the users of one tenant."""

    def __init__(self, context: TenantContext, findings: Findings, mirror: MirrorWriter) -> None:
        self._context = context
        self._findings = findings
        self._mirror = mirror

    def adopt(self, selection: Selection, by: Principal, *, apply: bool) -> Adoption:
        """Take over whom the selection means; without *apply* only tell who that is.

        What they hold becomes expected on the person's word, provenance ``adopted``; open findings
        about unmanaged users end. DocuSign hears nothing.

        :raises InvalidRequestError: the file has external ids and no client is named.
        :raises ForbiddenError: the person is no operator, or is to apply it and has no address, by
            which to tell which user is theirs.
        """
        by.require(ConsoleRole.OPERATOR)
        if apply:
            by.require_address(self._context.tenant)
        self._check(selection)
        found: list[Adoptee] = []
        already: list[Adoptee] = []
        for users in self._everybody():
            with self._context.read() as uow:
                for user in users:
                    adoptee = self._chosen(uow, user, selection)
                    if adoptee is None:
                        continue
                    (already if self._is_adopted(uow, user) else found).append(adoptee)
        found, unmatched = _unambiguous(found, already, selection.identities)
        with self._context.read() as uow:
            names = names_of_users(uow, (item.user for item in found))
        own = [item for item in found if names[item.user.user_id] & by.names]
        found = [item for item in found if item not in own]
        if apply:
            for start in range(0, len(found), _BATCH):
                self._apply(found[start : start + _BATCH], selection, by)
        return Adoption(found, len(already), unmatched, own)

    def _check(self, selection: Selection) -> None:
        has_external = any(item.external_id for item in selection.identities or ())
        if has_external and not selection.scope:
            raise InvalidRequestError(
                "The file has external ids: name the client that knows people by them (--client)."
            )

    def _everybody(self) -> Iterator[Sequence[User]]:
        after = ""
        while True:
            with self._context.read() as uow:
                ids = uow.mirror.iter_user_ids(after, _BATCH)
                users = uow.mirror.get_users(ids)
            if not ids:
                return
            yield [users[user_id] for user_id in ids]
            after = ids[-1]

    def _chosen(self, uow: UnitOfWork, user: User, selection: Selection) -> Adoptee | None:
        places = {item.account_id for item in user.open_memberships()}
        is_meant = fnmatchcase(user.email.casefold(), selection.email.casefold())
        if not places or not is_meant or (selection.account and selection.account not in places):
            return None
        if user.user_id == self._context.directory.service_user_id:
            return None
        if selection.identities is None:
            named = selection.email != "*" or selection.account
            return Adoptee(user, "rule" if named else "all")
        known = known_of(load_attributes(uow, user.user_id))
        # Another client's ids are of another kind: the same number there is another person.
        ids = {key: item for key, item in known.external_ids.items() if key == selection.scope}
        known = replace(known, external_ids=ids)
        rules = self._context.settings.drift.correlation
        match = correlate(user, selection.identities, rules, known)
        return Adoptee(user, match.rule, match.identity) if match else None

    @staticmethod
    def _is_adopted(uow: UnitOfWork, user: User) -> bool:
        known = uow.drift.expected([user.user_id]).get(user.user_id)
        return known is not None and known.origin not in (Origin.BASELINE, Origin.TOUCHED)

    def _apply(self, adoptees: Iterable[Adoptee], selection: Selection, by: Principal) -> None:
        now = self._context.clock.now()
        with self._context.write() as uow:
            for adoptee in adoptees:
                user_id = adoptee.user.user_id
                user = uow.mirror.get_users([user_id])[user_id]
                before = uow.drift.expected([user_id]).get(user_id)
                after = _adopted(user, before, now)
                uow.drift.put_expected([after])
                known = {item.entitlement for item in uow.attributes.provenance(user_id)}
                word = Word(by.name, "adopted", now)
                explain(uow, user_id, after.entitlements() - known, word)
                self._keep(uow, adoptee, selection.scope)
                facts = {"rule": adoptee.rule, "entitlements": sorted(after.entitlements())}
                self._context.audit(uow, by, "drift.adopted", user_id, **facts)
                self._end_finding(uow, user_id, by, adoptee.rule)
            uow.commit()

    def _keep(self, uow: UnitOfWork, adoptee: Adoptee, scope: str) -> None:
        """Keep by what the file knows the person, as if the client had sent it."""
        identity = adoptee.identity
        if identity is None or not (identity.external_id or identity.employee_number):
            return
        attributes = load_attributes(uow, adoptee.user.user_id)
        external_ids, kept = dict(attributes.external_ids), dict(attributes.kept)
        if identity.external_id:
            external_ids[scope] = identity.external_id
        if identity.employee_number:
            enterprise = {**(kept.get(ENTERPRISE_USER) or {})}
            kept[ENTERPRISE_USER] = {**enterprise, "employeeNumber": identity.employee_number}
        uow.attributes.put(replace(attributes, external_ids=external_ids, kept=kept))
        self._mirror.rerender_users(uow, [adoptee.user.user_id])

    def _end_finding(self, uow: UnitOfWork, user_id: str, by: Principal, rule: str) -> None:
        for finding in uow.drift.standing([user_id]):
            if finding.kind in (DriftKind.UNMANAGED_USER, DriftKind.ORPHAN_USER):
                self._findings.conclude(uow, finding, by, f"adopted ({rule})")


def _adopted(user: User, before: Expected | None, now: datetime) -> Expected:
    """Return what is expected of somebody who is adopted: what a baseline has already stays, so
    that adopting hides no difference that was found. Whom nobody brought is taken as they are."""
    if before is None or before.origin is Origin.TOUCHED:
        return taken_over(user, before, now)
    return replace(before, origin=Origin.ADOPTED, since=now, user_id=user.user_id)


def _unambiguous(
    found: Sequence[Adoptee], already: Sequence[Adoptee], identities: Sequence[Identity] | None
) -> tuple[list[Adoptee], Sequence[Identity]]:
    """Leave out lines that fit several users; return those that fit nobody, or several.

    Whom the connector answers for already counts: two users would get the same external id.
    """
    if identities is None:
        return list(found), ()
    counts: dict[str, int] = {}
    for item in (*found, *already):
        if item.identity is not None:
            key = item.identity.identity_id
            counts[key] = counts.get(key, 0) + 1
    sure = [item for item in found if item.identity and counts[item.identity.identity_id] == 1]
    return sure, [item for item in identities if counts.get(item.identity_id, 0) != 1]


def identities_of(rows: Iterable[Mapping[str, str]]) -> Sequence[Identity]:
    """Return the identities of a table whose columns are some of ``user_id``, ``external_id``,
    ``employee_number``, ``email`` and ``name``.

    :raises InvalidRequestError: another column, or none of these.
    """
    known = ("user_id", "external_id", "employee_number", "email", "name")
    found = []
    for number, row in enumerate(rows, 2):
        strange = sorted(str(name) for name in row if name not in known)
        if strange:
            raise InvalidRequestError(
                f"There is no column {', '.join(strange)}: use some of {', '.join(known)}."
            )
        values = {name: (row.get(name) or "").strip() for name in known}
        values["user_id"] = values["user_id"].lower()
        found.append(Identity(f"line {number}", **values))
    if not found:
        raise InvalidRequestError("The file has no line below its header.")
    return found
