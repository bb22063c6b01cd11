"""Makes the task about a change that was accepted for later and refused when its turn came.

Whoever sent it was told that it is accepted, and may never look again: a person has to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import orjson

from connector.domain.ledger.plans import PlanRecord
from connector.domain.policy.entitlement_rules import VERIFY_WORD
from connector.domain.work_items.items import (
    REFUSED,
    Direction,
    WorkItem,
    WorkItemKind,
    WorkItemState,
)
from connector.domain.writing import tidy
from connector.ports import GROUP, UnitOfWork
from connector.services.context import TenantContext, new_id
from connector.services.queued_requests import QUEUED_REQUEST, TO_BE_PLANNED, path_of

_ACTS = {"POST": "create", "DELETE": "delete"}
_UNTOLD = frozenset({"password", "schemas"})
"""Attributes that no task repeats."""


def task_about(uow: UnitOfWork, context: TenantContext, plan: PlanRecord, reason: str) -> WorkItem:
    """Return the task about an accepted change as it was before it ended.

    :param reason: why it was refused, and what could not be undone.
    """
    request = plan.context.get(QUEUED_REQUEST) or {}
    whom, user_id = _whom(uow, plan, request)
    act = _ACTS.get(str(request.get("method")), "change")
    now = context.clock.now()
    days = context.settings.provisioning.manual_task_due_days
    return WorkItem(
        work_item_id=new_id(),
        kind=WorkItemKind.MANUAL_TASK,
        subject_id=user_id,
        entitlement=f"{REFUSED}{plan.plan_id}",
        direction=Direction.REVOKE,
        state=WorkItemState.OPEN,
        title=f"Accepted, then refused when its turn came: {act} {whom}",
        instructions=_steps(plan, request, reason),
        deep_link=None,
        plan_id=plan.plan_id,
        operation_id="",
        requester=plan.requester,
        created_at=now,
        due_at=now + timedelta(days=days),
        verification=VERIFY_WORD,
        rule="no accepted change is dropped in silence",
    )


def _whom(uow: UnitOfWork, plan: PlanRecord, request: Mapping[str, Any]) -> tuple[str, str]:
    """Return in words what the change is of, and the id of the user, if it is one."""
    if plan.subject_kind == GROUP:
        known = uow.mirror.catalogue().find(plan.subject_id or "")
        name = known.name if known else _said(request, "displayName") or plan.subject_id
        return f"the group {name}", ""
    user = uow.mirror.get_users([plan.subject_id]).get(plan.subject_id) if plan.subject_id else None
    if user is not None:
        return f"{user.user_name} <{user.email}>", user.user_id
    return f"the user {_said(request, 'userName') or plan.subject_id}", plan.subject_id or ""


def _said(request: Mapping[str, Any], attribute: str) -> str:
    """Return an attribute of the request's body; names of attributes have no case."""
    data = request.get("data")
    found = data.items() if isinstance(data, Mapping) else ()
    return next((str(value) for name, value in found if name.lower() == attribute.lower()), "")


def _steps(plan: PlanRecord, request: Mapping[str, Any], reason: str) -> tuple[str, ...]:
    asked_for = f"{request.get('method')} {path_of(request)}" if request else plan.summary
    data = _told(request.get("data"))
    body = f" with {orjson.dumps(data).decode()}" if data else ""
    is_planned = request and not plan.summary.endswith(TO_BE_PLANNED)
    return (
        f"Refused because: {tidy(reason)}",
        tidy(f"Asked for: {asked_for}{body}"),
        *((f"That was to: {tidy(plan.summary)}",) if is_planned else ()),
        f"{plan.requester} was told that it is accepted. Find out whether it is still wanted.",
        "If it is, remove what stood in the way and have it sent again, or do it in DocuSign.",
        "Complete this task and say how it ended; reject it with the reason if nothing is wanted.",
    )


def _told(value: Any) -> Any:
    """Return what a request says, without what nobody has to read."""
    if isinstance(value, Mapping):
        kept = {key: _told(item) for key, item in value.items() if key.lower() not in _UNTOLD}
        # A PATCH may name the attribute beside its value.
        is_untold = str(value.get("path", "")).rpartition(":")[2].lower() in _UNTOLD
        return {**kept, "value": "…"} if is_untold else kept
    if isinstance(value, list):
        return [_told(item) for item in value]
    return value
