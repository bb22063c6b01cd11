"""Every setting, with its unit, its default and when to change it.

``config.example.yaml`` shows the same tree; :mod:`connector.config` reads and checks it. Names that
end in ``_s`` are seconds, in ``_pct`` per cent. Secrets are wrapped in :class:`Secret` so that
neither a log nor a repr shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Secret:
    """A string that is only seen where :meth:`reveal` is called."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('********')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True)
class ServerSettings:
    """The HTTP server."""

    host: str = "127.0.0.1"
    """Address to listen on. Change to 0.0.0.0 behind a TLS-terminating proxy only."""
    port: int = 8080
    public_url: str = ""
    """URL under which clients reach us, without path; empty: http://host:port. Every ``location``
    starts with it; the Host header is never used."""
    workers: int = 1
    """Web worker processes. With SQLite more than 2 rarely help."""
    threads: int = 8
    """Threads that serve requests in each worker. A write holds one for as long as DocuSign
    takes."""
    bind_threads: bool = True
    """Whether the threads of a worker stay on one processor (Linux). Turn it off where a busy
    program that cannot move uses that processor too."""
    max_body_bytes: int = 1_048_576
    """Larger request bodies are answered with 413."""

    @property
    def url(self) -> str:
        """Under which the connector is reached, without path and trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")


@dataclass(frozen=True)
class DatabaseSettings:
    """Where mirror and ledger live."""

    url: str = "sqlite:///var/connector.db"
    """SQLAlchemy URL: sqlite:///path or postgresql+psycopg://user@host/name."""
    password: Secret | None = None
    """Password for a PostgreSQL URL that has none."""
    pool_size: int = 8
    """Connections kept open by each process (PostgreSQL)."""
    busy_timeout_s: float = 30.0
    """How long a writer waits for its turn."""
    synchronous: str = "full"
    """SQLite only. ``full`` survives a power cut; ``normal`` only a killed process, faster."""


@dataclass(frozen=True)
class LoggingSettings:
    """What is written to standard error."""

    level: str = "info"
    """debug, info, warning or error."""
    format: str = "auto"
    """json, console, or auto: console on a terminal, json otherwise."""


@dataclass(frozen=True)
class ObservingSettings:
    """What monitoring may see at /metrics and /readyz."""

    metrics_token: Secret | None = None
    """Bearer token that Prometheus sends; without one there is no /metrics."""
    ready_sync_age_s: float = 86_400.0
    """/readyz says "not ready" where no tenant was read from DocuSign within this time; 0: never.
    Keep it well above ``jobs.sync_interval_s``."""


@dataclass(frozen=True)
class Behaviour:
    """What DocuSign does where its documentation is silent or disagrees with itself.

    The one place for such facts. The defaults are what the evidence suggests; ``docs/docusign.md``
    names the evidence. Change one only when your account shows otherwise.
    """

    reactivation: str = "resend_activation"
    """How a closed membership is re-opened: ``resend_activation`` (PUT with
    ``sendActivationEmail``), ``user_status`` (PUT with ``userStatus: Active``) or
    ``admin_profiles`` (Admin ``users/profiles`` with the reactivation flag; needs an
    organization)."""
    list_groups: str = "auto"
    """Whether user lists carry ``groupList``: ``yes``, ``no`` (groups are read one by one), or
    ``auto``: believe a page that shows the member."""
    list_profile_ids: str = "trust"
    """Whether the profile id in user lists is right: ``trust``, or ``by_name`` (match the name)."""
    admin_page_size: int = 100
    """``take`` of Admin lists; its maximum is unpublished."""
    rename_fields: str = "parts"
    """What an update of names sends: ``parts`` (first and last name) or ``full`` (userName)."""
    read_after_write_s: float = 2.0
    """How long a read-back is repeated until DocuSign shows what was written."""


@dataclass(frozen=True)
class BudgetSettings:
    """Whose are the API calls that DocuSign allows an account in an hour."""

    share_pct: float = 30.0
    """The connector's share of the account's calls. Raise it where no other integration needs
    them."""
    reserve_pct: float = 20.0
    """The part of that share that aggregation and reconciliation leave for changes. Raise it where
    many changes come at once."""


