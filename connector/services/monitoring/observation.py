"""What monitoring asks: how each tenant stands, and whether the process can do its work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connector.domain.budget import BudgetState, CallCount, hour_start
from connector.domain.consent.state import UNUSABLE, ConsentRecord, ConsentState
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.ledger.plans import PlanState
from connector.domain.work_items.items import WorkItemKind
from connector.errors import ConnectorError
from connector.ports import Clock, Store
from connector.services.aggregation import SYNC_JOB

REFUSALS = frozenset(
    {
        "ConsentRequiredError",
        "KeyRejectedError",
        "IntegrationKeyUnknownError",
        "SubjectUnknownError",
        "ClockSkewError",
        "TokenRejectedError",
    }
)
"""Errors of :mod:`connector.docusign.errors` that mean that there is no token."""


@dataclass(frozen=True)
class Observation:
    """How a tenant stands."""

    tenant: str
    plans: Mapping[PlanState, int]
    waits_since: datetime | None
    """Since when the change waits for DocuSign that has waited longest."""
    open_work_items: Mapping[WorkItemKind, int]
    mirror: Mapping[str, int]
    """Rows of ``users``, ``memberships``, ``profiles``, ``groups``."""
    last_runs: Sequence[JobRun]
    """The last finished run of each job."""
    calls: Sequence[CallCount]
    """Calls to DocuSign of this hour, by all processes."""
    budgets: Mapping[str, BudgetState]
    """What DocuSign last said of its limits."""
    findings: Mapping[DriftKind, int]
    """Open findings of drift by class."""
    consents: Mapping[ConsentState, int]
    """Users by whether they can be impersonated, where somebody asked."""
    connection: ConsentState
    """Whether DocuSign gives tokens for the service user."""
    synced_at: datetime | None
    """When the last full aggregation that succeeded began: nothing in the mirror is older."""
    hints: int
    """Places that deltas have still to read."""


@dataclass(frozen=True)
class Check:
    """One thing that has to be right."""

    name: str
    problem: str = ""
    """What is wrong and what to do; empty where nothing is."""
    note: str = ""
    """What works in part only."""


def observe(store: Store, tenant: str, now: datetime) -> Observation:
    """Return how a tenant stands.

    :raises connector.errors.TemporaryError: the database cannot be asked.
    """
    with store.read(tenant) as uow:
        return Observation(
            tenant,
            uow.totals.plans(),
            uow.totals.waits_since(),
            uow.totals.open_work_items(),
            uow.totals.mirror(),
            uow.totals.last_runs(now),
            uow.budgets.calls(hour_start(now)),
            {name: state.current(now) for name, state in uow.budgets.states().items()},
            _open_findings(uow.drift.counts()),
            uow.consents.counts(),
            _connection(uow.consents.connection()),
            _synced_at(uow.jobs.latest_done(SYNC_JOB, now)),
            uow.hints.count(),
        )


def _open_findings(
    counts: Mapping[tuple[DriftKind, FindingState], int],
) -> Mapping[DriftKind, int]:
    found = dict.fromkeys(DriftKind, 0)
    for (kind, state), number in counts.items():
        found[kind] += number if state.is_open else 0
    return found


class Readiness:
    """Whether this process can answer, and for whom DocuSign is behind it."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tenants: Callable[[], Iterable[str]],
        revisions: Callable[[], tuple[str | None, str]],
        max_sync_age_s: float,
        *,
        listed: int = 50,
    ) -> None:
        """:param tenants: returns the names of those that are served.
        :param revisions: returns the database's revision and the program's.
        :param max_sync_age_s: 0 for any age.
        :param listed: up to how many tenants are told of each; of more their number. So many are
            looked at with each question, by turns; of the others the last view is told."""
        self._store = store
        self._clock = clock
        self._tenants = tenants
        self._revisions = revisions
        self._max_age = timedelta(seconds=max_sync_age_s)
        self._listed = listed
        self._known: dict[str, bool] = {}

    def checks(self) -> Sequence[Check]:
        """Return what was looked at: the database, its migrations, and each tenant."""
        try:
            found, wanted = self._revisions()
        except ConnectorError as error:
            return [Check("database", str(error))]
        if found != wanted:
            return [Check("database"), Check("migrations", _migration_problem(found, wanted))]
        names = list(self._tenants())
        if len(names) > self._listed:
            return [Check("database"), Check("migrations"), self._all(names)]
        tenants = [self._tenant(name) for name in names]
        return [Check("database"), Check("migrations"), *tenants]

    def of_tenant(self, name: str) -> Check:
        """Return how one tenant is, from what the database has: DocuSign is not asked."""
        return self._tenant(name)

    def _all(self, names: Sequence[str]) -> Check:
        """Return one check for many tenants: a problem where none of them is right."""
        known = self._known
        for place, name in enumerate(oldest_first(known, names)):
            if place >= self._listed and True in known.values():
                break
            known.pop(name, None)  # What is put in last is looked at last.
            known[name] = not self._tenant(name).problem
        good = sum(known.values())
        told = f"{good:,} of {len(known):,} looked at are right, of {len(names):,}."
        told += " See `docusign-iga tenant list --health`."
        return Check("tenants", "" if good else told, told if good else "")

    @staticmethod
    def is_ready(checks: Sequence[Check]) -> bool:
        """Return whether requests should come here.

        One customer whose consent is gone does not take the others' connector away: of the tenants
        one has to be right.
        """
        tenants = [check for check in checks if check.name.startswith("tenant ")]
        others = [check for check in checks if not check.name.startswith("tenant ")]
        some_tenant = not tenants or any(not check.problem for check in tenants)
        return some_tenant and not any(check.problem for check in others)

    def _tenant(self, name: str) -> Check:
        now = self._clock.now()
        try:
            with self._store.read(name) as uow:
                last = uow.jobs.latest(SYNC_JOB, now)
                done = uow.jobs.latest_done(SYNC_JOB, now)
                consent = uow.consents.connection()
        except ConnectorError as error:
            return Check(f"tenant {name}", str(error))
        if consent is not None and consent.state in UNUSABLE:
            return Check(f"tenant {name}", f"DocuSign gives no token: {consent.said}")
        problem = self._sync_problem(name, last, done, consent)
        return Check(f"tenant {name}", problem, _partial(consent))

    def _sync_problem(
        self, name: str, last: JobRun | None, done: JobRun | None, consent: ConsentRecord | None
    ) -> str:
        is_refused = last is not None and last.state is RunState.FAILED and last.cause in REFUSALS
        if last is not None and is_refused and not _healed(consent, last):
            return f"DocuSign gives no token: {last.error}"
        reason = f" The last attempt said: {last.error}" if last is not None and last.error else ""
        if done is None:
            command = f"docusign-iga sync --tenant {name}"
            return f"Nothing was read from DocuSign yet. Run `{command}`.{reason}"
        age = self._clock.now() - done.started_at
        if self._max_age and age > self._max_age:
            hours = age / timedelta(hours=1)
            return (
                f"The last sync that succeeded began {hours:.1f} hours ago, longer than "
                f"observing.ready_sync_age_s allows. Does `serve` "
                f"with its jobs process run, or with PostgreSQL `jobs` and a `worker`?{reason}"
            )
        return ""


