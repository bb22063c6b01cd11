"""What a setting may be, beyond its type: choices, ranges, forms, and what must be given."""

from __future__ import annotations

from typing import Any

from connector.settings import (
    AccountSettings,
    AggregationSettings,
    ApiSettings,
    ApprovalSettings,
    AuthenticationSettings,
    Behaviour,
    ChannelSettings,
    ConsoleSettings,
    DatabaseSettings,
    DocusignSettings,
    DriftRule,
    DriftSettings,
    GuardSettings,
    JwtSettings,
    LoggingSettings,
    NotificationSettings,
    ObservingSettings,
    OidcSettings,
    ProvisioningSettings,
    ScimSettings,
    ServerSettings,
    SmtpSettings,
    TenantSettings,
)

Setting = tuple[type[Any], str]

CHOICES: dict[Setting, tuple[str, ...]] = {
    (DatabaseSettings, "synchronous"): ("full", "normal"),
    (AuthenticationSettings, "methods"): ("token", "oauth", "basic", "jwt", "mtls"),
    (JwtSettings, "algorithms"): ("RS256", "PS256", "ES256"),
    (ChannelSettings, "kind"): ("email", "webhook"),
    (ChannelSettings, "template"): ("standard", "servicenow", "jira", "slack", "teams"),
    (SmtpSettings, "security"): ("starttls", "tls", "none"),
    (LoggingSettings, "level"): ("debug", "info", "warning", "error"),
    (LoggingSettings, "format"): ("json", "console", "auto"),
    (Behaviour, "reactivation"): ("resend_activation", "user_status", "admin_profiles"),
    (Behaviour, "list_groups"): ("yes", "no", "auto"),
    (Behaviour, "list_profile_ids"): ("trust", "by_name"),
    (AggregationSettings, "source"): ("auto", "lists", "export"),
    (AggregationSettings, "monitor"): ("none", "v2", "v3"),
    (Behaviour, "modified_since"): ("time", "date"),
    (Behaviour, "rename_fields"): ("parts", "full"),
    (DocusignSettings, "environment"): ("demo", "production", "custom"),
    (DocusignSettings, "grant"): ("jwt", "authorization_code"),
    (TenantSettings, "grant"): ("", "jwt", "authorization_code"),
    (DriftRule, "then"): ("report", "accept", "revert"),
    (DriftSettings, "correlation"): ("external_id", "employee_number", "email", "name"),
    (ProvisioningSettings, "on_unavailable"): ("fail", "queue"),
    (ProvisioningSettings, "report"): ("confirmed", "requested"),
    (ProvisioningSettings, "closed_users"): ("all", "recent", "none"),
    (ScimSettings, "show_as_groups"): ("profiles", "roles"),
    (ScimSettings, "anonymous_discovery"): ("ServiceProviderConfig", "ResourceTypes", "Schemas"),
    (ScimSettings, "builtin_groups"): ("hidden", "read_only"),
}

REQUIRED: frozenset[Setting] = frozenset(
    {
        (DocusignSettings, "integration_key"),
        (TenantSettings, "user_id"),
        (TenantSettings, "accounts"),
        (AccountSettings, "account_id"),
        (ChannelSettings, "name"),
    }
)

GUIDS: frozenset[Setting] = frozenset(
    {
        (DocusignSettings, "integration_key"),
        (TenantSettings, "user_id"),
        (TenantSettings, "organization_id"),
        (AccountSettings, "account_id"),
    }
)

URLS: frozenset[Setting] = frozenset(
    {
        (ServerSettings, "public_url"),
        (DocusignSettings, "oauth_url"),
        (DocusignSettings, "admin_url"),
        (DocusignSettings, "monitor_url"),
        (DocusignSettings, "redirect_uri"),
        (JwtSettings, "jwks_url"),
        (OidcSettings, "issuer"),
        (ObservingSettings, "otlp_endpoint"),
    }
)

RANGES: dict[Setting, tuple[float, float | None]] = {
    (ServerSettings, "port"): (0, 65_535),
    (ServerSettings, "search_timeout_s"): (0.1, 300),
    (ServerSettings, "max_body_bytes"): (1_024, None),
    (DocusignSettings, "retry_attempts"): (0, 10),
    (DocusignSettings, "key_max_age_days"): (0, None),
    # Together below what a step of a change may take (connector.services.locks): 75 s, or 45 s.
    (DocusignSettings, "connect_timeout_s"): (0.1, 30),
    (DocusignSettings, "read_timeout_s"): (0.1, 45),
    (ProvisioningSettings, "wait_s"): (5, 45),
    (ProvisioningSettings, "tell_waiting_after_s"): (60, 604_800),
    (SmtpSettings, "port"): (1, 65_535),
    (SmtpSettings, "timeout_s"): (0.1, 30),
    (NotificationSettings, "timeout_s"): (0.1, 30),
    (NotificationSettings, "max_attempts"): (1, 100),
    (NotificationSettings, "keep_days"): (0, None),
    (JwtSettings, "leeway_s"): (0, 300),
    (JwtSettings, "timeout_s"): (0.1, 30),
    (OidcSettings, "timeout_s"): (0.1, 30),
    (ApiSettings, "token_max_days"): (1, 3_650),
    (ApiSettings, "requests_per_minute"): (0, None),
    (ConsoleSettings, "session_idle_s"): (60, None),
    (ConsoleSettings, "session_max_s"): (60, 604_800),
    (ProvisioningSettings, "closed_recent_days"): (0, None),
    (ApprovalSettings, "quiet_days_after_denial"): (0, None),
    (DriftSettings, "dormant_after_days"): (0, None),
    (DriftSettings, "pending_after_days"): (0, None),
    (DriftSettings, "orphan_after_days"): (0, None),
    (AggregationSettings, "role_sweep_days"): (0, None),
    (GuardSettings, "max_affected_min"): (0, None),
    (ScimSettings, "members_in_patch_response"): (0, None),
    (ScimSettings, "max_page_size"): (1, 10_000),
    (ScimSettings, "requests_per_minute"): (0, None),
}


def number_range(setting: Setting, *, whole: bool) -> tuple[float, float | None]:
    """Return the smallest and the largest value allowed; None means no limit.

    Where the table is silent a percentage is 0 to 100, a time at least 0 and a count at least 1.
    """
    name = setting[1]
    if setting in RANGES:
        return RANGES[setting]
    if name.endswith("_pct"):
        return (0, 100)
    return (1, None) if whole else (0, None)
