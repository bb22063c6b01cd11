"""Who a person is, as the claims of the identity provider say: at the console and at the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.console import ConsoleRole, SignInMethod
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
    if oidc.login_claim == "email" and claims.get("email_verified") is False:
        raise SignInRefusedError("The identity provider has not verified your e-mail address.")
    email = claims.get("email")
    is_verified = claims.get("email_verified") is not False
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


def _roles(groups: frozenset[str], named: ConsoleGroups) -> frozenset[ConsoleRole]:
    return frozenset(role for role in ConsoleRole if groups & set(getattr(named, str(role))))
