"""Names of states, actors and events in plain English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from connector.domain.audit.events import AuditEvent
from connector.domain.consent.state import ConsentRecord, ConsentState
from connector.domain.diagnosis.trouble import Trouble
from connector.services.browsing.browser import steps_of
from connector.services.browsing.views import EventPage
from connector.services.consent.links import Verdict

_ACTORS = {"client": "{} (SCIM client)", "job": "the job “{}”", "user": "{}", "address": "{}"}
_STATES = {
    "open": "open",
    "awaiting_verification": "awaiting verification",
    "activation_sent": "invited",
    "activation_required": "must activate",
    "superseded": "superseded",
    "queued_change": "waits for DocuSign",
    "manual_task": "manual task",
}
_TONES = {
    "good": {"active", "done", "granted", "ok", "success", "already_redacted"},
    "wait": {
        "open",
        "requested",
        "confirmed",
        "pending",
        "approved",
        "awaiting_verification",
        "activation_sent",
        "activation_required",
        "queued",
        "running",
        "medium",
        "planned",
        "in_flight",
        "waiting",
        "partial",
        "warning",
    },
    "bad": {
        "failed",
        "failure",
        "missing",
        "refused",
        "rejected",
        "high",
        "critical",
        "overdue",
        "expired",
        "denied",
    },
}
_ACTIONS = {
    "plan.recorded": "A change was planned",
    "plan.queued": "The change waits until DocuSign can be reached",
    "plan.delayed": "The change has waited for DocuSign for long",
    "changes.delayed": "Accepted changes have waited for DocuSign for long",
    "plan.failed": "The change failed",
    "plan.done": "The change was carried out",
    "operation.done": "Carried out in DocuSign",
    "operation.undone": "Undone in DocuSign",
    "request.received": "Asked over SCIM",
    "request.refused": "A request was refused",
    "work_item.checked": "Looked into DocuSign",
    "work_item.verified": "Looked into DocuSign",
    "audit.erased": "Personal data was erased",
    "erasure.requested": "An erasure was asked for",
    "erasure.confirmed": "An erasure was confirmed",
    "erasure.refused": "An erasure was not confirmed",
    "erasure.withdrawn": "An erasure was taken back",
    "erasure.waits": "An erasure waits for DocuSign",
    "client.configured": "API client configured",
    "client.revoked": "API client revoked",
    "client.rotated": "API client's token exchanged",
    "database.restored": "The database was restored from a backup",
    "database.released": "The policy reverts again after a backup was restored",
    "account.forgotten": "The account is governed no longer",
    "organization.forgotten": "The organization is governed no longer",
    "docusign.called": "DocuSign was called",
    "consent.lost": "Consent is missing or was revoked",
    "consent.granted": "DocuSign gives tokens again",
    "connection.refused": "DocuSign refuses the connector",
    "connection.begun": "A link to connect DocuSign was made",
    "connection.made": "DocuSign was connected",
    "connection.failed": "Connecting DocuSign failed",
    "connection.expires": "The connection to DocuSign ends soon",
    "connection.removed": "The connection to DocuSign was removed",
    "connection.account_chosen": "The connection's account was chosen",
    "consent.invited": "Asked to agree in DocuSign",
    "work_item.opened": "Waits for a person",
    "work_item.claimed": "Claimed",
    "work_item.released": "Given back to everybody",
    "work_item.decided": "Enough approved: free to be carried out",
    "work_item.handed_over": "Handed over",
    "work_item.commented": "Commented",
    "work_item.evidence": "Evidence was attached",
    "work_item.completed": "Said to be done",
    "work_item.attested": "Attested by a second person",
    "work_item.approved": "Approved",
    "work_item.denied": "Denied",
    "work_item.refused": "A decision was refused",
    "work_item.replanned": "Planned again, because something changed",
    "work_item.carried_out": "Carried out",
    "work_item.reminded": "A reminder was sent",
    "work_item.escalated": "Escalated",
    "work_item.closed": "Closed",
    "work_item.done": "Confirmed and closed",
    "work_item.rejected": "Rejected",
    "work_item.superseded": "Superseded",
    "work_item.expired": "Expired",
    "console.signed_in": "Signed in to the console",
    "console.signed_out": "Signed out",
    "console.sign_in_refused": "A sign-in was refused",
    "console.throttled": "Too many sign-ins; made to wait",
    "console.account_added": "Console account added",
    "console.account_disabled": "Console account disabled",
    "console.account_enabled": "Console account enabled",
    "console.password_changed": "Console password changed",
    "console.roles_changed": "Console roles changed",
    "console.email_changed": "Console account's address changed",
    "console.token_added": "Access token made",
    "console.token_revoked": "Access token revoked",
    "console.audit_exported": "The audit was exported",
    "sync.done": "A sync ended",
    "sync.waiting": "A sync waits for calls to DocuSign",
    "sync.failed": "A sync failed",
    "job.failed": "A job failed",
    "job.recovered": "A job works again",
    "audit.anchored": "The audit was anchored",
    "account_setup.applied": "An account's set-up was applied",
    "drift.baseline": "Taken as it is, for a baseline",
    "drift.detected": "Found changed in DocuSign itself",
    "drift.found": "New differences from what is expected",
    "drift.held_back": "Not reverted: a person has to look first",
    "drift.accepted": "A difference was accepted",
    "drift.reverting": "A difference is being put right",
    "drift.reverted": "A difference was put right",
    "drift.gone": "DocuSign shows again what is expected",
    "drift.adopted": "Taken over by governance",
    "client.added": "API client added",
    "client.throttled": "API client made to wait",
}
_TOLD = ("summary", "reason", "comment", "result", "description", "address", "subject")
"""What of an event's data stands beside its title, the most telling first."""
_OURS = ("summary", "result")
"""Of these the connector's own sentences; what people wrote is shown as they wrote it."""
_IDS = re.compile(r"\((?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4,})\)")

