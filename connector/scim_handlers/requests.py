"""What became of a request that was answered 202: read from the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord, PlanState
from connector.scim_handlers.errors import translated
from connector.scim_handlers.ports import Application, actor_of
from connector.services.mirror.presentation import DOCUSIGN
from scim.datetimes import format_datetime
from scim.errors import NotFound
from scim.handlers import RequestContext

REQUEST_SCHEMA = f"{DOCUSIGN}Request"


class RequestStatus:
    """Answers ``GET /Requests/{transaction}``."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def get(self, context: RequestContext, transaction: str) -> Mapping[str, Any]:
        """Return the state of a request of the caller's own.

        :raises NotFound: the caller made no such request.
        :raises ScimError: the database cannot be used just now, or the id cannot be.
        """
        services = self._application.tenant(context.caller.tenant)
        unknown = NotFound(f"There is no request {transaction}.")
        try:
            with translated(), services.context.read() as uow:
                plan, operations = uow.plans.get(transaction)
        except NotFound as error:
            raise unknown from error
        if plan.requester != actor_of(context).name:
            raise unknown
        document = _document(plan, operations, context.base_url)
        if "read" not in context.caller.scopes and plan.state is not PlanState.FAILED:
            # In words and names it tells what there was before.
            document.pop("detail", None)
        return document


def _document(
    plan: PlanRecord, operations: Sequence[OperationRecord], base_url: str
) -> dict[str, Any]:
    told = {
        "detail": _detail(plan, operations),
        "resource": _location(plan, base_url),
        "finishedAt": format_datetime(plan.finished_at) if plan.finished_at else None,
    }
    return {
        "schemas": [REQUEST_SCHEMA],
        "id": plan.plan_id,
        "status": _STATUS.get(plan.state, "pending"),
        "resourceType": plan.subject_kind,
        "requestedAt": format_datetime(plan.created_at),
        **{name: value for name, value in told.items() if value},
        "meta": {"resourceType": "Request", "location": f"{base_url}/Requests/{plan.plan_id}"},
    }


_STATUS = {PlanState.DONE: "done", PlanState.FAILED: "failed"}


def _detail(plan: PlanRecord, operations: Sequence[OperationRecord]) -> str:
    """Return what a person wants to know: why it failed or waits."""
    errors = [item.error for item in operations if item.error and item.finished_at]
    if plan.state is PlanState.FAILED and errors:
        return "; ".join(errors)
    if reason := plan.context.get("error"):
        return str(reason)
    if any(item.state is OperationState.WAITING for item in operations):
        return f"{plan.summary} (waits for a person)"
    waits = [item.error for item in operations if item.error]
    return f"{plan.summary} ({waits[-1]})" if waits and not plan.finished_at else plan.summary


def _location(plan: PlanRecord, base_url: str) -> str | None:
    if plan.subject_id is None or plan.context.get("delete"):
        return None
    return f"{base_url}/{plan.subject_kind}s/{plan.subject_id}"
