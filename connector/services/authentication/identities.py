"""Who a person is, as the claims of the identity provider say: at the console and at the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.authentication.console import ConsoleRole, SignInMethod
from connector.errors import PermanentError
from connector.settings import ConsoleGroups, OidcSettings

_LONGEST = 100
"""Characters of a login and of a shown name."""


class SignInRefusedError(PermanentError):
    """The person may not sign in."""


@dataclass(frozen=True)
class Identity:
    """Who a person is, as somebody else has proved."""

    login: str
    display_name: str
    email: str
    roles: frozenset[ConsoleRole]
    groups: frozenset[str] = frozenset()
    method: SignInMethod = SignInMethod.LOCAL


def identity_of(
    claims: Mapping[str, Any], oidc: OidcSettings, console_groups: ConsoleGroups
) -> Identity:
    """Return the person of whom claims speak that were proved to be the provider's.

    :raises SignInRefusedError: they do not name one, or not in a way that can be relied on.
    """
    login = claims.get(oidc.login_claim)
    if not isinstance(login, str) or not login.strip() or not login.isprintable():
        raise SignInRefusedError(
            f"The identity provider sends no claim {oidc.login_claim!r}, by which people are known "
            "here (console.oidc.login_claim)."
        )
    email = claims.get("email")
    is_verified = _is_verified(claims, oidc)
    if oidc.login_claim == "email" and not is_verified:
        raise SignInRefusedError(
            "The identity provider has not verified your e-mail address, or does not say so "
            "(email_verified). Where people cannot choose their address there, an administrator "
            "sets console.oidc.trust_email."
        )
    groups = claims.get(oidc.groups_claim) or ()
    groups = [groups] if isinstance(groups, str) else groups
    listed = groups if isinstance(groups, list | tuple) else ()
    names = frozenset(str(item) for item in listed if isinstance(item, str | int))
    login = login.strip().lower()[:_LONGEST]
    return Identity(
        login=login,
        display_name=str(claims.get(oidc.name_claim) or login)[:_LONGEST],
        email=email if isinstance(email, str) and is_verified else "",
        roles=_roles(names, console_groups),
        groups=names,
        method=SignInMethod.OIDC,
    )


def _is_verified(claims: Mapping[str, Any], oidc: OidcSettings) -> bool:
    """Return whether the address is the person's (OpenID Connect Core 1.0 §5.1): one that nobody
    checked is a name that people can choose."""
    said = claims.get("email_verified")
    if said is None:
        return oidc.trust_email
    return said is True or said == "true"  # As text: Amazon Cognito.


def _roles(groups: frozenset[str], named: ConsoleGroups) -> frozenset[ConsoleRole]:
    return frozenset(role for role in ConsoleRole if groups & set(getattr(named, str(role))))
