"""How DocuSign is reached and what it does."""

from __future__ import annotations

from dataclasses import dataclass

from connector.settings.secret import Secret


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
    modified_since: str = "time"
    """What ``last_modified_since`` of the Admin API takes: a ``time``, or only a ``date``, which
    makes deltas read everybody again who was modified on that day."""
    rename_fields: str = "parts"
    """What an update of names sends: ``parts`` (first and last name) or ``full`` (userName)."""
    read_after_write_s: float = 2.0
    """How long DocuSign may not show what was written: a read-back is repeated so long, and no read
    undoes the groups that were just written."""


@dataclass(frozen=True)
class BudgetSettings:
    """Whose are the API calls that DocuSign allows an account in an hour."""

    share_pct: float = 30.0
    """The connector's share of the account's calls. Raise it where no other integration needs
    them."""
    reserve_pct: float = 20.0
    """The part of that share that aggregation and reconciliation leave for changes. Raise it where
    many changes come at once."""
    consent_checks_per_minute: int = 60
    """Users a minute for whom is tried whether they can be impersonated. The token endpoint has a
    limit of its own, which DocuSign does not publish: lower it where 429 is met."""


@dataclass(frozen=True)
class DocusignSettings:
    """The connection to DocuSign, shared by all tenants."""

    environment: str = "demo"
    """demo, production, or custom (then set the three URLs below)."""
    oauth_url: str = ""
    """Base URL of the authentication host, e.g. https://account-d.docusign.com."""
    admin_url: str = ""
    """Base URL of the Admin API, e.g. https://api-d.docusign.net/management."""
    monitor_url: str = ""
    """Base URL of DocuSign Monitor; empty: that of the environment. Change it when DocuSign moves
    it."""
    jwt_audience: str = ""
    """``aud`` of the assertion: the bare authentication host."""
    integration_key: str = ""
    grant: str = "jwt"
    """How tokens are come by: ``jwt`` (impersonation) or ``authorization_code`` (somebody signs in
    once). A tenant may say otherwise."""
    client_secret: Secret | None = None
    """The app's secret key, for ``authorization_code``; None: the app is a public client."""
    key_max_age_days: int = 365
    """After so many days in use a private key is warned about; 0: never."""
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
