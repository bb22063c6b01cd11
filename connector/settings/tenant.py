"""One customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.settings.aggregation import AggregationSettings
from connector.settings.drift import DriftSettings
from connector.settings.jobs import TenantJobSettings
from connector.settings.notifications import NotificationSettings


@dataclass(frozen=True)
class AccountSettings:
    """One governed DocuSign account."""

    account_id: str
    """GUID, lower case."""
    alias: str = ""
    """A short name for people."""
    baseline_profile: str = ""
    """Id or name of the profile that a plain member holds; revoking an elevated profile falls back
    to it, revoking it closes the membership."""


@dataclass(frozen=True)
class ProvisioningSettings:
    """How changes are carried out."""

    fresh_for_s: float = 60.0
    """A mirror copy older than this is read again from DocuSign before a change is planned."""
    wait_s: float = 20.0
    """Longest time a request waits for DocuSign and for other writers together, 5 to 45 s, below
    the client's own time-out (IdentityIQ: 60 s). No call to DocuSign outlasts it; undoing what was
    done of a change may take 10 s more. Raise it where DocuSign answers slowly."""
    on_unavailable: str = "fail"
    """``fail``: 503 with Retry-After; ``queue``: accept, and carry out when DocuSign is back."""
    tell_waiting_after_s: float = 14_400.0
    """How long an accepted change may wait for DocuSign before an operator is told of it, once
    (notice ``changes.delayed``). It goes on waiting. Four hours are longer than DocuSign's hourly
    limit and most outages last; shorter where access has to follow sooner."""
    report: str = "confirmed"
    """What SCIM shows of manual roles: ``confirmed`` by DocuSign only, or ``requested`` too."""
    pending_is_active: bool = True
    """Whether a membership that waits for its person counts as active."""
    closed_users: str = "all"
    """Which closed users SCIM lists as inactive: all, recent (``closed_recent_days``) or none."""
    closed_recent_days: int = 90
    baseline_profile: str = "DocuSign Viewer"
    """Baseline for accounts that name none of their own."""
    manual_task_due_days: int = 5
    """Days until a manual task is overdue."""


@dataclass(frozen=True)
class GuardSettings:
    """Safety rules; each can be widened on purpose."""

    max_affected_pct: float = 10.0
    """Largest share of users that one plan may touch without a person's word, and that a sync
    believes to be gone from an account."""
    max_affected_min: int = 20
    """Plans that touch no more than this many users are never refused for their size."""
    protect_last_admin: bool = True
    """Refuse to close or demote the last administrator of an account."""
    respect_docusign_scim: bool = True
    """Refuse to write to users whom DocuSign's own SCIM manages."""


@dataclass(frozen=True)
class ScimSettings:
    """The SCIM interface."""

    max_page_size: int = 200
    default_page_size: int = 100
    show_as_groups: tuple[str, ...] = ()
    """What else appears as Groups, for clients that know only Groups: ``profiles``, ``roles``. A
    change shows after the next sync, which writes these Groups."""
    builtin_groups: str = "hidden"
    """``hidden`` or ``read_only``: DocuSign's Everyone and Administrators."""
    group_writes: bool = True
    """Whether clients may create, rename and delete DocuSign groups (members always may change)."""
    default_group_account: str = ""
    """Account (id or alias) of a group created without naming one; empty: the default account."""
    members_in_patch_response: int = 100
    """PATCH of a group with more members than this answers 204 without a body."""
    anonymous_discovery: tuple[str, ...] = ("ServiceProviderConfig",)
    """Discovery documents that need no credential: ``ServiceProviderConfig``, ``ResourceTypes``,
    ``Schemas``. They name no person. A client may have to read how to authenticate first."""
    announce_async: bool = False
    """Whether ServiceProviderConfig has ``securityEvents`` (RFC 9967). ``Prefer: respond-async`` is
    understood anyway; strict clients of older specifications refuse an attribute they do not
    know."""
    announce_roles: bool = False
    """Whether ServiceProviderConfig has ``RolesAndEntitlements``, which the draft of the Roles and
    Entitlements extension wants. Both endpoints are served anyway; strict clients refuse an
    attribute they do not know."""
    requests_per_minute: int = 0
    """Requests that one API client may send in a minute on average to one process; 0: any number.
    More are answered 429."""


