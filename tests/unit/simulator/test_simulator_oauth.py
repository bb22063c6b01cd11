"""The authentication host: every refusal in DocuSign's own words."""

from __future__ import annotations

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.routes.oauth import JWT_GRANT
from tests.simulated import BASE_URL, simulated


@pytest.fixture
def world():
    return simulated(40)


def seconds(world):
    """Return what time it is there."""
    return int(world.state.now().timestamp())


def ask(world, key=None, grant_type=JWT_GRANT, **changes):
    """Ask for a token with a good assertion, changed in some claims; None leaves one out."""
    details, now = world.details, seconds(world)
    claims = {
        "iss": details["integration_key"],
        "sub": details["user_id"],
        "aud": details["jwt_audience"],
        "iat": now,
        "exp": now + 3600,
        "scope": "signature impersonation",
        **changes,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    assertion = jwt.encode(claims, key or details["private_key_pem"], algorithm="RS256")
    form = {"grant_type": grant_type, "assertion": assertion}
    return world.session().post(f"{BASE_URL}/oauth/token", data=form)


def test_a_good_assertion_gives_a_token_for_an_hour(world):
    answer = ask(world, exp=seconds(world) + 7200)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert "X-RateLimit-Limit" not in answer.headers


@pytest.fixture(scope="module")
def wrong_key():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": None}, "no_valid_keys_or_signatures"),
        ({"aud": "https://docusign.example"}, "no_valid_keys_or_signatures"),
        ({"aud": None}, "no_valid_keys_or_signatures"),
        ({"nbf": 4_000_000_000}, "no_valid_keys_or_signatures"),
        ({"iss": "unknown"}, "issuer_not_found"),
        ({"aud": "account.docusign.com"}, "issuer_not_found"),
        ({"sub": "somebody@northwind-freight.example"}, "user_not_found"),
        ({"exp": 1_000_000_000}, "expired_grant"),
    ],
)
def test_a_bad_assertion_is_an_invalid_grant(world, changes, description):
    answer = ask(world, **changes)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": description}


def test_a_wrong_key(world, wrong_key):
    answer = ask(world, wrong_key)
    assert answer.json()["error_description"] == "no_valid_keys_or_signatures"


def test_no_assertion_at_all(world):
    form = {"grant_type": JWT_GRANT, "assertion": "nonsense"}
    answer = world.session().post(f"{BASE_URL}/oauth/token", data=form)
    assert answer.json()["error"] == "invalid_grant"


def test_another_grant_type(world):
    assert ask(world, grant_type="password").json() == {"error": "unsupported_grant_type"}


def test_a_closed_subject(world):
    for membership in world.service_user.memberships.values():
        membership.status = type(membership.status).CLOSED
    assert ask(world).json()["error_description"] == "user_not_found"


@pytest.mark.parametrize("scope", ["signature", "signature impersonation account_write"])
def test_consent_must_cover_every_scope(world, scope):
    answer = ask(world, scope=scope)
    assert answer.json() == {"error": "consent_required"}


def test_the_status_of_refusals_varies(world):
    world.set_variants(token_error_status=401)
    assert ask(world, scope="signature").status_code == 401


def application(world):
    return next(iter(world.state.applications.by_key.values()))


def test_admin_consent_covers_users_of_claimed_domains_only(world):
    world.app.extensions["simulator"].revoke_consent()
    assert ask(world).json() == {"error": "consent_required"}
    application(world).admin_consent |= {"signature", "impersonation"}
    assert ask(world).status_code == 200
    world.state.organization.domains.clear()
    assert ask(world).json() == {"error": "consent_required"}


def test_an_application_token_is_no_user(world):
    application(world).admin_consent |= {"user_read", "organization_read"}
    answer = ask(world, sub=None, scope="user_read organization_read").json()
    assert answer["token_type"] == "Application"
    session = world.session(answer["access_token"])
    esign = session.get(f"{BASE_URL}/restapi/v2.1/accounts/{world.account.account_id}/users")
    assert (esign.status_code, esign.json()["errorCode"]) == (401, "AUTHORIZATION_INVALID_TOKEN")
    organization = f"{BASE_URL}/management/v2/organizations"
    assert session.get(organization).status_code == 403
    organization_id = world.state.organization.organization_id
    people = f"{organization}/{organization_id}/users/profile?email={world.service_user.email}"
    assert session.get(people).status_code == 200


def test_an_application_needs_admin_consent(world):
    assert ask(world, sub=None, scope="user_read").json() == {"error": "consent_required"}


def test_userinfo_names_the_server_itself(world):
    session = world.session(ask(world).json()["access_token"])
    who = session.get(f"{BASE_URL}/oauth/userinfo").json()
    assert who["sub"] == world.service_user.user_id
    assert {item["base_uri"] for item in who["accounts"]} == {BASE_URL}
    assert [item["is_default"] for item in who["accounts"]] == [True, False, False]


def test_userinfo_without_a_token(world):
    answer = world.session().get(f"{BASE_URL}/oauth/userinfo")
    assert (answer.status_code, answer.json()["error"]) == (401, "internal_server_error")


# -------------------------------------------------------------------- consent

SCOPES = "signature impersonation account_write"


def consent_query(world, **changes):
    return {
        "response_type": "code",
        "client_id": world.details["integration_key"],
        "redirect_uri": world.details["redirect_uri"],
        "state": "abc",
        "scope": SCOPES,
        **changes,
    }


def decide(world, decision="accept", user_id=None, **changes):
    form = {"decision": decision, "user_id": user_id or world.service_user.user_id}
    return world.session().post(
        f"{BASE_URL}/oauth/auth",
        params=consent_query(world, **changes),
        data=form,
        allow_redirects=False,
    )


def test_the_consent_page_shows_the_scopes(world):
    page = world.session().get(f"{BASE_URL}/oauth/auth", params=consent_query(world))
    assert page.status_code == 200
    assert "account_write" in page.text


@pytest.mark.parametrize("changes", [{"client_id": "unknown"}, {"redirect_uri": "http://else/"}])
def test_a_wrong_link_ends_at_docusign(world, changes):
    page = world.session().get(f"{BASE_URL}/oauth/auth", params=consent_query(world, **changes))
    assert page.status_code == 400
    assert decide(world, **changes).status_code == 400


def test_individual_consent(world):
    assert ask(world, scope=SCOPES).status_code == 400
    back = decide(world).headers["Location"]
    assert back.startswith(world.details["redirect_uri"] + "?state=abc&code=")
    assert ask(world, scope=SCOPES).status_code == 200


def test_admin_consent(world):
    decide(world, admin_consent_scope=SCOPES)
    assert application(world).admin_consent == set(SCOPES.split())


@pytest.mark.parametrize("decision", ["decline", "accept"])
def test_refusal_and_consent_by_somebody_who_may_not(world, decision):
    ordinary = world.member().user.user_id
    answer = decide(world, decision, user_id=ordinary, admin_consent_scope=SCOPES)
    assert answer.headers["Location"].endswith("?state=abc&error=access_denied")