@dataclass(frozen=True)
class DocusignSettings:
    """The connection to DocuSign, shared by all tenants."""

    environment: str = "demo"
    """demo, production, or custom (then set the three URLs below)."""
    oauth_url: str = ""
    """Base URL of the authentication host, e.g. https://account-d.docusign.com."""
    admin_url: str = ""
    """Base URL of the Admin API, e.g. https://api-d.docusign.net/management."""
    jwt_audience: str = ""
    """``aud`` of the assertion: the bare authentication host."""
    integration_key: str = ""
    private_key: Secret | None = None
    """RSA private key in PEM form."""
    previous_private_key: Secret | None = None
    """The key before, during a rotation: used while DocuSign does not accept ``private_key``."""
    redirect_uri: str = ""
    """Where DocuSign sends people back after they consented. It must be registered for the
    integration key letter by letter; empty: server.public_url and /consent/callback."""
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    pool_size: int = 16
    """Kept-alive connections to each DocuSign host."""
    retry_attempts: int = 3
    """Repetitions of a safe request after a temporary failure."""
    retry_wait_s: float = 10.0
    """Longest total wait for repetitions inside one call."""
    token_renew_before_s: float = 900.0
    """A token is renewed this long before it expires."""
    ca_bundle: str = ""
    """PEM file with further certificate authorities, for TLS-inspecting proxies."""
    budget: BudgetSettings = BudgetSettings()
    behaviour: Behaviour = Behaviour()


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
    """Longest time a request waits for DocuSign or for another writer, below the client's own
    time-out (IdentityIQ: 60 s)."""
    on_unavailable: str = "fail"
    """``fail``: 503 with Retry-After; ``queue``: accept, and carry out when DocuSign is back."""
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
    """What else appears as Groups, for clients that know only Groups: ``profiles``, ``roles``."""
    builtin_groups: str = "hidden"
    """``hidden`` or ``read_only``: DocuSign's Everyone and Administrators."""
    group_writes: bool = True
    """Whether clients may create, rename and delete DocuSign groups (members always may change)."""
    default_group_account: str = ""
    """Account (id or alias) of a group created without naming one; empty: the default account."""
    members_in_patch_response: int = 100
    """PATCH of a group with more members than this answers 204 without a body."""
    announce_async: bool = False
    """Whether ServiceProviderConfig has ``securityEvents`` (RFC 9967). ``Prefer: respond-async`` is
    understood anyway; strict clients of older specifications refuse an attribute they do not
    know."""
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
    "task.opened",
    "task.due",
    "task.overdue",
    "task.verified",
    "task.rejected",
    "consent.lost",
    "job.failed",
    "organization_admin.unexpected",
    "audit.anchored",
)
"""What a channel may name (:class:`connector.domain.notifications.Notice`)."""


@dataclass(frozen=True)
class ChannelSettings:
    """One way to tell people or systems what happened."""

    name: str = ""
    kind: str = "email"
    """``email`` or ``webhook``."""
    events: tuple[str, ...] = ("approval.*", "task.*", "consent.*", "job.*", "organization_admin.*")
    """What is told: names as in docs/notifications.md, or patterns with ``*``."""
    recipients: tuple[str, ...] = ()
    """Of an e-mail: addresses, ``role:approver`` and the other roles, ``approvers``, ``owner``,
    ``assignee``, ``requester_manager``, ``person``."""
    url: Secret | None = None
    """Of a webhook. For Slack and Teams it is a secret by itself."""
    secret: Secret | None = None
    """Signs webhooks (HMAC-SHA256): ``whsec_`` and base64, or any text."""
    authorization: Secret | None = None
    """Value of the header ``Authorization``, where the receiver wants one."""
    template: str = "standard"
    """``standard``, ``servicenow``, ``jira``, ``slack`` or ``teams``."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the template needs besides: ``project`` for Jira, fields of a record for ServiceNow."""


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
class TenantSettings:
    """One customer."""

    name: str = "default"
    user_id: str = ""
    """GUID of the DocuSign user whom the connector impersonates."""
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
    leavers: tuple[LeaverSettings, ...] = ()
    """What happens to envelopes of people who leave; the first rule that fits counts."""
    approvals: ApprovalSettings = ApprovalSettings()
    guards: GuardSettings = GuardSettings()
    scim: ScimSettings = ScimSettings()
    notifications: NotificationSettings = NotificationSettings()
    audit: AuditSettings = AuditSettings()
    console_groups: ConsoleGroups = ConsoleGroups()


