"""Every setting, with its unit, its default and when to change it.

``config.example.yaml`` shows the same tree; :mod:`connector.config` reads and checks it. Names that
end in ``_s`` are seconds, in ``_pct`` per cent. Secrets are wrapped in :class:`Secret` so that
neither a log nor a repr shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connector.settings.access import (
    ApiSettings,
    AuthenticationSettings,
    ConsoleSettings,
    JwtSettings,
    OidcSettings,
)
from connector.settings.aggregation import AggregationSettings
from connector.settings.docusign import Behaviour, BudgetSettings, DocusignSettings
from connector.settings.drift import DriftRule, DriftSettings
from connector.settings.jobs import (
    JobSettings,
    RetentionSettings,
    ScheduleSettings,
    TenantJobSettings,
)
from connector.settings.notifications import (
    NOTICES,
    ChannelSettings,
    NotificationSettings,
    SmtpSettings,
)
from connector.settings.secret import MASK, Secret
from connector.settings.serving import (
    DatabaseSettings,
    LoggingSettings,
    ObservingSettings,
    ServerSettings,
)
from connector.settings.tenant import (
    AccountSettings,
    ApprovalSettings,
    AuditSettings,
    ConsoleGroups,
    GuardSettings,
    LeaverSettings,
    ProvisioningSettings,
    ScimSettings,
    TenantSettings,
)

__all__ = [
    "MASK",
    "NOTICES",
    "AccountSettings",
    "AggregationSettings",
    "ApiSettings",
    "ApprovalSettings",
    "AuditSettings",
    "AuthenticationSettings",
    "Behaviour",
    "BudgetSettings",
    "ChannelSettings",
    "ConsoleGroups",
    "ConsoleSettings",
    "DatabaseSettings",
    "DocusignSettings",
    "DriftRule",
    "DriftSettings",
    "GuardSettings",
    "JobSettings",
    "JwtSettings",
    "LeaverSettings",
    "LoggingSettings",
    "NotificationSettings",
    "ObservingSettings",
    "OidcSettings",
    "ProvisioningSettings",
    "RetentionSettings",
    "ScheduleSettings",
    "ScimSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "SmtpSettings",
    "TenantJobSettings",
    "TenantSettings",
]


@dataclass(frozen=True)
class Settings:
    """The whole configuration."""

    server: ServerSettings = field(default_factory=ServerSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)
    logging: LoggingSettings = field(default_factory=LoggingSettings)
    observing: ObservingSettings = field(default_factory=ObservingSettings)
    docusign: DocusignSettings = field(default_factory=DocusignSettings)
    authentication: AuthenticationSettings = field(default_factory=AuthenticationSettings)
    console: ConsoleSettings = field(default_factory=ConsoleSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    tenants: Mapping[str, TenantSettings] = field(default_factory=dict)
    """By tenant name; the tenant ``default`` is served at /scim/v2."""
