"""Authorization code, refresh tokens and the pages where people agree and take it back."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from simulator.state.model import Status
from tests.simulated import BASE_URL, simulated

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]


class Clock:
    def __init__(self):
        self.time = datetime(2026, 3, 1, tzinfo=UTC)

    def now(self):
        return self.time


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(clock):
    return simulated(50, now=clock.now)


def answer_of(world, decision="accept", scope="signature extended", **form):
    details = world.details
    query = {
        "response_type": "code",
        "client_id": details["integration_key"],
        "redirect_uri": details["redirect_uri"],
        "scope": scope,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    data = {"decision": decision, "user_id": details["user_id"], **form}
    answer = world.session().post(
        f"{BASE_URL}/oauth/auth", params=query, data=data, allow_redirects=False
    )
    return {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def ask(world, secret=None, **form):
    details = world.details
    auth = (details["integration_key"], secret or details["client_secret"])
    return world.session().post(f"{BASE_URL}/oauth/token", data=form, auth=auth)


def exchange(world, code, verifier=VERIFIER, **options):
    return ask(world, grant_type="authorization_code", code=code, code_verifier=verifier, **options)


def refresh(world, token):
    return ask(world, grant_type="refresh_token", refresh_token=token)


def test_a_code_is_exchanged_once_for_tokens_that_work(world):
    code = answer_of(world)["code"]
    tokens = exchange(world, code).json()
    assert tokens["expires_in"] == 8 * 3600
    who = world.session(tokens["access_token"]).get(f"{BASE_URL}/oauth/userinfo").json()
    assert who["sub"] == world.details["user_id"]
    assert exchange(world, code).json()["error"] == "invalid_grant"


def test_verifier_secret_and_time_are_checked(world, clock):
    assert exchange(world, answer_of(world)["code"], "other").json()["error"] == "invalid_grant"
    wrong = exchange(world, answer_of(world)["code"], secret="wrong")
    assert wrong.json() == {"error": "invalid_client"}
    code = answer_of(world)["code"]
    clock.time += timedelta(minutes=3)
    assert exchange(world, code).json()["error"] == "invalid_grant"


def test_a_public_app_needs_no_secret_and_others_do(world):
    form = {
        "grant_type": "authorization_code",
        "code_verifier": VERIFIER,
        "client_id": world.details["integration_key"],
    }
    post = lambda: world.session().post(  # noqa: E731
        f"{BASE_URL}/oauth/token", data={**form, "code": answer_of(world)["code"]}
    )
    assert post().json() == {"error": "invalid_client"}
    world.app.test_client().put("/_simulator/application", json={"is_public": True})
    assert post().status_code == 200


def test_a_refresh_token_rotates(world):
    first = exchange(world, answer_of(world)["code"]).json()["refresh_token"]
    second = refresh(world, first).json()["refresh_token"]
    assert second != first
    assert refresh(world, first).json()["error"] == "invalid_grant"
    assert refresh(world, second).status_code == 200


def test_a_used_one_works_again_where_rotation_is_lenient(world):
    world.set_variants(refresh_rotation="lenient")
    first = exchange(world, answer_of(world)["code"]).json()["refresh_token"]
    assert refresh(world, first).status_code == 200
    assert refresh(world, first).status_code == 200


@pytest.mark.parametrize(("scope", "lives"), [("signature extended", True), ("signature", False)])
def test_extended_begins_a_new_lifetime_at_each_refresh(world, clock, scope, lives):
    token = exchange(world, answer_of(world, scope=scope)["code"]).json()["refresh_token"]
    clock.time += timedelta(days=20)
    token = refresh(world, token).json()["refresh_token"]
    clock.time += timedelta(days=20)
    assert (refresh(world, token).status_code == 200) is lives


def test_who_is_closed_or_took_it_back_is_refused(world):
    user_id = world.details["user_id"]
    token = exchange(world, answer_of(world)["code"]).json()["refresh_token"]
    answer = world.session().post(f"{BASE_URL}/connected-apps", data={"revoke": user_id})
    assert answer.status_code == 200
    assert refresh(world, token).json()["error"] == "invalid_grant"
    token = exchange(world, answer_of(world)["code"]).json()["refresh_token"]
    for membership in world.service_user.memberships.values():
        membership.status = Status.CLOSED
    assert refresh(world, token).json()["error"] == "invalid_grant"


def test_anybody_agrees_for_themselves_by_address_and_takes_it_back(world):
    user = world.member().user
    answer_of(world, scope="signature impersonation", email=user.email)
    page = world.session().get(f"{BASE_URL}/connected-apps")
    assert user.email in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    world.app.test_client().delete(f"/_simulator/consent/{user.user_id}")
    assert user.email not in world.session().get(f"{BASE_URL}/connected-apps").text


def test_nobody_of_that_address_is_a_refusal(world):
    assert answer_of(world, email="nobody@example.com")["error"] == "access_denied"
