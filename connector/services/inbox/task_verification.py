"""Whether manual tasks were done, as DocuSign shows it: a task closes by itself once it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from connector.domain.mirror.merge import merge_member
from connector.domain.model import User, parse_scim_id
from connector.domain.policy.entitlement_rules import VERIFIED_BY_API, VERIFY_ORGANIZATION_ADMIN
from connector.domain.work_items.items import (
    OPEN_STATES,
    Direction,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.errors import NotFoundError
from connector.ports import UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.mirror.writer import MirrorWriter
from connector.services.targeted_aggregation.refresh import is_confirmed
from connector.services.work.log import WorkItemLog

_log = structlog.get_logger(__name__)


class TaskVerification:
    """Looks into DocuSign for the manual tasks of one tenant, in both directions: a grant is done
    once the access is there, a revocation once it is gone."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter, log: WorkItemLog) -> None:
        self._context = context
        self._mirror = mirror
        self._log = log

    def verify(self, work_item_id: str, actor: Actor) -> WorkItem:
        """Look into DocuSign whether an open task was done, and close it if so.

        :raises TemporaryError: DocuSign cannot be asked now.
        """
        with self._context.read() as uow:
            item = uow.work_items.get(work_item_id)
        is_task = item.kind is WorkItemKind.MANUAL_TASK
        if not item.state.is_open or not is_task or item.verification not in VERIFIED_BY_API:
            return item
        asked_at = self._context.clock.now()
        person = self._read_person(item)
        with self._context.write() as uow:
            item = uow.work_items.get(item.work_item_id)
            if item.state.is_open:
                item = self._record_check(uow, item, person, actor, asked_at)
            uow.commit()
        return item

    def verify_all(self, actor: Actor) -> Mapping[str, int]:
        """Check every open task that an API can verify; return counts by outcome."""
        counts = {"checked": 0, "closed": 0, "failed": 0}
        for item in self._open_tasks():
            if item.verification not in VERIFIED_BY_API:
                continue
            counts["checked"] += 1
            try:
                after = self.verify(item.work_item_id, actor)
            except Exception:  # noqa: BLE001
                # One task that cannot be checked must not keep the others waiting.
                _log.warning("task not checked", work_item=item.work_item_id, exc_info=True)
                counts["failed"] += 1
            else:
                counts["closed"] += not after.state.is_open
        return counts

    def _open_tasks(self) -> Sequence[WorkItem]:
        with self._context.read() as uow:
            return uow.work_items.search(states=OPEN_STATES, kind=WorkItemKind.MANUAL_TASK)

    def _read_person(self, item: WorkItem) -> User | None:
        with self._context.read() as uow:
            user = uow.mirror.get_users([item.subject_id])[item.subject_id]
        if item.verification != VERIFY_ORGANIZATION_ADMIN:
            account_id = parse_scim_id(item.entitlement).account_id
            try:
                return self._context.directory.get_member(account_id, user.user_id)
            except NotFoundError:
                return None
        people = self._context.directory.get_people(user.email)
        return next((found for found in people if found.user_id == user.user_id), None)

    def _record_check(
        self,
        uow: UnitOfWork,
        item: WorkItem,
        person: User | None,
        actor: Actor,
        asked_at: datetime,
    ) -> WorkItem:
        """Write down what DocuSign showed, into the task and the mirror."""
        now = self._context.clock.now()
        seen = _holds(person, item) if person is not None else None
        was = "was " if seen is None else ""
        before, told = item.last_check, f"DocuSign: the user {was}{_seen(item, seen)}"
        item = replace(item, last_checked_at=now, last_check=told)
        done = seen is (item.direction is Direction.GRANT)
        # A clock asks hundreds of times while a task is open: what it found again is no event.
        if done or told != before or actor.source != "job":
            facts = {"work_item": item.work_item_id, "entitlement": item.entitlement}
            facts |= {"result": _seen(item, seen), "direction": item.direction}
            self._context.audit(uow, actor, "work_item.checked", item.subject_id, **facts)
        if done:
            item = self._log.close(uow, item, WorkItemState.DONE, actor, "")
        else:
            uow.work_items.save(item)
        known = uow.mirror.get_users([item.subject_id])[item.subject_id]
        if person is None:
            return item
        if item.verification != VERIFY_ORGANIZATION_ADMIN:
            self._mirror.put_users(uow, [merge_member(known, person)], asked_at=asked_at)
        elif done or not is_confirmed(known, person, now):
            noted = replace(known, is_organization_admin=seen, organization_admin_verified_at=now)
            self._mirror.put_users(uow, [noted])
        return item


def _holds(person: User, item: WorkItem) -> bool | None:
    # A role of the tenant's own may be that of administering the organization.
    if item.verification == VERIFY_ORGANIZATION_ADMIN:
        return person.is_organization_admin
    return item.entitlement in person.entitlements()


def _seen(item: WorkItem, seen: bool | None) -> str:
    if seen is None:
        return "not found"
    if item.verification == VERIFY_ORGANIZATION_ADMIN:
        return f"is {'an' if seen else 'no'} organization administrator"
    return "has it" if seen else "does not have it"
