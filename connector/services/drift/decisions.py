"""Decisions on many findings at once: which they are, what would be done, and doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from connector.domain.authentication.console import ConsoleRole
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import Finding, FindingFilter, FindingState
from connector.domain.drift.remedies import Remedy, raise_if_unsafe
from connector.domain.model import ORGANIZATION_ADMIN
from connector.domain.writing import require_words
from connector.errors import (
    ConflictingWriteError,
    ConnectorError,
    GuardError,
    InvalidRequestError,
    TemporaryError,
)
from connector.ports import UnitOfWork
from connector.services.context import Principal, TenantContext
from connector.services.drift.desk import DriftDesk, FindingView
from connector.services.people import nobody_is
from connector.services.provisioning.turns import AheadError

_PAGE = 500


@dataclass(frozen=True)
class Wanted:
    """Which findings are meant, in people's words; everything given has to hold. Account and
    entitlement are ids or names, with * and ?, compared without case."""

    kinds: Sequence[DriftKind] = ()
    states: Sequence[FindingState] = (FindingState.OPEN,)
    account: str = ""
    entitlement: str = ""
    attribute: str = ""
    user: str = ""
    """Id or address."""
    remedies: Sequence[Remedy] = ()
    """What the policy says of them."""


@dataclass(frozen=True)
class Choice:
    """The findings that are meant, the newest first."""

    finding_ids: Sequence[str]
    kinds: Mapping[DriftKind, int]
    subjects: int
    """The people, groups and profiles whom they are about."""


@dataclass
class Decided:
    """What became of a decision on many."""

    states: Counter[FindingState] = field(default_factory=Counter)
    """How many stand where now."""
    finding_ids: list[str] = field(default_factory=list)
    """Those that were decided."""
    problems: dict[str, str] = field(default_factory=dict)
    """Why some stayed as they were, by finding id."""
    left: Sequence[str] = ()
    """Ids of those that were not tried, because DocuSign or its limit stood in the way."""
    stopped_by: str = ""
    """What that was."""


Report = Callable[[int, int], None]
"""Hears how many are done, of how many."""
Act = Callable[[str, Principal, str], Finding]


class DriftDecisions:
    """Lets people of one tenant decide on many findings."""

    def __init__(self, context: TenantContext, desk: DriftDesk) -> None:
        self._context = context
        self._desk = desk

    # which --------------------------------------------------------------------

    def filter_of(self, wanted: Wanted) -> FindingFilter:
        """Return what people's words mean.

        :raises InvalidRequestError: nobody, no account or no entitlement is called so.
        """
        people = tuple(self._desk.people(wanted.user)) if wanted.user else ()
        if wanted.user and not people:
            raise InvalidRequestError(nobody_is(self._context.tenant, wanted.user))
        with self._context.read() as uow:
            accounts = self._accounts(uow, wanted.account) if wanted.account else ()
            entitlements = self._entitlements(uow, wanted) if wanted.entitlement else ()
        return FindingFilter(
            tuple(wanted.states),
            tuple(wanted.kinds),
            people,
            accounts,
            entitlements,
            wanted.attribute,
            tuple(wanted.remedies),
        )

    def _accounts(self, uow: UnitOfWork, text: str) -> tuple[str, ...]:
        catalogue = uow.mirror.catalogue()
        found = tuple(
            account_id
            for account_id in catalogue.accounts
            if _fits(text, self._context.policy.account_names(account_id, catalogue))
        )
        if not found and not uow.drift.search(FindingFilter(account_ids=(text.lower(),)), limit=1):
            raise InvalidRequestError(
                f"No account is called {text!r}: give an id, alias or name, as `docusign-iga "
                "account list` shows them."
            )
        return found or (text.lower(),)

    def _entitlements(self, uow: UnitOfWork, wanted: Wanted) -> tuple[str, ...]:
        text, catalogue = wanted.entitlement, uow.mirror.catalogue()
        role = self._context.policy.roles.get(ORGANIZATION_ADMIN)
        named = [
            *((item.scim_id, item.name) for item in catalogue.profiles.values()),
            *((item.scim_id, item.name) for item in catalogue.groups.values()),
            (ORGANIZATION_ADMIN, role.display if role else ORGANIZATION_ADMIN),
            # What was deleted is known by what it was called.
            *((key, item.name) for key, item in uow.drift.known_entitlements().items()),
        ]
        found = {scim_id for scim_id, name in named if _fits(text, (scim_id, name))}
        if not found and not uow.drift.search(FindingFilter(entitlements=(text,)), limit=1):
            raise InvalidRequestError(
                f"No profile, group or role is called {text!r}: give its id or name."
            )
        return tuple(sorted(found or {text}))

    def choose(self, wanted: FindingFilter, limit: int | None = None) -> Choice:
        """Return the findings that fit.

        :param limit: the newest so many alone.
        """
        return _choice(self._walk(wanted, limit))

    def named(self, finding_ids: Iterable[str]) -> Choice:
        """Return findings by their ids or beginnings of them, each once.

        :raises connector.errors.NotFoundError: there is none, or there are several.
        """
        with self._context.read() as uow:
            found = [uow.drift.get(finding_id) for finding_id in finding_ids]
        return _choice({item.finding_id: item for item in found}.values())

    def _walk(self, wanted: FindingFilter, limit: int | None) -> Iterator[Finding]:
        after, left = "", limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(_PAGE, left)
            with self._context.read() as uow:
                page = uow.drift.search(wanted, after=after, limit=size)
            yield from page
            if len(page) < size:
                return
            after, left = page[-1].finding_id, None if left is None else left - size

    def views(self, finding_ids: Iterable[str]) -> Iterator[FindingView]:
        """Return findings with the names that people need, one after the other."""
        return (view for view, _ in self._desk.views(finding_ids))

    def outcomes(self, finding_ids: Iterable[str]) -> Iterator[tuple[FindingView, str]]:
        """Return findings, one after the other, each with what becomes of it in words."""
        return self._desk.views(finding_ids)

    # what ---------------------------------------------------------------------

    def require_safe(self, choice: Choice) -> None:
        """Let so much be reverted at once.

        :raises GuardError: it is about more users than ``guards.max_affected_pct``.
        """
        with self._context.read() as uow:
            count = uow.mirror.count_users()
        raise_if_unsafe(
            choice.subjects,
            count,
            self._context.settings.guards,
            "Narrow the choice or take fewer at a time, look at what comes of it, then go on; or "
            "raise guards.max_affected_pct for the time of the change.",
        )

    def refusal(self, choice: Choice) -> str | None:
        """Return why so much may not be reverted at once, None where it may."""
        try:
            self.require_safe(choice)
        except GuardError as error:
            return str(error)
        return None

    def accept(
        self, choice: Choice, by: Principal, reason: str, report: Report = lambda *_: None
    ) -> Decided:
        """Take all of them for right; each that is no difference any more is told.

        :raises InvalidRequestError: the reason is missing.
        :raises connector.errors.ForbiddenError: the person is no operator.
        """
        return self._each(choice, self._desk.accept, by, reason, report)

    def revert(
        self, choice: Choice, by: Principal, reason: str, report: Report = lambda *_: None
    ) -> Decided:
        """Have all of them put right, one plan after the other.

        :raises GuardError: they are about too many users; nothing was done.
        :raises InvalidRequestError: the reason is missing.
        :raises connector.errors.ForbiddenError: the person is no operator.
        """
        by.require(ConsoleRole.OPERATOR)
        self.require_safe(choice)
        return self._each(choice, self._desk.revert, by, reason, report)

    def _each(
        self, choice: Choice, act: Act, by: Principal, reason: str, report: Report
    ) -> Decided:
        by.require(ConsoleRole.OPERATOR)
        reason = require_words(reason, "Say why: the reason is kept with each finding.")
        decided, total = Decided(), len(choice.finding_ids)
        for number, finding_id in enumerate(choice.finding_ids):
            report(number, total)
            try:
                decided.states[act(finding_id, by, reason).state] += 1
                decided.finding_ids.append(finding_id)
            except (ConflictingWriteError, AheadError) as error:
                # Another change of the same user: nobody else has to wait for it.
                decided.problems[finding_id] = str(error)
            except TemporaryError as error:
                decided.left = choice.finding_ids[number:]
                decided.stopped_by = str(error)
                break
            except ConnectorError as error:
                decided.problems[finding_id] = str(error)
        else:
            report(total, total)
        return decided


def _choice(found: Iterable[Finding]) -> Choice:
    ids: list[str] = []
    kinds: Counter[DriftKind] = Counter()
    subjects: set[str] = set()
    for finding in found:
        ids.append(finding.finding_id)
        kinds[finding.kind] += 1
        subjects.add(finding.subject_id)
    return Choice(ids, kinds, len(subjects))


def _fits(pattern: str, texts: Iterable[str]) -> bool:
    return any(fnmatchcase(text.casefold(), pattern.casefold()) for text in texts)
