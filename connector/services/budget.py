"""What is used and left of DocuSign's hours, and what the next full aggregation will take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil

from connector.domain.budget import (
    AUTHENTICATION,
    DEFAULT_LIMIT,
    BudgetState,
    CallCount,
    Shares,
    hour_end,
    hour_start,
    list_calls,
)
from connector.domain.ledger.job_runs import JobRun
from connector.domain.model import Catalogue, MembershipStatus
from connector.ports import UnitOfWork
from connector.services.aggregation import SYNC_JOB
from connector.services.aggregation.roles import ROLE_CHECKS
from connector.services.aggregation.runs import worked_s
from connector.services.context import TenantContext
from connector.settings import TenantSettings

_FIXED_CALLS = 3
"""Profiles, groups, and the last page of an account's users."""
_CALL_S = 0.5
"""Time of a call, where no run has shown another."""


@dataclass(frozen=True)
class BudgetLine:
    """One account's or organization's hour."""

    budget: str
    name: str
    limit: int
    remaining: int | None
    """As DocuSign last said; None where it has not in this hour."""
    resets_at: datetime
    closed_until: datetime | None
    used: Mapping[str, int]
    """Our calls of this hour, by purpose."""
    ours: int
    """Our share of the hour."""
    background_left: int


@dataclass(frozen=True)
class Forecast:
    """What the next full aggregation by lists will take; an export takes less."""

    calls: Mapping[str, int]
    """By budget: account id, or organization."""
    minutes: float
    """With the pauses that the budget asks for."""
    pauses: int = 0
    """Hours that it has to wait for."""

    @property
    def time(self) -> str:
        """How long it lasts, in words."""
        whole = round(self.minutes)
        return f"{whole:,} minutes" if whole > 1 else "a minute" if whole else "some seconds"


@dataclass(frozen=True)
class BudgetReport:
    """Everything about the calls of a tenant."""

    lines: Sequence[BudgetLine]
    today: Mapping[str, int]
    """Calls since midnight UTC, by purpose."""
    refused_today: int
    forecast: Forecast
    hours: Sequence[CallCount] = field(default_factory=tuple)
    """Since midnight UTC."""
    waiting: int = 0
    """Places that deltas have still to read, one call each."""


class BudgetService:
    """Reports on the calls of one tenant."""

    def __init__(self, context: TenantContext, shares: Shares) -> None:
        self._context = context
        self._shares = shares

    def report(self) -> BudgetReport:
        """Return what is used, what is left and what is to come."""
        now = self._context.clock.now()
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        with self._context.read() as uow:
            states = uow.budgets.states()
            counts = uow.budgets.calls(midnight)
            members = {
                account.account_id: uow.totals.members(account.account_id)
                for account in self._context.settings.accounts
            }
            closed, admins = self._in_organization(uow)
            last = uow.jobs.latest_done(SYNC_JOB, now)
            hints = uow.hints.count()
            catalogue = uow.mirror.catalogue()
        aliases = {item.account_id: item.alias for item in self._context.settings.accounts}
        organization = _organization(self._context.settings, catalogue)
        known = {*states, *(count.budget for count in counts), *aliases}
        known |= {organization} if organization else set()
        names = sorted(known - {AUTHENTICATION})
        lines = [self._line(name, aliases, states.get(name), counts, now) for name in names]
        today: Counter[str] = Counter()
        for count in counts:
            today[count.purpose] += count.calls
        refused = sum(count.refused for count in counts)
        calls = {
            account: list_calls(max(1, number)) + _FIXED_CALLS
            for account, number in members.items()
        }
        if organization is not None:
            dates = sum(list_calls(number) for number in closed)
            calls[organization] = 1 + dates + min(admins, ROLE_CHECKS)
        forecast = self._forecast(lines, calls, last)
        return BudgetReport(lines, today, refused, forecast, counts, hints)

    def _in_organization(self, uow: UnitOfWork) -> tuple[Sequence[int], int]:
        """Return the closed members of each account, whose dates the Admin API has, and how many
        may be organization administrators."""
        accounts = [item.account_id for item in self._context.settings.accounts]
        counts = [uow.mirror.count_memberships(account) for account in accounts]
        closed = [count.get(MembershipStatus.CLOSED, 0) for count in counts]
        return closed, sum(uow.mirror.count_admins(account) for account in accounts)

    def _line(
        self,
        budget: str,
        aliases: Mapping[str, str],
        told: BudgetState | None,
        counts: Sequence[CallCount],
        now: datetime,
    ) -> BudgetLine:
        state = told.current(now) if told else None
        limit = (state.call_limit if state else None) or DEFAULT_LIMIT
        hour = hour_start(now)
        used = {
            item.purpose: item.calls
            for item in counts
            if item.budget == budget and item.hour == hour
        }
        closed = state.closed_until if state else None
        return BudgetLine(
            budget,
            aliases.get(budget) or budget,
            limit,
            state.remaining if state else None,
            (state.reset_at if state else None) or hour_end(now),
            closed if closed is not None and closed > now else None,
            used,
            self._shares.ours(limit),
            self._shares.background_left(state, sum(used.values())),
        )

    def _forecast(
        self, lines: Sequence[BudgetLine], calls: Mapping[str, int], last: JobRun | None
    ) -> Forecast:
        by_budget = {line.budget: line for line in lines}
        now = self._context.clock.now()
        pauses = {key: self._pauses(by_budget[key], number) for key, number in calls.items()}
        # The first ends with the hour that has begun, each further one takes a whole hour.
        waits = [
            by_budget[key].resets_at - now + timedelta(hours=number - 1)
            for key, number in pauses.items()
            if number
        ]
        call_s = _CALL_S
        if last is not None and last.calls and (worked := worked_s(last)):
            call_s = worked / last.calls
        work = timedelta(seconds=sum(calls.values()) * call_s)
        minutes = (work + max(waits, default=timedelta(0))) / timedelta(minutes=1)
        return Forecast(calls, minutes, max(pauses.values(), default=0))

    def _pauses(self, line: BudgetLine, calls: int) -> int:
        """Return how many further hours an account's calls need."""
        later = max(0, calls - line.background_left)
        return ceil(later / max(1, self._shares.for_background(line.limit)))


def _organization(settings: TenantSettings, catalogue: Catalogue) -> str | None:
    """Return the budget of the organization, None where the tenant has none or leaves it alone."""
    found = [item.organization_id for item in catalogue.accounts.values() if item.organization_id]
    organization_id = settings.organization_id or next(iter(found), None)
    return (
        f"organization {organization_id}" if organization_id and settings.use_organization else None
    )
