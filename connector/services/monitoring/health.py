"""How the connection to DocuSign is, from what the ledger noted: no page waits for DocuSign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.consent.state import UNUSABLE
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.services.aggregation import SYNC_JOB
from connector.services.context import TenantContext
from connector.services.jobs.declared import JOBS, schedule_of
from connector.services.jobs.schedules import longest_gap_s
from connector.settings import JobSettings

_LOOKED_AT = 500
"""Calls, the newest ones: minutes of a busy connector, days of a calm one."""
_NO_TOKEN = "DocuSign gives the connector no token"  # noqa: S105 - words
_TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path


@dataclass(frozen=True)
class Call:
    """A call to DocuSign, as the audit noted it."""

    at: datetime
    method: str
    path: str
    status: int | None
    """None: there was no answer."""
    error: str
    """What stood in the way of an answer."""
    trace_token: str
    """What DocuSign's support asks for."""

    @property
    def failed(self) -> bool:
        """Whether DocuSign refused it or did not answer."""
        return self.status is None or self.status >= HTTPStatus.BAD_REQUEST


@dataclass(frozen=True)
class Health:
    """How the connection of one tenant is."""

    verdict: str
    """``good``, ``bad`` or ``unknown``."""
    headline: str
    advice: str
    """What to do; empty where all is well."""
    last_call: Call | None
    last_good_call: Call | None
    failures: Sequence[Call]
    """Of the latest calls, newest first."""
    last_sync: JobRun | None
    sync_is_late: bool


class ConnectionHealth:
    """Looks at the connection of one tenant."""

    def __init__(self, context: TenantContext, jobs: JobSettings) -> None:
        self._context = context
        self._jobs = jobs

    def look(self) -> Health:
        """Return what the latest calls and the last sync tell."""
        with self._context.read() as uow:
            events = uow.audit.events(
                limit=_LOOKED_AT,
                wanted=AuditFilter(action="docusign.called"),
                newest_first=True,
            )
            sync = uow.jobs.latest(SYNC_JOB, self._context.clock.now())
            consent = uow.consents.connection()
        calls = [_call(event) for event in events]
        good = next((call for call in calls if not call.failed), None)
        late = self._is_late(sync)
        verdict, headline, advice = _verdict(calls, sync, is_late=late)
        if consent is not None and consent.state in UNUSABLE:
            verdict, headline, advice = "bad", _NO_TOKEN, consent.said
        failures = [call for call in calls if call.failed]
        last = calls[0] if calls else None
        return Health(verdict, headline, advice, last, good, failures, sync, late)

    def _is_late(self, sync: JobRun | None) -> bool:
        if sync is None:
            return False
        now = self._context.clock.now()
        schedule, timezone = schedule_of(JOBS[SYNC_JOB], self._jobs, self._context.settings)
        gap_s = longest_gap_s(schedule, timezone, now)
        since = sync.finished_at or sync.started_at
        return gap_s > 0 and (now - since).total_seconds() > 2 * gap_s


def _call(event: AuditEvent) -> Call:
    data = event.data
    status = data.get("status")
    return Call(
        event.at,
        str(data.get("method", "")),
        str(data.get("path", "")),
        status if isinstance(status, int) else None,
        str(data.get("error") or ""),
        str(data.get("trace_token", "")),
    )


def _verdict(calls: Sequence[Call], sync: JobRun | None, *, is_late: bool) -> tuple[str, str, str]:
    if calls and calls[0].failed and calls[0].path.endswith(_TOKEN_PATH):
        cause = sync.error if sync is not None and sync.state is RunState.FAILED else ""
        return (
            "bad",
            _NO_TOKEN,
            cause
            or "Consent is missing or was revoked, the key is not the integration key's, or the "
            "service user was closed. `docusign-iga sync` says which.",
        )
    if sync is not None and sync.state is RunState.FAILED:
        return ("bad", "The last sync failed", sync.error or "")
    if calls and calls[0].failed and not _is_usual(calls[0]):
        return (
            "bad",
            "DocuSign refused the last call, or did not answer it",
            "Look at the failures below. Those of 429 and above 500 pass by themselves.",
        )
    if sync is None:
        return (
            "unknown",
            "No sync has run yet",
            "Start one with `docusign-iga sync`, or wait for the jobs process.",
        )
    if is_late:
        return (
            "bad",
            "The last sync is too long ago",
            "Does a jobs process run? `docusign-iga serve` starts one where jobs.enabled is true.",
        )
    return ("good", "DocuSign answers", "")


def _is_usual(call: Call) -> bool:
    """Whether a failure says nothing of the connection: somebody who is not there was looked up."""
    return call.status in (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT)
