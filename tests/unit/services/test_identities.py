"""Whom claims of the identity provider name, and whose address counts."""

from __future__ import annotations

import pytest

from connector.services.authentication.identities import SignInRefusedError, identity_of
from connector.settings import ConsoleGroups, OidcSettings

CLAIMS = {"email": "Pat@corp.example", "sub": "p1"}


def known(oidc, **claims):
    return identity_of({**CLAIMS, **claims}, oidc, ConsoleGroups())


@pytest.mark.parametrize(
    ("claims", "trust", "counts"),
    [
        ({"email_verified": True}, False, True),
        ({"email_verified": "true"}, False, True),
        ({}, False, False),
        ({}, True, True),
        ({"email_verified": False}, True, False),
        ({"email_verified": "false"}, True, False),
        ({"email_verified": 1}, True, False),
    ],
)
def test_an_address_counts_once_it_is_verified(claims, trust, counts):
    by_sub = OidcSettings(login_claim="sub", trust_email=trust)
    assert known(by_sub, **claims).email == ("Pat@corp.example" if counts else "")
    by_email = OidcSettings(trust_email=trust)
    if counts:
        assert known(by_email, **claims).login == "pat@corp.example"
    else:
        with pytest.raises(SignInRefusedError, match="not verified your e-mail address"):
            known(by_email, **claims)