@dataclass(frozen=True)
class JwtSettings:
    """Access tokens of the customer's identity provider (RFC 9068)."""

    issuer: str = ""
    """``iss`` of its tokens, letter by letter."""
    audience: str = ""
    """What ``aud`` must hold: the connector's name at the identity provider."""
    jwks_url: str = ""
    """Where the provider publishes its keys (RFC 7517 §5)."""
    algorithms: tuple[str, ...] = ("RS256", "PS256", "ES256")
    leeway_s: float = 60.0
    """How far the provider's clock may be from ours."""
    client_claims: tuple[str, ...] = ("azp", "client_id", "appid", "cid")
    """Claims that may name the application; the first that a token has counts."""
    scope_claim: str = ""
    """A claim that lists scopes of ours, within which the token stays; empty: none is asked for."""
    timeout_s: float = 5.0
    """How long to wait for the provider's keys."""


@dataclass(frozen=True)
class AuthenticationSettings:
    """How programs that call the connector may show who they are."""

    methods: tuple[str, ...] = ("token", "oauth", "basic")
    """What is offered: token, oauth, basic, jwt, mtls. Credentials of other methods do nothing."""
    jwt: JwtSettings = JwtSettings()
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of the proxies whose word about a certificate, and about the address of
    who signs in to the console, is believed."""
    certificate_header: str = "Client-Cert"
    """Header in which they pass on the certificate (RFC 9440, or URL-encoded PEM) or its SHA-256
    fingerprint."""


@dataclass(frozen=True)
class OidcSettings:
    """The identity provider through which people sign in to the console (OpenID Connect)."""

    issuer: str = ""
    """Its address; ``/.well-known/openid-configuration`` below it tells the rest. Empty: none."""
    client_id: str = ""
    """The console's name at the provider."""
    client_secret: Secret | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    """What is asked for; some providers want one more for the groups."""
    login_claim: str = "email"
    """The claim that names the person here, in approvals and in the audit. It must be one that
    people cannot choose for themselves at the provider."""
    name_claim: str = "name"
    """The claim with the name that is shown."""
    groups_claim: str = "groups"
    """The claim with the person's groups, which ``tenants.*.console_groups`` turns into roles."""
    label: str = "Sign in with your organization"
    """What the button says."""
    timeout_s: float = 10.0
    """How long to wait for the provider."""


@dataclass(frozen=True)
class ConsoleSettings:
    """The console for people, at /console and /{tenant}/console."""

    enabled: bool = True
    """False: there is none, only SCIM."""
    local_accounts: bool = True
    """Whether the accounts of ``docusign-iga console user`` may sign in. Switch it off once the
    identity provider works."""
    session_idle_s: float = 3_600.0
    """A session ends when it was not used for this long."""
    session_max_s: float = 43_200.0
    """A session ends after this time however much it is used. Roles that come from the identity
    provider change no sooner."""
    oidc: OidcSettings = OidcSettings()


@dataclass(frozen=True)
class JobSettings:
    """The jobs process."""

    enabled: bool = True
    sync_interval_s: float = 21_600.0
    """Time between full aggregations; 0 switches them off."""
    verify_interval_s: float = 300.0
    """Time between checks of manual tasks."""
    people_interval_s: float = 300.0
    """Time between looks for approvals that expire, overdue tasks and reminders; 0 switches them
    off."""
    settle_interval_s: float = 15.0
    """Time between looks for abandoned and queued changes."""
    notify_interval_s: float = 15.0
    """Time between looks for notifications that are due; 0: this process sends none."""
    anchor_interval_s: float = 3600.0
    """Time between anchors of the audit chain; 0: none."""


@dataclass(frozen=True)
class Settings:
    """The whole configuration."""

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    logging: LoggingSettings = LoggingSettings()
    observing: ObservingSettings = ObservingSettings()
    docusign: DocusignSettings = DocusignSettings()
    authentication: AuthenticationSettings = AuthenticationSettings()
    console: ConsoleSettings = ConsoleSettings()
    jobs: JobSettings = JobSettings()
    tenants: Mapping[str, TenantSettings] = field(default_factory=dict)
    """By tenant name; the tenant ``default`` is served at /scim/v2."""
