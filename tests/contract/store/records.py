"""Ledger records for the tests of the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from connector.domain.audit.events import AuditEvent
from connector.domain.authentication.api_clients import ApiClient, ApiToken, Scope
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Expected, ExpectedMembership, Origin
from connector.domain.drift.findings import Finding, FindingState
from connector.domain.drift.remedies import Remedy
from connector.domain.erasure import Erasure, ErasureState
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.ledger.plans import (
    Fulfilment,
    OperationRecord,
    OperationState,
    PlanRecord,
    PlanState,
)
from connector.domain.ledger.resources import Provenance, Tombstone
from connector.domain.mirror.hints import Hint, HintSource
from connector.domain.notifications import Delivery, DeliveryState, Notice
from connector.domain.plan import Person, SetProfile
from connector.domain.work_items.items import Direction, WorkItem, WorkItemKind, WorkItemState
from connector.ports import USER
from tests.contract.store.people import ACCOUNT, NOW


def plan(plan_id: str = "plan-1", **changes: Any) -> PlanRecord:
    """Return an open plan of ``user-00001``."""
    made = PlanRecord(
        plan_id=plan_id,
        subject_kind=USER,
        subject_id="user-00001",
        requester="client:iiq",
        source="scim",
        correlation_id="c1",
        state=PlanState.OPEN,
        checksum="0" * 64,
        created_at=NOW,
        summary="one line",
        context={"external_id": "e"},
    )
    return replace(made, **changes)


def operation(operation_id: str = "op-1", plan_id: str = "plan-1", **changes: Any) -> Any:
    """Return a planned operation."""
    made = OperationRecord(
        operation_id=operation_id,
        plan_id=plan_id,
        position=0,
        operation=SetProfile(ACCOUNT, "user-00001", "2", "1"),
        fulfilment=Fulfilment.AUTOMATIC,
        state=OperationState.PLANNED,
    )
    return replace(made, **changes)


def work_item(work_item_id: str = "item-1", **changes: Any) -> WorkItem:
    """Return an open manual task."""
    made = WorkItem(
        work_item_id=work_item_id,
        kind=WorkItemKind.MANUAL_TASK,
        subject_id="user-00001",
        entitlement="organization-admin",
        direction=Direction.GRANT,
        state=WorkItemState.OPEN,
        title="Grant it",
        instructions=("Open the page.", "Press the button."),
        deep_link=None,
        plan_id="plan-1",
        operation_id="op-1",
        requester="client:iiq",
        created_at=NOW,
        due_at=NOW + timedelta(days=5),
        verification="organization_admin",
    )
    return replace(made, **changes)


def client(client_id: str = "iiq", **changes: Any) -> ApiClient:
    """Return a client that may read and write."""
    scopes = frozenset({Scope.READ, Scope.WRITE})
    made = ApiClient(client_id, scopes, NOW, external_id_scope=client_id, settings={"page": 5})
    return replace(made, **changes)


def token(token_id: str = "token-1", **changes: Any) -> ApiToken:
    """Return a token of :func:`client`."""
    return replace(ApiToken(token_id, "iiq", token_hash="ab" * 32, created_at=NOW), **changes)


def tombstone(scim_id: str = "user-00001", **changes: Any) -> Tombstone:
    """Return the deletion of a user."""
    made = Tombstone(USER, scim_id, "person1@example.com", {"iiq": "e1"}, NOW, "client:iiq")
    return replace(made, **changes)


def provenance(entitlement: str = "role") -> Provenance:
    """Return why ``user-00001`` holds an entitlement."""
    return Provenance("user-00001", entitlement, "plan-1", "client:iiq", "scim", NOW)


def event(action: str = "plan.recorded", **changes: Any) -> AuditEvent:
    """Return an event that is not yet appended, with a part that names a person."""
    data = {"plan": "plan-1", "operation": {"kind": "x", "email": "ä@example.com"}}
    made = AuditEvent(NOW, "client:iiq", action, "user-00001", "c1", data)
    return replace(made, **changes)


def delivery(**changes: Any) -> Delivery:
    """Return a delivery that waits."""
    made = Delivery(
        delivery_id="delivery-1",
        notice=Notice.TASK_OPENED,
        channel="mail",
        recipient="",
        about="item-1",
        subject_id="user-00001",
        payload={"work_item": "item-1"},
        state=DeliveryState.WAITING,
        created_at=NOW,
        next_attempt_at=NOW,
        record="https://tickets.example/1",
    )
    return replace(made, **changes)


def erasure(**changes: Any) -> Erasure:
    """Return a request to be forgotten."""
    made = Erasure("erasure-1", "user-00001", ErasureState.REQUESTED, "letter", "user:ann", NOW)
    return replace(made, **changes)


def run(run_id: str = "run-1", **changes: Any) -> JobRun:
    """Return a running job."""
    made = JobRun(run_id, "sync", RunState.RUNNING, NOW, {"position": 5}, {"users": 7})
    return replace(made, **changes)


def hint(**changes: Any) -> Hint:
    """Return a hint at ``user-00001``."""
    return replace(Hint(ACCOUNT, "user-00001", HintSource.LIST, NOW), **changes)


def expected(user_id: str = "user-00001", **changes: Any) -> Expected:
    """Return what is expected of somebody with one profile and one group."""
    held = {ACCOUNT: ExpectedMembership(True, "1", frozenset({"1"}))}
    person = Person("person1@example.com", "Person One", "Person", "One")
    return replace(Expected(user_id, person, held, origin=Origin.PROVISIONED, since=NOW), **changes)


def finding(finding_id: str = "finding-1", **changes: Any) -> Finding:
    """Return an open finding about ``user-00001``."""
    made = Finding(
        finding_id=finding_id,
        drift_key=f"native_grant|user-00001|{ACCOUNT}",
        kind=DriftKind.NATIVE_GRANT,
        subject_kind="User",
        subject_id="user-00001",
        account_id=ACCOUNT,
        entitlement=f"{ACCOUNT}.2",
        attribute="profile",
        expected={"profile": "1"},
        actual={"profile": "2"},
        state=FindingState.OPEN,
        remedy=Remedy.REPORT,
        first_seen_at=NOW,
        last_seen_at=NOW,
        first_run_id="run-1",
        last_run_id="run-1",
        evidence={"granted": []},
        suggestion=[{"kind": "set_profile"}],
    )
    return replace(made, **changes)
