"""What is told to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.settings.secret import Secret


@dataclass(frozen=True)
class SmtpSettings:
    """The mail server."""

    host: str = ""
    """Empty: no e-mail is sent."""
    port: int = 587
    security: str = "starttls"
    """``starttls``, ``tls`` (from the beginning, usually port 465) or ``none``."""
    user: str = ""
    """Empty: without signing in."""
    password: Secret | None = None
    sender: str = ""
    """Address that messages come from, as ``Name <address>`` if wanted."""
    timeout_s: float = 20.0
    """The longest that handing over one message may take."""


NOTICES = (
    "approval.requested",
    "approval.reminder",
    "approval.decided",
    "approval.expired",
    "approval.ended",
    "task.opened",
    "task.due",
    "task.overdue",
    "task.verified",
    "task.rejected",
    "task.ended",
    "consent.lost",
    "consent.granted",
    "invitation.consent",
    "connection.refused",
    "connection.expires",
    "job.failed",
    "changes.delayed",
    "organization_admin.unexpected",
    "drift.found",
    "drift.held_back",
    "audit.anchored",
    "audit.broken",
)
"""What a channel may name (:class:`connector.domain.notifications.Notice`)."""


@dataclass(frozen=True)
class ChannelSettings:
    """One way to tell people or systems what happened."""

    name: str = ""
    kind: str = "email"
    """``email`` or ``webhook``."""
    events: tuple[str, ...] = (
        "approval.*",
        "task.*",
        "consent.*",
        "connection.*",
        "job.*",
        "changes.*",
        "organization_admin.*",
        "drift.*",
        "audit.broken",
    )
    """What is told: names as in docs/notifications.md, or patterns with ``*``."""
    recipients: tuple[str, ...] = ()
    """Of an e-mail: addresses, ``role:approver`` and the other roles, ``approvers``, ``owner``,
    ``assignee``, ``requester``, ``requester_manager``, ``person``."""
    url: Secret | None = None
    """Of a webhook. For Slack and Teams it is a secret by itself."""
    secret: Secret | None = None
    """Signs webhooks (HMAC-SHA256): ``whsec_`` and base64, or any text."""
    authorization: Secret | None = None
    """Value of the header ``Authorization``, where the receiver wants one."""
    template: str = "standard"
    """``standard``, ``servicenow``, ``jira``, ``slack`` or ``teams``."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the template needs besides. Jira: ``project``, ``issue_type`` (Task), and
    ``done_transition``, the id of the transition that ends an issue. ServiceNow: fields of a
    record, and ``done``, a section of the fields that end it."""


@dataclass(frozen=True)
class NotificationSettings:
    """What is told to whom."""

    smtp: SmtpSettings = SmtpSettings()
    channels: tuple[ChannelSettings, ...] = ()
    allowed_networks: tuple[str, ...] = ()
    """Networks that webhooks may reach although they are not public, such as 10.1.2.0/24."""
    timeout_s: float = 10.0
    """The longest that one webhook may take, from the connection to the answer."""
    max_attempts: int = 12
    """Attempts over about five days; then a delivery is given up until it is replayed."""
    keep_days: int = 30
    """Days that delivered messages are listed."""
    group_addresses: Mapping[str, str] = field(default_factory=dict)
    """E-mail addresses, such as mailing lists, of groups of the identity provider that the policy
    names as approvers: who is in a group is known of nobody who is not signed in."""
