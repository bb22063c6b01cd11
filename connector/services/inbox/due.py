"""What time does to work items, and to changes that wait for DocuSign: reminders, overdue tasks,
approvals that expire, a word to the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.policy.entitlement_rules import Ruling
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import OPEN_STATES, WorkItem, WorkItemKind, WorkItemState
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.denials import ended_denials, is_look_kept, keep_look
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.long_waits import LongWaits
from connector.services.work.approval_desk import ApprovalDesk
from connector.services.work.log import WorkItemLog
from mappings.model import Meaning


class DueService:
    """Looks through the open work items of one tenant, on schedule."""

    def __init__(
        self,
        context: TenantContext,
        log: WorkItemLog,
        desk: ApprovalDesk,
        waits: LongWaits,
        mirror: MirrorWriter,
    ) -> None:
        self._context = context
        self._mirror = mirror
        self._waits = waits
        self._log = log
        self._desk = desk

    def run(self, actor: Actor) -> Mapping[str, int]:
        """Remind, escalate and expire what is due, show no longer what was denied long ago, and
        tell of changes that wait for DocuSign for long; return counts by outcome.

        Each becomes an event of the audit, ``work_item.reminded``, ``work_item.escalated`` or
        ``work_item.expired``, from which people are told.
        """
        counts = {"reminded": 0, "escalated": 0, "expired": 0}
        counts["delayed_changes"] = self._waits.tell(actor)
        self._end_denials()
        with self._context.read() as uow:
            now = self._context.clock.now()
            ids = [
                item.work_item_id
                for item in uow.work_items.search(states=OPEN_STATES)
                if self._what_is_due(uow, item, now)
            ]
        for work_item_id in ids:
            with self._context.write() as uow:
                item = uow.work_items.get(work_item_id)
                outcome = self._what_is_due(uow, item, self._context.clock.now())
                if outcome:
                    self._do(uow, item, outcome, actor)
                    counts[outcome] += 1
                    uow.commit()
        return counts

    def _end_denials(self) -> None:
        with self._context.read() as uow:
            user_ids, until = ended_denials(uow, self._context)
            if not user_ids and is_look_kept(uow, until):
                return
        with self._context.write() as uow:
            self._mirror.rerender_users(uow, user_ids)
            keep_look(uow, until)
            uow.commit()

    def _what_is_due(self, uow: UnitOfWork, item: WorkItem, now: datetime) -> str:
        """Return ``expired``, ``escalated`` or ``reminded``, empty where nothing is."""
        if item.state not in (WorkItemState.OPEN, WorkItemState.AWAITING_VERIFICATION):
            return ""
        if item.expires_at is not None and item.expires_at <= now:
            goes_on = item.terms is not None and item.terms.on_expiry == "escalate"
            return "escalated" if goes_on and item.escalated_at is None else "expired"
        if item.due_at is not None and item.due_at <= now and item.escalated_at is None:
            return "escalated"
        last = item.reminded_at or item.created_at
        return "reminded" if last + self._between_reminders(uow, item) <= now else ""

    def _do(self, uow: UnitOfWork, item: WorkItem, outcome: str, actor: Actor) -> None:
        now = self._context.clock.now()
        if outcome == "expired":
            why = "Nobody decided in time. Ask for the access again if it is still needed."
            self._log.close(uow, item, WorkItemState.EXPIRED, actor, why)
        elif outcome == "escalated":
            self._escalate(uow, item, actor, now)
        else:
            uow.work_items.save(replace(item, reminded_at=now))
            self._log.note(uow, item, actor, Act.REMINDED, kind=item.kind)

    def _escalate(self, uow: UnitOfWork, item: WorkItem, actor: Actor, now: datetime) -> None:
        ruling = self._ruling(uow, item)
        is_approval = item.kind is WorkItemKind.APPROVAL
        if is_approval:
            wait = self._desk.time_to_decide(ruling) if ruling else timedelta(days=1)
            item = replace(item, expires_at=now + wait)
        uow.work_items.save(replace(item, escalated_at=now, reminded_at=now))
        escalate_to = ruling.meaning.escalate_to if ruling else Meaning().escalate_to
        why = "Nobody decided in time." if is_approval else "The task is overdue."
        self._log.note(
            uow,
            item,
            actor,
            Act.ESCALATED,
            why,
            kind=item.kind,
            people=list(escalate_to.people),
            groups=list(escalate_to.groups),
        )

    def _between_reminders(self, uow: UnitOfWork, item: WorkItem) -> timedelta:
        ruling = self._ruling(uow, item)
        days = ruling.meaning.remind_days if ruling else None
        return timedelta(days=days or self._context.settings.approvals.remind_days)

    def _ruling(self, uow: UnitOfWork, item: WorkItem) -> Ruling | None:
        try:
            return self._context.policy.rule_on(item.entitlement, uow.mirror.catalogue())
        except InvalidRequestError:
            return None  # The profile or group is gone from DocuSign.