CONSENT_VERDICTS = {
    Verdict.GRANTED: "Consent works: DocuSign gave a token with every scope.",
    Verdict.PARTIAL: "Consent covers a part of the scopes.",
    Verdict.INEFFECTIVE: "Consent is missing.",
    Verdict.FAILED: "Consent is not what is missing.",
    Verdict.UNVERIFIED: "DocuSign cannot be asked just now.",
}
_CAUSES = {
    Trouble.KEY_REJECTED: "the private key does not belong to the integration key",
    Trouble.ISSUER_UNKNOWN: "the integration key is unknown in this environment",
    Trouble.SUBJECT_UNKNOWN: "the user is not active, or not known",
    Trouble.CLOCK_SKEW: "this machine's clock is wrong",
    Trouble.GRANT_MISSING: "nobody has connected yet",
    Trouble.GRANT_EXPIRED: "somebody has to connect again",
}


def connection_words(record: ConsentRecord | None) -> str:
    """Return what is wrong with the connection, in a sentence; empty where nothing is."""
    if record is None or record.state in (ConsentState.GRANTED, ConsentState.UNKNOWN):
        return ""
    if record.state is ConsentState.PARTIAL:
        missing = ", ".join(sorted(record.missing))
        return f"DocuSign lets the connector in, but consent is missing for {missing}."
    if record.state is ConsentState.MISSING:
        return "DocuSign lets the connector in no longer: consent is missing or was revoked."
    return f"DocuSign gives the connector no token: {cause_words(record.cause)}."


def cause_words(cause: str) -> str:
    """Return why there is no token, in words."""
    return next((words for name, words in _CAUSES.items() if name == cause), cause)


def act_words(act: str) -> str:
    """Return what somebody did to a work item."""
    return _ACTIONS.get(f"work_item.{act}", str(act).replace("_", " ").capitalize())


def actor_words(name: str | None) -> str:
    """Return who it is, without our prefixes: ``client:iga`` is ``iga (SCIM client)``."""
    kind, colon, rest = (name or "").partition(":")
    return _ACTORS[kind].format(rest) if colon and kind in _ACTORS else name or "nobody"


def state_words(state: str) -> str:
    """Return a state in words."""
    return _STATES.get(str(state), str(state).replace("_", " "))


def tone(state: str) -> str:
    """Return the class that colours a state."""
    return next((name for name, states in _TONES.items() if str(state) in states), "calm")


def event_title(event: AuditEvent) -> str:
    """Return what an event is, in words."""
    if event.action == "work_item.released" and "checksum" in event.data:
        return _ACTIONS["work_item.decided"]  # Its name before; a released task has no plan.
    return _ACTIONS.get(event.action, event.action.replace(".", ": ").replace("_", " "))


def told(page: EventPage) -> Sequence[tuple[AuditEvent, str, Markup]]:
    """Return events with their titles and the most telling part of their data."""
    return [(event, event_title(event), _detail(event, page)) for event in page.events]


def _detail(event: AuditEvent, page: EventPage) -> Markup:
    data: Mapping[str, Any] = event.data
    if steps := steps_of(event):
        return with_quiet_ids(lead("; ".join(step.describe(page.names) for step in steps)))
    if "path" in data:
        answer = data.get("status") or data.get("error") or ""
        return Markup.escape(f"{data.get('method', '')} {data['path']} {answer}".strip())
    name = next((name for name in _TOLD if data.get(name)), "")
    said = str(data[name]) if name else ""
    if entitlement := data.get("entitlement"):
        label = page.labels.entitlement(str(entitlement))
        return Markup.escape(f"{label}: {said}" if said and said != label else label)
    return with_quiet_ids(lead(said)) if name in _OURS else Markup.escape(said)


def with_quiet_ids(text: str) -> Markup:
    """Return a sentence in which the ids beside names stand back."""
    text = text.replace(" -> ", " \N{RIGHTWARDS ARROW} ")
    parts, end = Markup(""), 0
    for found in _IDS.finditer(text):
        before = text[end : found.start()]
        parts += Markup('{}<span class="id">{}</span>').format(before, found[0])
        end = found.end()
    return parts + Markup.escape(text[end:])


def lead(text: str) -> str:
    """Return a sentence with a capital at its beginning, the rest as it is."""
    return text[:1].upper() + text[1:]
