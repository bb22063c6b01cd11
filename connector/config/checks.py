"""Checks that look at several settings at once.

They work on the plain data, tolerant of what the schema has already complained about, so that one
run tells everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from connector.config.placeholders import placeholders_left
from connector.config.schema import MUST_BE_GIVEN
from connector.settings import (
    NOTICES,
    AuthenticationSettings,
    DatabaseSettings,
    ProvisioningSettings,
    ScimSettings,
)
from mappings import MappingError, load_entitlements, load_user_mapping
from mappings.wording import nearest_or_all

Problem = tuple[str, str]
_ROLES = ("viewer", "approver", "operator", "administrator")
_RECIPIENTS = ("owner", "approvers", "assignee", "requester", "requester_manager", "person")
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_RESERVED = frozenset({"consent", "scim", "console", "api", "health", "oauth", "static"})
"""First steps of our own URLs, which a tenant's name would shadow."""


def cross_checks(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield (path, what is wrong) for everything that no single setting shows."""
    yield from _public_url(_section(data, "server"))
    yield from database_problems(_section(data, "database"))
    yield from _docusign(_section(data, "docusign"))
    yield from _authentication(_section(data, "authentication"))
    yield from _console(_section(data, "console"))
    yield from _api(_section(data, "api"), _section(data, "authentication"))
    tenants = _section(data, "tenants")
    if "tenants" not in data:
        yield (
            "tenants",
            (
                "declare at least one tenant, usually 'default'; or write {} where all of them are "
                "kept in the database (docusign-iga tenant add)"
            ),
        )
    for name, tenant in tenants.items():
        yield from tenant_checks(str(name), tenant if isinstance(tenant, Mapping) else {})
    yield from _shared_accounts(tenants)


def _section(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(data: Mapping[str, Any], name: str, default: str = "") -> str:
    found = data.get(name, default)
    return found if isinstance(found, str) else default


def _public_url(server: Mapping[str, Any]) -> Iterator[Problem]:
    parts = urlsplit(_text(server, "public_url"))
    if parts.path.strip("/") or parts.query or parts.fragment:
        yield "server.public_url", "must have no path: the connector adds /scim/v2 itself"


def database_problems(database: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with where the database is."""
    try:
        url = make_url(_text(database, "url", DatabaseSettings.url))
    except ArgumentError:
        yield "database.url", "is not a database URL such as sqlite:///var/connector.db"
        return
    if url.drivername not in ("sqlite", "postgresql+psycopg"):
        yield "database.url", f"{url.drivername!r} is not one of sqlite, postgresql+psycopg"
    if url.drivername == "sqlite" and url.database in (None, "", ":memory:"):
        yield (
            "database.url",
            "a database in memory is lost at every restart; name a file",
        )
    if url.drivername == "sqlite" and (database.get("password") or database.get("password_file")):
        yield "database.password", "SQLite has no password; remove it"


def _docusign(docusign: Mapping[str, Any]) -> Iterator[Problem]:
    by_code = docusign.get("grant") == "authorization_code"
    if not by_code and not docusign.get("private_key") and not docusign.get("private_key_file"):
        yield "docusign.private_key", f"{MUST_BE_GIVEN}, or private_key_file"
    if docusign.get("environment") == "custom":
        for name in ("oauth_url", "admin_url", "jwt_audience"):
            if not docusign.get(name):
                yield f"docusign.{name}", "must be given where environment is custom"


def _authentication(given: Mapping[str, Any]) -> Iterator[Problem]:
    methods = given.get("methods", AuthenticationSettings.methods)
    if not methods:
        yield "authentication.methods", "must offer at least one, or nobody gets in"
        return
    proxies = given.get("trusted_proxies") or ()
    for place, proxy in enumerate(proxies if isinstance(proxies, list) else ()):
        yield from _proxy(f"authentication.trusted_proxies[{place}]", proxy)
    if "mtls" in methods and not proxies:
        yield "authentication.trusted_proxies", "must be given where methods has mtls"
    if "jwt" in methods:
        yield from _jwt(_section(given, "jwt"))


def _proxy(path: str, proxy: Any) -> Iterator[Problem]:
    try:
        network = ip_network(str(proxy))
    except ValueError:
        yield path, f"must be an address or a network such as 10.0.0.0/24, not {proxy!r}"
        return
    if network.prefixlen == 0:
        yield path, "would trust everybody; name the proxies"


def _jwt(jwt: Mapping[str, Any]) -> Iterator[Problem]:
    for name in ("issuer", "audience", "jwks_url"):
        if not jwt.get(name):
            yield f"authentication.jwt.{name}", "must be given where methods has jwt"
    for name in ("algorithms", "client_claims"):
        if jwt.get(name) == []:
            yield f"authentication.jwt.{name}", "must not be empty"
    yield from _keys_address(jwt)


def _keys_address(jwt: Mapping[str, Any]) -> Iterator[Problem]:
    url = urlsplit(_text(jwt, "jwks_url"))
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield (
            "authentication.jwt.jwks_url",
            "must start with https://: whoever changes keys gets in",
        )


def _console(console: Mapping[str, Any]) -> Iterator[Problem]:
    oidc = _section(console, "oidc")
    issuer = _text(oidc, "issuer")
    if issuer and not oidc.get("client_id"):
        yield "console.oidc.client_id", "must be given where issuer is"
    if issuer and not (oidc.get("client_secret") or oidc.get("client_secret_file")):
        yield "console.oidc.client_secret", "must be given where issuer is, or client_secret_file"
    if issuer and "openid" not in (oidc.get("scopes") or ("openid",)):
        yield "console.oidc.scopes", "must have openid"
    url = urlsplit(issuer)
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield "console.oidc.issuer", "must start with https://: whoever answers for it gets in"
    if console.get("enabled", True) and console.get("local_accounts") is False and not issuer:
        yield (
            "console.local_accounts",
            "must be true without oidc.issuer: nobody gets in",
        )


def _api(api: Mapping[str, Any], authentication: Mapping[str, Any]) -> Iterator[Problem]:
    if not api.get("identity_tokens"):
        return
    jwt = _section(authentication, "jwt")
    lacking = [name for name in ("issuer", "jwks_url") if not jwt.get(name)]
    if not (jwt.get("audience") or api.get("audience")):
        lacking.append("audience")
    if lacking:
        yield (
            "api.identity_tokens",
            f"needs {', '.join(lacking)} in authentication.jwt: whose tokens are believed",
        )
    yield from _keys_address(jwt)


def tenant_checks(name: str, tenant: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what no single setting of a tenant shows, but for what it shares with others."""
    path = f"tenants.{name}"
    if not _TENANT.match(name) or name in _RESERVED:
        reserved = ", ".join(sorted(_RESERVED))
        yield path, f"must be lower-case letters, digits and hyphens, and none of {reserved}"
    yield from placeholders_left(path, tenant)
    yield from _accounts(path, tenant)
    yield from _page_sizes(f"{path}.scim", _section(tenant, "scim"))
    yield from _mappings(path, tenant)
    yield from _notifications(f"{path}.notifications", _section(tenant, "notifications"))


def _accounts(path: str, tenant: Mapping[str, Any]) -> Iterator[Problem]:
    listed = tenant.get("accounts")
    accounts = (
        [item if isinstance(item, Mapping) else {} for item in listed or ()]
        if isinstance(listed, list)
        else []
    )
    fallback = _text(
        _section(tenant, "provisioning"), "baseline_profile", ProvisioningSettings.baseline_profile
    )
    names: list[str] = []
    yield from _repeated_accounts({path.removeprefix("tenants."): tenant})
    for place, account in enumerate(accounts):
        here = f"{path}.accounts[{place}]"
        alias = _text(account, "alias")
        if alias and alias in names:
            yield f"{here}.alias", f"{alias!r} is the name of an account above"
        if not fallback and not account.get("baseline_profile"):
            yield f"{here}.baseline_profile", "must be given: the tenant has no baseline_profile"
        names += [text for text in (_text(account, "account_id"), alias) if text]
    yield from _known_account(f"{path}.default_account", tenant.get("default_account"), names)
    group_account = _section(tenant, "scim").get("default_group_account")
    yield from _known_account(f"{path}.scim.default_group_account", group_account, names)


def _known_account(path: str, wanted: Any, names: list[str]) -> Iterator[Problem]:
    if not isinstance(wanted, str) or not wanted or wanted in names:
        return
    yield path, f"no account has the id or alias {wanted!r}; {nearest_or_all(wanted, names)}"


def _page_sizes(path: str, scim: Mapping[str, Any]) -> Iterator[Problem]:
    largest = scim.get("max_page_size", ScimSettings.max_page_size)
    usual = scim.get("default_page_size", ScimSettings.default_page_size)
    if isinstance(largest, int) and isinstance(usual, int) and usual > largest:
        yield f"{path}.default_page_size", f"must be at most max_page_size, which is {largest}"


def _mappings(path: str, tenant: Mapping[str, Any]) -> Iterator[Problem]:
    try:
        rules = tenant.get("entitlements") or ()
        load_entitlements(
            _section(tenant, "manual_roles"), rules if isinstance(rules, list) else ()
        )
    except MappingError as error:
        for line in error.problems:
            is_role = line.startswith("roles")
            part = f"manual_roles{line.removeprefix('roles')}" if is_role else line
            yield _split(f"{path}.{part}")
    try:
        load_user_mapping(_section(tenant, "user_mapping"))
    except MappingError as error:
        for line in error.problems:
            yield _split(f"{path}.user_mapping.{line}")


def _notifications(path: str, notifications: Mapping[str, Any]) -> Iterator[Problem]:
    smtp = _section(notifications, "smtp")
    if _text(smtp, "host"):
        if "@" not in _text(smtp, "sender"):
            yield f"{path}.smtp.sender", "must be the address that messages come from"
        if _text(smtp, "security") == "none" and _text(smtp, "user"):
            yield (
                f"{path}.smtp.security",
                "must be starttls or tls where a user signs in: the password would be readable",
            )
    for place, text in enumerate(notifications.get("allowed_networks") or ()):
        try:
            ip_network(text, strict=False)
        except ValueError:
            yield f"{path}.allowed_networks[{place}]", "is no address or network like 10.1.2.0/24"
    channels = notifications.get("channels")
    names: set[str] = set()
    for place, given in enumerate(channels if isinstance(channels, list) else ()):
        channel = given if isinstance(given, Mapping) else {}
        here = f"{path}.channels[{place}]"
        name = _text(channel, "name")
        if name in names:
            yield f"{here}.name", f"{name!r} is the name of a channel above"
        names.add(name)
        yield from _channel(here, channel, has_smtp=bool(_text(smtp, "host")))


def _ending(path: str, channel: Mapping[str, Any]) -> Iterator[Problem]:
    """Return what is wrong with how the record of a case is to end."""
    options = _section(channel, "options")
    done, transition = options.get("done", {}), options.get("done_transition", 1)
    if _text(channel, "template") == "servicenow" and not isinstance(done, Mapping):
        yield f"{path}.options.done", "must be a section of fields that close a record"
    if _text(channel, "template") == "jira" and not str(transition).isdecimal():
        yield f"{path}.options.done_transition", "must be the number of a transition"


def _channel(path: str, channel: Mapping[str, Any], *, has_smtp: bool) -> Iterator[Problem]:
    for place, pattern in enumerate(channel.get("events") or ()):
        if not any(fnmatchcase(notice, str(pattern)) for notice in NOTICES):
            known = ", ".join(NOTICES)
            yield f"{path}.events[{place}]", f"matches none of {known}"
    if _text(channel, "kind", "email") == "webhook":
        if not (channel.get("url") or channel.get("url_file")):
            yield f"{path}.url", "must be given for a webhook"
        if _text(channel, "template") == "jira" and not _section(channel, "options").get("project"):
            yield f"{path}.options", "must have the key of the project for Jira"
        yield from _ending(path, channel)
        return
    if not has_smtp:
        yield path, "needs a mail server: set notifications.smtp.host"
    recipients = channel.get("recipients")
    if not recipients:
        yield f"{path}.recipients", "must not be empty for an e-mail"
    for place, who in enumerate(recipients if isinstance(recipients, list) else ()):
        role = str(who).removeprefix("role:")
        is_role = str(who).startswith("role:") and role in _ROLES
        if not (is_role or who in _RECIPIENTS or "@" in str(who)):
            words = ", ".join((*(f"role:{role}" for role in _ROLES), *_RECIPIENTS))
            yield f"{path}.recipients[{place}]", f"{who!r} is no address and none of {words}"


def _split(line: str) -> Problem:
    where, _, what = line.partition(": ")
    return where, what


def _shared_accounts(tenants: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield accounts of several tenants; those that one has twice, its own checks tell."""
    return _repeated_accounts(tenants, within=False)


def _repeated_accounts(tenants: Mapping[str, Any], *, within: bool = True) -> Iterator[Problem]:
    """Yield the places of accounts that stand somewhere above.

    What is told is the place in the list: its ``account_id`` may be wrong in other ways too, and of
    each setting the first complaint alone is told.

    :param within: whether those that a tenant has twice are meant, or those that several have.
    """
    owners: dict[str, tuple[str, str]] = {}
    for name, tenant in tenants.items():
        listed = tenant.get("accounts") if isinstance(tenant, Mapping) else None
        for place, account in enumerate(listed if isinstance(listed, list) else ()):
            account_id = account.get("account_id") if isinstance(account, Mapping) else None
            if not isinstance(account_id, str) or not account_id:
                continue
            path = f"tenants.{name}.accounts[{place}]"
            owner, first = owners.setdefault(account_id.strip().lower(), (str(name), path))
            if first != path and (owner == str(name)) is within:
                yield path, f"is account {account_id}, which stands at {first} already"
