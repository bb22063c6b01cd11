"""What people do with findings: list, look at, accept and revert them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from connector.domain.authentication.console import ConsoleRole
from connector.domain.drift.catalogue import known_entitlements
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import OPEN_FINDINGS, Finding, FindingFilter, FindingState
from connector.domain.drift.words import Told, Wording
from connector.domain.model import ORGANIZATION_ADMIN, IdKind, User, fold, parse_scim_id
from connector.domain.naming.names import Names
from connector.domain.writing import require_words
from connector.errors import ConnectorError, InvalidRequestError, TemporaryError
from connector.ports import USER, UnitOfWork
from connector.purpose import Purpose, calling_for
from connector.services.context import Principal, Seen, TenantContext
from connector.services.drift.findings import Findings
from connector.services.drift.looks import Underway, frame_of, look_at
from connector.services.drift.outcomes import outcome_of
from connector.services.drift.reverts import Reverts, suggested_steps
from connector.services.locks import WriteLocks, finding_key
from connector.services.naming import names_for
from connector.services.people import refuse_own

_IDS = re.compile(r" \((?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4,})\)")
PAGE = 50
"""Findings of a page."""
_BATCH = 500
"""Findings that are read in one go where all of many are wanted."""
_WAIT_S = 20.0


@dataclass(frozen=True)
class Granted:
    """On whose word somebody holds something, as the ledger knows it."""

    name: str
    by: str
    source: str
    at: str
    """When, in ISO 8601."""
    plan: str
    """Empty where there was none."""


@dataclass(frozen=True)
class FindingView:
    """A finding with the names that people need."""

    finding: Finding
    title: str
    """One line: who or what, and how it differs."""
    steps: Sequence[str]
    """The suggested plan, a line an operation."""
    user: User | None = None
    expected: Sequence[Told] = ()
    """What is expected, in words."""
    actual: Sequence[Told] = ()
    """What DocuSign shows, in words."""
    granted: Sequence[Granted] = ()
    """On whose word it is expected."""
    owner: User | None = None
    """Whose the user may be."""
    request: str = ""
    """The request whose plan put it right, by which the audit finds what was done; empty where
    there is none, and in lists."""


class DriftDesk:
    """The findings of one tenant, for people."""

    def __init__(
        self,
        context: TenantContext,
        findings: Findings,
        reverts: Reverts,
        locks: WriteLocks,
    ) -> None:
        self._context = context
        self._findings = findings
        self._reverts = reverts
        self._locks = locks

    # reading ------------------------------------------------------------------

    def list(
        self, wanted: FindingFilter, *, after: str = "", limit: int | None = PAGE
    ) -> Sequence[FindingView]:
        """Return findings, the newest first.

        :param after: the id of the last finding of the page before.
        """
        with self._context.read() as uow:
            return self._views(uow, uow.drift.search(wanted, after=after, limit=limit))

    def get(self, finding_id: str) -> FindingView:
        """Return a finding by its id or a beginning of it that only it has.

        :raises NotFoundError: there is none, or there are several.
        """
        with self._context.read() as uow:
            (view,) = self._views(uow, [uow.drift.get(finding_id)])
            plan_id = view.finding.plan_id
            return replace(
                view, request=uow.plans.get(plan_id)[0].correlation_id if plan_id else ""
            )

    def views(self, finding_ids: Iterable[str]) -> Iterator[tuple[FindingView, str]]:
        """Walk findings by their whole ids, each with what becomes of it in words."""
        ids = list(finding_ids)
        for start in range(0, len(ids), _BATCH):
            with self._context.read() as uow:
                found = uow.drift.named(ids[start : start + _BATCH])
                views = self._views(uow, found)
                told = [(view, outcome_of(uow, view.finding)) for view in views]
            yield from told

    def count(self, wanted: FindingFilter) -> int:
        """Return how many findings fit."""
        with self._context.read() as uow:
            return uow.drift.count(wanted)

    def people(self, who: str) -> Sequence[str]:
        """Return the ids of the users whom an id or an address means, closed ones included."""
        with self._context.read() as uow:
            if "@" not in who:
                return [who.lower()]
            users = uow.mirror.users_by_email([fold(who)]).get(fold(who), ())
            return [user.user_id for user in users]

    def counts(self) -> Mapping[tuple[DriftKind, FindingState], int]:
        """Return how many findings of each class are in each state."""
        with self._context.read() as uow:
            return uow.drift.counts()

    def open_counts(self) -> Mapping[DriftKind, int]:
        """Return how many findings of each class are open, those that have some."""
        found: Counter[DriftKind] = Counter()
        for (kind, state), number in self.counts().items():
            found[kind] += number if state.is_open else 0
        return {kind: found[kind] for kind in DriftKind if found[kind]}

    def _views(self, uow: UnitOfWork, found: Sequence[Finding]) -> Sequence[FindingView]:
        steps = {item.finding_id: suggested_steps(item) for item in found}
        named = names_for(uow, self._context, [step for own in steps.values() for step in own])
        owners = {owner for item in found if (owner := _owner_of(item))}
        people = uow.mirror.get_users({item.subject_id for item in found} | owners)
        names = replace(named, users={**named.users, **people})
        roles = {name: role.display for name, role in self._context.policy.roles.items()}
        wording = Wording(names, roles)
        return [
            FindingView(
                item,
                title_of(item, names, roles),
                [step.describe(names) for step in steps[item.finding_id]],
                people.get(item.subject_id),
                wording.side(item, item.expected),
                wording.side(item, item.actual),
                _granted(item, names, roles),
                people.get(_owner_of(item)),
            )
            for item in found
        ]

    # deciding -----------------------------------------------------------------

    def accept(
        self, finding_id: str, by: Principal, reason: str, *, seen: Seen | None = None
    ) -> Finding:
        """Take a difference for right; it is expected from now on.

        :raises InvalidRequestError: the reason is missing, or it is no difference any more.
        :raises ForbiddenError: the person is no operator, the finding is about themselves, or they
            have no address, by which to tell.
        :raises PreconditionError: it is not what was seen.
        """
        by.require(ConsoleRole.OPERATOR)
        reason = require_words(reason, "Say why it is right as it is: the reason is kept.")
        with self._alone(finding_id), self._context.write(seen) as uow:
            finding = _open(uow.drift.get(finding_id))
            if finding.subject_kind == USER:
                refuse_own(uow, finding.subject_id, by)
            self._require_current(uow, finding)
            known = known_entitlements(uow.mirror.catalogue())
            closed = self._findings.accept(uow, finding, by, reason, known)
            uow.commit()
        return closed

    def revert(
        self, finding_id: str, by: Principal, reason: str, *, seen: Seen | None = None
    ) -> Finding:
        """Put a difference right: what is expected is planned, guarded, recorded and carried out.

        :raises InvalidRequestError: the reason is missing, or no API can put it right.
        :raises ForbiddenError: the person is no operator.
        :raises PreconditionError: it is not what was seen.
        :raises ConnectorError: a guard or DocuSign refuses, or it cannot be reached.
        """
        by.require(ConsoleRole.OPERATOR)
        reason = require_words(reason, "Say why it is to be put right: the reason is kept.")
        with self._alone(finding_id):
            if seen is not None:
                seen()
            return self._revert(finding_id, by, reason)

    def _revert(self, finding_id: str, by: Principal, reason: str) -> Finding:
        with self._context.read() as uow:
            finding = _open(uow.drift.get(finding_id))
        if finding.state is FindingState.REVERTING:
            raise InvalidRequestError(
                f"Finding {finding.finding_id[:8]} is being reverted already (plan "
                f"{finding.plan_id}); what waits for a person is in the inbox."
            )
        try:
            with calling_for(Purpose.PROVISIONING):
                return self._reverts.put_right(finding, by, reason)
        except TemporaryError:
            raise
        except ConnectorError as error:
            self._reverts.note_problem(finding, str(error))
            raise

    def _alone(self, finding_id: str) -> AbstractContextManager[None]:
        """Let people take turns at a finding: a revert is several transactions."""
        with self._context.read() as uow:
            key = finding_key(uow.drift.get(finding_id).finding_id)
        return self._locks.hold([key], _WAIT_S)

    def _require_current(self, uow: UnitOfWork, finding: Finding) -> None:
        """Let a finding be accepted that is still as it was shown."""
        if finding.subject_kind != "User":
            return
        frame = frame_of(uow, self._context, self._context.clock.now(), Underway())
        if frame is None or finding.subject_id in frame.busy:
            raise InvalidRequestError("A change of this user is under way; try again after it.")
        look = look_at(uow, [finding.subject_id], frame)
        if finding.drift_key not in {item.key for item in look.drifts.get(finding.subject_id, ())}:
            raise InvalidRequestError(
                "It is no difference any more: DocuSign was read again since. The next "
                "reconciliation closes the finding."
            )


def open_findings(*subject_ids: str, account_id: str = "") -> FindingFilter:
    """Return the filter for what is open about users, or about one account."""
    return FindingFilter(OPEN_FINDINGS, subject_ids=subject_ids, account_ids=_given(account_id))


def _given(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _open(finding: Finding) -> Finding:
    if not finding.state.is_open:
        raise InvalidRequestError(
            f"Finding {finding.finding_id[:8]} is {finding.state} already; nothing is left to do."
        )
    return finding


def _owner_of(finding: Finding) -> str:
    return str((finding.evidence.get("owner") or {}).get("user_id") or "")


def _granted(finding: Finding, names: Names, roles: Mapping[str, str]) -> Sequence[Granted]:
    def called(scim_id: str) -> str:
        found = names.catalogue.find(scim_id)
        return names.catalogue.title(found) if found else roles.get(scim_id, scim_id)

    return [
        Granted(called(one["entitlement"]), one["by"], one["source"], one["at"], one["plan"] or "")
        for one in finding.evidence.get("granted") or ()
    ]


def title_of(finding: Finding, names: Names, roles: Mapping[str, str]) -> str:
    """Return what a finding is about, in one line.

    :param roles: what roles are called, by id.
    """
    role_name = roles.get(ORGANIZATION_ADMIN, ORGANIZATION_ADMIN)
    wording = Wording(names, roles)
    who = _subject(finding, names)
    what = _entitlement(finding, names, role_name)
    where = names.account(finding.account_id) if finding.account_id else ""
    titles = {
        DriftKind.NATIVE_GRANT: f"{who} has {what} in DocuSign, which nobody asked for",
        DriftKind.LOST_GRANT: f"{who} lost {what} in DocuSign",
        DriftKind.CHANGED_ATTRIBUTE: f"{who}: {wording.change(finding)}",
        DriftKind.UNMANAGED_USER: f"{who} was created in DocuSign itself",
        DriftKind.VANISHED_USER: f"{who} was closed or removed in DocuSign",
        DriftKind.UNEXPECTED_ADMIN: f"{who} became {role_name} in DocuSign",
        DriftKind.CHANGED_ENTITLEMENT: f"{what}: {wording.change(finding)}",
        DriftKind.GONE_ENTITLEMENT: f"{what} was deleted in DocuSign",
        DriftKind.DOCUSIGN_SCIM: f"DocuSign's own SCIM manages {what or who} now",
        DriftKind.DORMANT_USER: f"{who} has not signed in since {_day(finding, 'since')}",
        DriftKind.PENDING_USER: f"{who} was invited on {_day(finding, 'since')} and never accepted",
        DriftKind.ORPHAN_USER: f"{who} belongs to nobody whom a client knows",
    }
    title = titles[finding.kind]
    if where and finding.kind is DriftKind.PENDING_USER:
        title = f"{title} ({where})"
    # The ids are among the facts; a title is for reading.
    return _IDS.sub("", title)


def _subject(finding: Finding, names: Names) -> str:
    user = names.users.get(finding.subject_id)
    if user is not None:
        return f"{user.user_name} <{user.email}>"
    address = finding.expected.get("email") or finding.actual.get("email")
    return str(address or finding.subject_id)


def _entitlement(finding: Finding, names: Names, role_name: str) -> str:
    if not finding.entitlement:
        return names.account(finding.account_id) if finding.account_id else ""
    if finding.entitlement == ORGANIZATION_ADMIN:
        return role_name
    kind, account_id, value = parse_scim_id(finding.entitlement)
    is_group = kind is IdKind.GROUP
    name = names.group(account_id, value) if is_group else names.profile(account_id, value)
    known = finding.expected.get("name")
    if known and name == value:
        name = f"{known} ({name})"
    return f"the {kind} {name} of {names.account(account_id)}"


def _day(finding: Finding, name: str) -> str:
    return str(finding.actual.get(name) or "")[:10]
