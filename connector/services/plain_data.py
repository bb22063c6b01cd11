"""Records as plain data: the JSON of commands and of the REST API, which thus agree in every name.

A schema of the REST API leaves out what it does not describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connector.domain.authentication.console import PersonalToken
from connector.domain.consent.state import ConsentRecord, ConsentState
from connector.domain.diagnosis import checks
from connector.domain.erasure import Erasure
from connector.domain.ledger.job_runs import JobRun
from connector.domain.model import User
from connector.domain.notifications import Delivery
from connector.domain.tenants.records import TenantRecord
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Evidence, WorkItemEvent
from connector.domain.work_items.items import WorkItem
from connector.services.browsing.views import Labels
from connector.services.consent.checks import ConsentLine
from connector.services.drift.desk import FindingView
from connector.services.people import Addresses
from connector.services.rules.policy import Explained, Simulation, in_words
from connector.services.work.leavers import Succession

Data = dict[str, Any]


def explained_data(found: Explained) -> Data:
    """Return which rule counts for somebody and an entitlement."""
    ruling, meaning = found.ruling, found.ruling.meaning
    return {
        "user": found.user.email,
        "user_id": found.user.user_id,
        "entitlement": ruling.target.scim_id,
        "name": ruling.target.title,
        "rule": ruling.rule,
        "fulfilment": meaning.fulfilment,
        "in_words": in_words(meaning),
        "risk": meaning.risk,
        "owner": meaning.owner,
        "manager": found.manager,
        "held": found.is_held,
        "waits": found.waits,
        "passed_over": list(found.passed_over),
    }


def succession_data(found: Succession) -> Data:
    """Return what becomes of what somebody owns in an account when they leave."""
    return {
        "to": found.heir.email if found.heir else None,
        "to_id": found.heir.user_id if found.heir else None,
        "transfer_rule": found.transfer_rule,
        "custody_task": found.custody_task,
        "rule": found.rule,
        "has_left": found.is_over,
        "in_words": found.in_words(),
    }


def simulation_data(found: Simulation) -> Data:
    """Return what a changed policy would have done."""
    return {
        "requests": found.requests,
        "grants": found.grants,
        "gone": found.unknown,
        "before": dict(found.before),
        "after": dict(found.after),
        "warnings": list(found.warnings),
        "differences": [
            {
                "at": item.plan.created_at,
                "plan_id": item.plan.plan_id,
                "user": item.user,
                "entitlement": item.target.scim_id,
                "before": item.before,
                "after": item.after,
                "rule": item.rule,
            }
            for item in found.differences
        ],
    }


def diagnosis_data(found: checks.Diagnosis) -> Data:
    """Return what the doctor found."""
    return {
        "tenant": found.tenant,
        "result": found.result,
        "findings": [_diagnosed(item) for item in found.findings],
    }


def _diagnosed(item: checks.Finding) -> Data:
    problem = item.problem
    return {
        "check": item.check_id,
        "result": item.result,
        "subject": item.subject,
        "subject_name": item.subject_name or None,
        "found": item.found,
        "problem": problem.code if problem else None,
        "cause": problem.cause if problem else None,
        "remedy": problem.remedy if problem else None,
        "link": item.link or None,
        "evidence": item.evidence or None,
    }


def consent_data(record: ConsentRecord | None) -> Data:
    """Return what is known of a consent."""
    return {
        "state": record.state if record else ConsentState.UNKNOWN,
        "cause": record.cause if record else "",
        "said": record.said if record else "",
        "missing": sorted(record.missing) if record else [],
        "since": record.since if record else None,
        "checked_at": record.checked_at if record else None,
    }


def user_consent_data(line: ConsentLine) -> Data:
    """Return whether a user can be impersonated."""
    return {
        **consent_data(line.record),
        "user_id": line.user_id,
        "email": line.email,
        "claimed_domain": line.record.in_claimed_domain,
    }


def finding_data(view: FindingView) -> Data:
    """Return a finding of drift with its evidence."""
    item = view.finding
    return {
        "id": item.finding_id,
        "kind": item.kind,
        "title": view.title,
        "subject_kind": item.subject_kind,
        "subject_id": item.subject_id,
        "account_id": item.account_id or None,
        "entitlement": item.entitlement or None,
        "attribute": item.attribute or None,
        "expected": dict(item.expected),
        "docusign": dict(item.actual),
        "state": item.state,
        "policy": item.remedy,
        "first_seen_at": item.first_seen_at,
        "last_seen_at": item.last_seen_at,
        "evidence": dict(item.evidence),
        "suggested_plan": list(view.steps),
        "decided_by": item.decided_by,
        "decided_at": item.decided_at,
        "reason": item.reason,
        "plan_id": item.plan_id,
        "problem": item.problem,
        "closed_at": item.closed_at,
    }


def work_item_data(item: WorkItem) -> Data:
    """Return an approval or a manual task, without the names of whom and what it is about."""
    return {
        "id": item.work_item_id,
        "kind": item.kind,
        "state": item.state,
        "title": item.title,
        "user_id": item.subject_id,
        "entitlement": item.entitlement,
        "direction": item.direction,
        "risk": item.risk,
        "owner": item.owner,
        "rule": item.rule,
        "requester": item.requester,
        "assignee": item.assignee,
        "verification": item.verification,
        "instructions": list(item.instructions),
        "deep_link": item.deep_link,
        "created_at": item.created_at,
        "due_at": item.due_at,
        "expires_at": item.expires_at,
        "checksum": item.checksum,
        "completed_by": item.completed_by,
        "last_checked_at": item.last_checked_at,
        "last_check": item.last_check,
        "closed_at": item.closed_at,
        "closed_by": item.closed_by,
        "comment": item.comment,
    }


def named_item_data(item: WorkItem, person: User | None, labels: Labels) -> Data:
    """Return a work item with the names of whom and what it is about."""
    return {
        **work_item_data(item),
        "subject": subject_data(item.subject_id, person),
        "entitlement": {
            "id": item.entitlement,
            "name": labels.entitlement(item.entitlement),
        },
    }


def subject_data(user_id: str, person: User | None) -> Data:
    """Return whom something is about; of somebody unknown, the id alone."""
    if person is None:
        return {"id": user_id, "name": "", "email": ""}
    return {"id": user_id, "name": person.user_name, "email": person.email}


def event_data(event: WorkItemEvent) -> Data:
    """Return a line of the history of a work item."""
    return {"at": event.at, "actor": event.actor, "act": event.act, "comment": event.comment}


def evidence_data(file: Evidence) -> Data:
    """Return a file that shows that a task was done, without its content."""
    return {
        "id": file.evidence_id,
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "added_by": file.added_by,
        "added_at": file.added_at,
    }


def delegation_data(item: Delegation, now: datetime) -> Data:
    """Return who decides for whom, and whether now."""
    return {
        "id": item.delegation_id,
        "delegator": item.delegator,
        "delegate": item.delegate,
        "starts_at": item.starts_at,
        "ends_at": item.ends_at,
        "reason": item.reason,
        "created_by": item.created_by,
        "in_force": item.is_in_force(now),
        "ended_at": item.revoked_at,
    }


def token_data(item: PersonalToken) -> Data:
    """Return a personal token without its text, which nobody knows any more."""
    return {
        "id": item.token_id,
        "login": item.login,
        "name": item.name,
        "roles": sorted(item.roles),
        "created_at": item.created_at,
        "created_by": item.created_by,
        "expires_at": item.expires_at,
        "last_used_at": item.last_used_at,
        "revoked_at": item.revoked_at,
    }


def run_data(run: JobRun) -> Data:
    """Return a run of a job."""
    return {
        "id": run.run_id,
        "job": run.job,
        "state": run.state,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "duration_s": run.duration_s,
        "started_by": run.started_by,
        "calls": run.calls,
        "counts": dict(run.counts),
        "done": run.done,
        "total": run.total,
        "error": run.error,
        "correlation_id": run.correlation_id,
    }


def delivery_data(item: Delivery) -> Data:
    """Return a message to somebody."""
    return {
        "id": item.delivery_id,
        "notice": item.notice,
        "channel": item.channel,
        "recipient": item.recipient,
        "about": item.about,
        "state": item.state,
        "created_at": item.created_at,
        "next_attempt_at": item.next_attempt_at,
        "finished_at": item.finished_at,
        "attempts": item.attempts,
        "error": item.error,
        "record": item.record or None,
    }


def erasure_data(item: Erasure) -> Data:
    """Return an erasure and how far it is."""
    return {
        "id": item.erasure_id,
        "subject_id": item.subject_id,
        "state": item.state,
        "reason": item.reason,
        "requested_by": item.requested_by,
        "requested_at": item.requested_at,
        "confirmed_by": item.confirmed_by,
        "confirmed_at": item.confirmed_at,
        "outcomes": dict(item.outcomes),
        "error": item.error,
        "finished_at": item.finished_at,
    }


def erasure_preview(item: Erasure, addresses: Addresses) -> Data:
    """Return an erasure with the addresses that it goes by."""
    return {
        **erasure_data(item),
        "addresses": sorted(addresses.own),
        "recycled_addresses": sorted(addresses.recycled),
    }


def tenant_data(record: TenantRecord, settings: Mapping[str, Any]) -> Data:
    """Return a tenant.

    :param settings: its own, secrets masked.
    """
    return {
        "name": record.name,
        "state": record.state,
        "reason": record.reason,
        "revision": record.revision,
        "settings": settings,
        "created_at": record.created_at,
        "created_by": record.created_by,
        "changed_at": record.changed_at,
        "changed_by": record.changed_by,
    }