def oldest_first(known: dict[str, Any], names: Iterable[str]) -> Sequence[str]:
    """Forget those who are gone; return the names, those who were never looked at before the
    others, and these in the order in which they were looked at."""
    wanted = dict.fromkeys(names)
    for name in [name for name in known if name not in wanted]:
        del known[name]
    return [*(name for name in wanted if name not in known), *known]


def _healed(consent: ConsentRecord | None, run: JobRun) -> bool:
    """Whether DocuSign has given tokens again since a run was refused."""
    ended_at = run.finished_at or run.started_at
    return consent is not None and consent.checked_at >= ended_at


def _partial(consent: ConsentRecord | None) -> str:
    if consent is None or consent.state is not ConsentState.PARTIAL:
        return ""
    missing = ", ".join(sorted(consent.missing))
    return f"ok, but consent is missing for {missing}: `docusign-iga doctor` gives the link"


def _connection(consent: ConsentRecord | None) -> ConsentState:
    return consent.state if consent is not None else ConsentState.UNKNOWN


def _migration_problem(found: str | None, wanted: str) -> str:
    return (
        f"The database is at revision {found or 'none'}, this version of the program needs "
        f"{wanted}. Start `docusign-iga serve` of this version once; it migrates."
    )


def _synced_at(run: JobRun | None) -> datetime | None:
    return None if run is None else run.started_at