@dataclass(frozen=True)
class ConsoleGroups:
    """Which groups of the identity provider have which role in a tenant's console."""

    viewer: tuple[str, ...] = ()
    """Read everything, export the audit."""
    approver: tuple[str, ...] = ()
    """Decide approvals."""
    operator: tuple[str, ...] = ()
    """Work manual tasks."""
    administrator: tuple[str, ...] = ()
    """All of it, and see the settings."""


@dataclass(frozen=True)
class ApprovalSettings:
    """How approvals wait, where the rule of the entitlement does not say."""

    expire_days: int = 14
    """Days until an approval that nobody decided ends."""
    remind_days: int = 2
    """Days between reminders of approvals and manual tasks that wait."""
    delegation_max_days: int = 90
    """The longest time for which somebody may decide for another."""
    quiet_days_after_denial: int = 7
    """Days for which SCIM shows a denial, and for which nobody is asked again for the same person
    and entitlement, unless with another reason. 0: everybody is asked each time."""


@dataclass(frozen=True)
class AuditSettings:
    """The record of what happened."""

    anchor_file: str = ""
    """File to which the end of the audit chain is appended on schedule; best on a medium that the
    database's administrators cannot change. Empty: none."""


@dataclass(frozen=True)
class LeaverSettings:
    """What happens to the envelopes of somebody whose membership is closed. The first rule that
    fits counts; without one nothing does. The closing itself never waits for any of it."""

    profile: str = "*"
    """Id or name of the permission profile held, with * and ?."""
    account: str = "*"
    """Id, alias or name of the account, with * and ?."""
    hand_over_to: str = "manager"
    """``manager`` (enterprise extension), or the address of a member of the account; empty:
    nobody, a person decides."""
    transfer_rule: bool = True
    """Whether what is still in flight goes to them once it is completed, by a rule in DocuSign; the
    account needs the feature *Transfer Custody*."""
    custody_task: bool = True
    """Whether a person gets a task to hand over what lies there: no API moves it."""


@dataclass(frozen=True)
class TenantBudgetSettings:
    """The tenant's part of ``docusign.budget``: each account has hours of its own."""

    share_pct: float = 0.0
    """The connector's share of the calls of the tenant's accounts; 0: as ``docusign.budget``."""
    reserve_pct: float = 0.0
    """The part of it that is left for changes; 0: as ``docusign.budget``."""


@dataclass(frozen=True)
class TenantSettings:
    """One customer."""

    name: str = "default"
    user_id: str = ""
    """GUID of the DocuSign user whom the connector impersonates."""
    grant: str = ""
    """``jwt`` or ``authorization_code``; empty: as ``docusign.grant`` says."""
    organization_id: str = ""
    """GUID; empty: found through userinfo, or none."""
    use_organization: bool = True
    """False: never call the Admin API."""
    accounts: tuple[AccountSettings, ...] = ()
    default_account: str = ""
    """Id or alias of the account that users without entitlements join; empty: the first."""
    manual_roles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Further roles that people grant, by id, over ``mappings/entitlements.yaml``."""
    entitlements: tuple[Mapping[str, Any], ...] = ()
    """Rules of the policy, read before those of ``mappings/entitlements.yaml``: the first that
    covers an entitlement counts, as a whole."""
    user_mapping: Mapping[str, Any] = field(default_factory=dict)
    """Parts of ``mappings/user.yaml`` to replace: ``fields`` and ``kept``, each by name."""
    provisioning: ProvisioningSettings = ProvisioningSettings()
    aggregation: AggregationSettings = field(default_factory=AggregationSettings)
    leavers: tuple[LeaverSettings, ...] = ()
    """What happens to envelopes of people who leave; the first rule that fits counts."""
    approvals: ApprovalSettings = ApprovalSettings()
    guards: GuardSettings = GuardSettings()
    drift: DriftSettings = field(default_factory=DriftSettings)
    scim: ScimSettings = ScimSettings()
    notifications: NotificationSettings = field(default_factory=NotificationSettings)
    audit: AuditSettings = AuditSettings()
    jobs: TenantJobSettings = field(default_factory=TenantJobSettings)
    """When jobs run for this tenant, where not as for all."""
    budget: TenantBudgetSettings = TenantBudgetSettings()
    console_groups: ConsoleGroups = ConsoleGroups()

    def alias_of(self, account_id: str) -> str:
        """Return the short name of an account; empty where it has none."""
        return next((item.alias for item in self.accounts if item.account_id == account_id), "")
