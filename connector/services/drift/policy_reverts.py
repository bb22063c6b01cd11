"""What the policy reverts by itself: collected while a run compares, and carried out after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.domain.drift.findings import Finding, FindingFilter, FindingState
from connector.domain.drift.remedies import Remedy, raise_if_unsafe
from connector.domain.policy.guards import most_affected
from connector.domain.writing import command
from connector.errors import (
    BudgetUsedUpError,
    ConflictingWriteError,
    ConnectorError,
    GuardError,
    StoppedError,
    TemporaryError,
)
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.drift.findings import REFUSED
from connector.services.drift.reverts import Reverts
from connector.services.provisioning.turns import AheadError
from connector.services.restored import why_not_to_revert

_PAGE = 500
_UNANSWERED = "unanswered"
_AWAY = 3
"""After so many in a row that DocuSign did not answer, it is not one finding."""


@dataclass
class ToRevert:
    """What the policy reverts in one run.

    Of more than the guard lets pass only the number is kept: all of it is held back, however much
    it is, so that a run finds more than fits into memory.
    """

    seen_at: datetime
    """When the run began: what it saw bears this time."""
    user_count: int
    limit: int
    """The most subjects that pass the guard."""
    findings: int = 0
    subjects: int = 0
    finding_ids: list[str] = field(default_factory=list)
    """Empty where there are too many."""
    _last: str = ""

    def add(self, finding: Finding) -> None:
        """Note a finding; those of one subject come one after the other."""
        self.findings += 1
        self.subjects += finding.subject_id != self._last
        self._last = finding.subject_id
        if self.subjects <= self.limit:
            self.finding_ids.append(finding.finding_id)
        else:
            self.finding_ids.clear()


class PolicyReverts:
    """Puts right what the policy of one tenant says shall be, unless it is so much that a person
    has to see it first."""

    def __init__(self, context: TenantContext, reverts: Reverts) -> None:
        self._context = context
        self._reverts = reverts

    def begin(self, uow: UnitOfWork, now: datetime) -> ToRevert:
        """Return the empty list of a run that begins now."""
        count = uow.mirror.count_users()
        return ToRevert(now, count, most_affected(count, self._context.settings.guards))

    def carry_out(self, wanted: ToRevert, actor: Actor) -> Mapping[str, int]:
        """Revert what was collected, or hold all of it back; return how many ended how."""
        counts: Counter[str] = Counter()
        # Asked in every run: a dump of before the first drift has to be known by its database too.
        reason = why_not_to_revert(self._context, actor)
        if reason and wanted.findings:
            self._hold_back(wanted, actor, reason)
            counts["held_back"] = wanted.findings
            return counts
        try:
            guards = self._context.settings.guards
            listed = command(self._context.tenant, "drift", "list")
            advice = f"Look at what happened ({listed}), then revert or accept them by hand."
            raise_if_unsafe(wanted.subjects, wanted.user_count, guards, advice)
        except GuardError as error:
            self._hold_back(wanted, actor, str(error))
            counts["held_back"] = wanted.findings
            return counts
        in_a_row = 0
        for finding_id in wanted.finding_ids:
            outcome = self._revert(finding_id, actor)
            if outcome is None or outcome == _UNANSWERED:
                counts["postponed"] += 1
            else:
                counts[outcome] += 1
            in_a_row = in_a_row + 1 if outcome == _UNANSWERED else 0
            if outcome is None or in_a_row == _AWAY:
                break
        return counts

    def _revert(self, finding_id: str, actor: Actor) -> str | None:
        """Revert one finding and return how it ended; None where nothing else can be tried now."""
        with self._context.read() as uow:
            finding = uow.drift.get(finding_id)
        if finding.state is not FindingState.OPEN or finding.remedy is not Remedy.REVERT:
            return "decided"  # Somebody was faster, or a request wants it so by now.
        try:
            self._reverts.put_right(finding, actor, "The policy reverts it.")
        except (ConflictingWriteError, AheadError) as error:
            # Another change of the same user: nobody else has to wait for it.
            self._reverts.note_problem(finding, str(error))
            return "postponed"
        except (BudgetUsedUpError, StoppedError) as error:
            # The rest waits for the next run.
            self._reverts.note_problem(finding, str(error))
            return None
        except TemporaryError as error:
            # It may be this one alone, in every run: those behind have their turn too.
            self._reverts.note_problem(finding, str(error))
            return _UNANSWERED
        except ConnectorError as error:
            self._reverts.note_problem(finding, str(error))
            return "refused"
        return "reverting"

    def _hold_back(self, wanted: ToRevert, actor: Actor, reason: str) -> None:
        """Write the reason to every finding that the policy would have reverted, and tell it where
        one of them did not bear it yet."""
        filter_ = FindingFilter(
            (FindingState.OPEN,), remedies=(Remedy.REVERT,), last_seen_at=wanted.seen_at
        )
        after, is_news = "", False
        while True:
            with self._context.write() as uow:
                page = uow.drift.search(filter_, after=after, limit=_PAGE)
                held = [item for item in page if REFUSED not in item.evidence]
                untold = [item for item in held if item.problem != reason]
                is_news = is_news or bool(untold)
                uow.drift.save([replace(item, problem=reason) for item in untold])
                if len(page) < _PAGE and is_news:
                    facts = {"reason": reason, "findings": wanted.findings}
                    self._context.audit(uow, actor, "drift.held_back", "", **facts)
                uow.commit()
            if len(page) < _PAGE:
                return
            after = page[-1].finding_id
