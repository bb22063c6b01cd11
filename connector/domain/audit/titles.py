"""What the events of the audit are called."""

from __future__ import annotations

from collections.abc import Mapping

from connector.domain.audit.events import AuditEvent
from connector.domain.work_items.items import WorkItemKind

TITLES: Mapping[str, str] = {
    "request.received": "Asked over SCIM",
    "request.refused": "A request was refused",
    "plan.recorded": "A change was planned",
    "plan.queued": "The change waits until DocuSign can be reached",
    "plan.delayed": "The change has waited for DocuSign for long",
    "plan.failed": "The change failed",
    "changes.delayed": "Accepted changes have waited for DocuSign for long",
    "operation.done": "Carried out in DocuSign",
    "operation.undone": "Undone in DocuSign",
    "operation.skipped": "Left out: DocuSign did not take it",
    "user.doubled": "DocuSign made a second user of somebody known",
    "group.gone": "A group is gone from DocuSign",
    "docusign.called": "DocuSign was called",
    "work_item.checked": "Looked into DocuSign",
    "work_item.opened": "An approval or a task was opened",
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
    "work_item.refused": "Tried to decide, and may not",
    "work_item.missed": "Decided too late, or about what had changed",
    "work_item.replanned": "Planned again, because something changed",
    "work_item.reminded": "A reminder was sent",
    "work_item.escalated": "Escalated",
    "work_item.closed": "Closed",
    "work_item.done": "Confirmed and closed",
    "work_item.rejected": "Rejected",
    "work_item.superseded": "Superseded",
    "work_item.expired": "Expired",
    "work_item.withdrawn": "Withdrawn",
    "delegation.made": "An absence was entered",
    "delegation.ended": "An absence was ended",
    "erasure.requested": "An erasure was asked for",
    "erasure.confirmed": "An erasure was confirmed",
    "erasure.refused": "An erasure was not confirmed",
    "erasure.withdrawn": "An erasure was taken back",
    "erasure.waits": "An erasure waits for DocuSign",
    "drift.baseline": "Taken as it is, for a baseline",
    "drift.detected": "A difference was found in DocuSign",
    "drift.found": "New differences from what is expected",
    "drift.held_back": "Not reverted: a person has to look first",
    "drift.accepted": "A difference was accepted",
    "drift.reverting": "A difference is being put right",
    "drift.reverted": "A difference was put right",
    "drift.gone": "It is no difference any more",
    "drift.adopted": "Taken over by governance",
    "organization_admin.unexpected": "Became organization administrator in DocuSign itself",
    "sync.done": "A sync ended",
    "sync.waiting": "A sync waits for calls to DocuSign",
    "sync.failed": "A sync failed",
    "job.failed": "A job failed",
    "job.recovered": "A job works again",
    "job.paused": "A job was paused",
    "job.resumed": "A job runs again at its time",
    "account_setup.applied": "An account's set-up was applied",
    "account.forgotten": "The account is governed no longer",
    "organization.forgotten": "The organization is governed no longer",
    "client.configured": "API client configured",
    "client.revoked": "API client revoked",
    "client.rotated": "API client's token exchanged",
    "client.added": "API client added",
    "client.throttled": "API client made to wait",
    "console.signed_in": "Signed in to the console",
    "console.acted_as": "Acted at a shell as a console account",
    "console.signed_out": "Signed out",
    "console.sessions_ended": "Sessions of the console were ended",
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
    "consent.lost": "Consent is missing or was revoked",
    "consent.granted": "DocuSign gives tokens again",
    "consent.invited": "Asked to agree in DocuSign",
    "connection.refused": "DocuSign refuses the connector",
    "connection.begun": "A link to connect DocuSign was made",
    "connection.made": "DocuSign was connected",
    "connection.failed": "Connecting DocuSign failed",
    "connection.expires": "The connection to DocuSign ends soon",
    "connection.removed": "The connection to DocuSign was removed",
    "connection.account_chosen": "The connection's account was chosen",
    "tenant.added": "The tenant was added",
    "tenant.changed": "The tenant's settings changed",
    "tenant.suspended": "The tenant was suspended",
    "tenant.resumed": "The tenant is served again",
    "tenant.resealed": "The tenant's secrets were sealed anew",
    "tenant.forgotten": "The tenant was taken out of the database; its data stay",
    "tenant.removal_began": "The tenant's removal began",
    "tenant.removed": "The tenant and its data were removed",
    "configuration.changed": "The configuration changed",
    "database.restored": "The database was restored from a backup",
    "database.released": "After a backup was restored, nothing is held back any more",
    "audit.erased": "Personal data was erased",
    "audit.anchored": "The audit was anchored",
    "audit.broken": "The audit does not agree with its last anchor",
    "notification.replayed": "A notification is sent again",
    "probe.begun": "A probe of DocuSign began",
    "probe.done": "A probe of DocuSign ended",
    "probe.cleaned_up": "What a probe had made was removed",
}
"""By action, in words for people. Every action that is recorded has one."""

APPROVAL_CLOSED = "The approval was closed"
"""Of ``work_item.done`` where it is an approval: its plan is done, or left to a person."""
_OPENED = {
    WorkItemKind.APPROVAL: "An approval was asked for",
    WorkItemKind.MANUAL_TASK: "A task was opened",
}


def event_title(event: AuditEvent) -> str:
    """Return what an event is, in words."""
    kind = event.data.get("kind")
    if event.action == "work_item.opened" and kind in _OPENED:
        return _OPENED[WorkItemKind(kind)]
    if event.action == "work_item.done" and kind == WorkItemKind.APPROVAL:
        return APPROVAL_CLOSED
    if event.action == "work_item.released" and "checksum" in event.data:
        return TITLES["work_item.decided"]  # Its name before; a released task has no plan.
    return TITLES.get(event.action, event.action.replace(".", ": ").replace("_", " "))
