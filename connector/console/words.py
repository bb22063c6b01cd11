"""Names of states, actors and events in plain English."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from connector.domain.audit.events import AuditEvent
from connector.domain.audit.telling import told_first_user
from connector.domain.audit.titles import TITLES, event_title
from connector.domain.consent.state import ConsentRecord, ConsentState
from connector.domain.diagnosis.trouble import Trouble
from connector.domain.erasure import told_left_out
from connector.domain.model import MembershipStatus
from connector.domain.work_items.history import Act
from connector.services.browsing.browser import steps_of
from connector.services.browsing.views import EventPage
from connector.services.consent.links import Verdict

_ACTORS = {"client": "{} (SCIM client)", "job": "the job “{}”", "user": "{}", "address": "{}"}
_STATES = {
    "open": "open",
    "awaiting_verification": "awaiting verification",
    **{str(status): status.in_words for status in MembershipStatus},
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
    """Return what somebody did to a work item, on its own page."""
    if act == Act.OPENED:
        return "Opened"
    return TITLES.get(f"work_item.{act}", str(act).replace("_", " ").capitalize())


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


def told(page: EventPage) -> Sequence[tuple[AuditEvent, str, Markup]]:
    """Return events with their titles and the most telling part of their data."""
    return [(event, event_title(event), _detail(event, page)) for event in page.events]


def _detail(event: AuditEvent, page: EventPage) -> Markup:
    data: Mapping[str, Any] = event.data
    if steps := steps_of(event, page.about):
        return with_quiet_ids(lead("; ".join(step.describe(page.names) for step in steps)))
    if left_out := told_left_out(data):
        return Markup.escape(left_out)
    if first := told_first_user(event):
        return Markup.escape(first)
    if "path" in data:
        answer = data.get("status") or data.get("error") or ""
        call = f"{data.get('method', '')} {data['path']} {answer}".strip()
        why = data.get("reason")
        return Markup.escape(f"{call}: {why}" if why else call)
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
