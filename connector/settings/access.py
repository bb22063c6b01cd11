"""How programs and people show who they are."""

from __future__ import annotations

from dataclasses import dataclass

from connector.settings.secret import Secret


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
    trust_email: bool = False
    """Whether an address counts of which the provider does not say ``email_verified``. Only where
    people cannot choose their address there, as in a directory of one organization: Microsoft Entra
    ID never says it."""
    name_claim: str = "name"
    """The claim with the name that is shown."""
    groups_claim: str = "groups"
    """The claim with the person's groups, which ``tenants.*.console_groups`` turns into roles."""
    label: str = "Sign in with your organization"
    """What the button says."""
    timeout_s: float = 10.0
    """How long to wait for the provider."""


@dataclass(frozen=True)
class ApiSettings:
    """The REST API for people and their programs, at /api/v1 and /{tenant}/api/v1."""

    enabled: bool = True
    """False: there is none."""
    personal_tokens: bool = True
    """Whether the tokens of ``docusign-iga console token`` let local accounts in, also where
    ``console.local_accounts`` no longer lets them sign in with a password."""
    token_max_days: int = 365
    """The longest time for which a personal token can be made."""
    identity_tokens: bool = False
    """Whether people may present an access token of the identity provider, as
    ``authentication.jwt`` says whose; ``console.oidc`` says which claims name the person and the
    groups, and ``tenants.*.console_groups`` gives roles, as at the console."""
    audience: str = ""
    """Audience (``aud``) of such tokens; empty: that of ``authentication.jwt``."""
    requests_per_minute: int = 600
    """Requests that one person may send in a minute on average to one process; 0: any number.
    More are answered 429."""


@dataclass(frozen=True)
class ConsoleSettings:
    """The console for people, at /console and /{tenant}/console."""

    enabled: bool = True
    """False: there is none, only SCIM."""
    local_accounts: bool = True
    """Whether the accounts of ``docusign-iga console user`` may sign in. Switch it off once the
    identity provider works: from then on votes, delegations and notices of such an account count
    for nothing, unless a personal token of it is in force (``api.personal_tokens``)."""
    operator_tenant: str = ""
    """The tenant whose administrators run the connector for all customers: in its console, and only
    there, they add, change and suspend tenants and see the settings of the installation. Empty:
    tenants are managed on the command line alone."""
    session_idle_s: float = 3_600.0
    """A session ends when it was not used for this long."""
    session_max_s: float = 43_200.0
    """A session ends after this time however much it is used. Roles that come from the identity
    provider change no sooner."""
    oidc: OidcSettings = OidcSettings()
