"""Tokens: cached, renewed early by one thread, refusals named and remembered for a moment."""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.docusign import errors
from connector.docusign.auth import Subject, TokenSource
from connector.docusign.hosts import Hosts
from connector.docusign.jwt_grant import JwtGranter
from connector.docusign.tokens import TokenEndpoint
from connector.domain.consent.links import ADMIN_SCOPES
from connector.settings import DocusignSettings, Secret

OAUTH = "https://account-d.docusign.com/oauth/token"


def answers(mocker):
    """Answer with a new token each time; return the requests."""
    issued = []

    def issue(request, context):
        issued.append(request)
        return {"access_token": f"token-{len(issued)}", "expires_in": 3600}

    mocker.post(OAUTH, json=issue)
    return issued


def claims_of(request):
    assertion = request.text.partition("assertion=")[2]
    return jwt.decode(assertion, options={"verify_signature": False})


def test_assertion_carries_what_docusign_demands(tokens, subject, wire_mock, clock):
    issued = answers(wire_mock)
    tokens.token(subject)
    claims = claims_of(issued[0])
    assert claims["iss"] == "ik"
    assert claims["sub"] == subject.user_id
    assert claims["aud"] == "account-d.docusign.com"
    assert claims["scope"] == "impersonation signature"
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["iat"] == int(clock.now().timestamp())


def test_token_is_used_until_shortly_before_its_end(tokens, subject, wire_mock, clock):
    answers(wire_mock)
    assert tokens.token(subject) == "token-1"
    clock.advance(3600 - 900 - 1)
    assert tokens.token(subject) == "token-1"
    clock.advance(2)
    assert tokens.token(subject) == "token-2"


def test_no_repr_shows_a_token(settings, transport, subject, wire_mock, clock):
    wire_mock.post(OAUTH, json={"access_token": "ACCESS-1", "expires_in": 3600})
    hosts = Hosts.of(settings)
    endpoint = TokenEndpoint(settings, hosts, transport)
    grant = JwtGranter(settings, hosts, endpoint).grant(subject, clock.now(), "")
    assert grant.token == "ACCESS-1"
    assert "ACCESS-1" not in f"{grant!r} {grant}"


def test_each_scope_set_has_its_own_token(tokens, subject, wire_mock):
    issued = answers(wire_mock)
    tokens.token(subject)
    tokens.token(replace(subject, scopes=ADMIN_SCOPES))
    tokens.token(Subject("somebody-else", subject.scopes))
    assert len(issued) == 3


def test_fifty_threads_ask_once(tokens, subject, wire_mock, together):
    issued = answers(wire_mock)
    results = together(50, lambda: tokens.token(subject))
    assert set(results) == {"token-1"}
    assert len(issued) == 1


def test_others_go_on_with_the_old_token_while_one_renews(
    tokens, subject, wire_mock, clock, together
):
    answers(wire_mock)
    tokens.token(subject)
    clock.advance(3000)
    release, asked, has_begun = threading.Event(), [], threading.Event()

    def slow(request, context):
        asked.append(request)
        has_begun.set()
        release.wait(60)
        return {"access_token": "fresh", "expires_in": 3600}

    wire_mock.post(OAUTH, json=slow)
    renewing = threading.Thread(target=tokens.token, args=(subject,))
    renewing.start()
    assert has_begun.wait(60), "nothing renews it early"
    assert set(together(49, lambda: tokens.token(subject))) == {"token-1"}
    release.set()
    renewing.join()
    assert tokens.token(subject) == "fresh"
    assert len(asked) == 1


def test_failed_early_renewal_keeps_the_valid_token(tokens, subject, wire_mock, clock):
    answers(wire_mock)
    tokens.token(subject)
    clock.advance(3000)
    wire_mock.post(OAUTH, status_code=503)
    assert tokens.token(subject) == "token-1"
    clock.advance(600)
    with pytest.raises(errors.UnavailableError):
        tokens.token(subject)


def test_refusal_is_remembered_for_a_moment(tokens, subject, wire_mock, clock, together):
    refused = wire_mock.post(OAUTH, status_code=400, json={"error": "consent_required"})
    results = together(50, lambda: tokens.token(subject))
    assert {type(item) for item in results} == {errors.ConsentRequiredError}
    assert refused.call_count == 1
    clock.advance(6)
    answers(wire_mock)
    assert tokens.token(subject) == "token-1"


@pytest.mark.parametrize("status", [400, 401])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "consent_required"}, errors.ConsentRequiredError),
        (
            {"error": "invalid_grant", "error_description": "no_valid_keys_or_signatures"},
            errors.KeyRejectedError,
        ),
        (
            {"error": "invalid_grant", "error_description": "issuer_not_found"},
            errors.IntegrationKeyUnknownError,
        ),
        (
            {"error": "invalid_grant", "error_description": "user_not_found"},
            errors.SubjectUnknownError,
        ),
        (
            {"error": "invalid_grant", "error_description": "invalid_subject"},
            errors.SubjectUnknownError,
        ),
        ({"error": "invalid_grant", "error_description": "expired_grant"}, errors.ClockSkewError),
        ({"error": "invalid_grant"}, errors.RefusedError),
    ],
)
def test_refusals_of_the_token_endpoint_are_named(
    *, tokens, subject, wire_mock, body, expected, status
):
    wire_mock.post(OAUTH, status_code=status, json=body)
    with pytest.raises(expected) as caught:
        tokens.token(subject)
    assert caught.value.error_code == (body.get("error_description") or body["error"])
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"text": "<html>proxy</html>"}, errors.BadAnswerError),
        ({"status_code": 401}, errors.BadAnswerError),
        ({"status_code": 401, "text": "<html>sign in</html>"}, errors.BadAnswerError),
        ({"status_code": 403, "text": "<html>no</html>"}, errors.BadAnswerError),
        ({"status_code": 404, "text": "<html>where?</html>"}, errors.BadAnswerError),
        ({"json": {}}, errors.BadAnswerError),
        ({"status_code": 502, "text": "<html>"}, errors.UnavailableError),
        ({"status_code": 429}, errors.RateLimitedError),
        ({"exc": requests.ConnectTimeout}, errors.UnavailableError),
        ({"exc": requests.ReadTimeout}, errors.UnavailableError),
    ],
)
def test_troubles_of_the_token_endpoint_are_temporary(tokens, subject, wire_mock, answer, expected):
    wire_mock.post(OAUTH, **answer)
    with pytest.raises(expected):
        tokens.token(subject)


@pytest.mark.parametrize("key", [None, Secret("canary-no-key"), Secret("-----BEGIN canary")])
def test_unusable_key_is_named_and_not_shown(subject, transport, clock, key, capsys):
    settings = DocusignSettings(integration_key="ik", private_key=key)
    source = TokenSource(settings, Hosts.of(settings), transport, clock)
    with pytest.raises(errors.KeyRejectedError) as caught:
        source.token(subject)
    assert caught.value.__cause__ is None
    assert "canary" not in repr(caught.value) + str(caught.value)


@pytest.mark.parametrize(
    ("environment", "host"),
    [("demo", "account-d.docusign.com"), ("production", "account.docusign.com")],
)
def test_hosts_follow_the_environment(environment, host):
    hosts = Hosts.of(DocusignSettings(environment=environment))
    assert hosts.jwt_audience == host
    assert hosts.oauth_url == f"https://{host}"
    assert hosts.admin_url.startswith("https://api")


def pem_of(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.fixture
def registered(wire_mock):
    """The public keys that DocuSign accepts; a test changes them. Others are refused."""
    known: list[rsa.RSAPublicKey] = []

    def issue(request, context):
        assertion = request.text.partition("assertion=")[2]
        for public in known:
            with contextlib.suppress(jwt.InvalidSignatureError):
                jwt.decode(
                    assertion,
                    public,
                    algorithms=["RS256"],
                    options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
                )
                return {"access_token": "token", "expires_in": 3600}
        context.status_code = 400
        return {"error": "invalid_grant", "error_description": "no_valid_keys_or_signatures"}

    wire_mock.post(OAUTH, json=issue)
    return known


def test_a_key_whose_file_was_replaced_is_used_without_a_restart(  # noqa: PLR0917 -- fixtures
    subject, transport, clock, registered, wire_mock, tmp_path
):
    old, new = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    path = tmp_path / "key.pem"
    path.write_bytes(pem_of(old))
    settings = DocusignSettings(integration_key="ik", private_key=Secret.read(path))
    source = TokenSource(settings, Hosts.of(settings), transport, clock)
    registered.append(old.public_key())
    assert source.request(subject) == subject.scopes

    registered[:] = [new.public_key()]
    with pytest.raises(errors.KeyRejectedError):
        source.request(subject)
    for unreadable in (None, b"\xff\xfe", b"half a key"):
        path.unlink() if unreadable is None else path.write_bytes(unreadable)
        with pytest.raises(errors.KeyRejectedError):
            source.request(subject)

    path.write_bytes(pem_of(new) + b"\n")
    assert source.request(subject) == subject.scopes
    calls = wire_mock.call_count
    assert source.request(subject) == subject.scopes
    assert wire_mock.call_count == calls + 1, "the new key is asked with at once"


def test_of_two_tokens_refused_at_once_both_are_asked_for_with_the_new_key(  # noqa: PLR0917
    subject, transport, clock, registered, monkeypatch, tmp_path
):
    old, new = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    path = tmp_path / "key.pem"
    path.write_bytes(pem_of(old))
    settings = DocusignSettings(integration_key="ik", private_key=Secret.read(path))
    source = TokenSource(settings, Hosts.of(settings), transport, clock)
    registered.append(new.public_key())
    path.write_bytes(pem_of(new))
    ask, other = TokenEndpoint.ask, Subject(subject.user_id, ADMIN_SCOPES)

    def overtaken(*arguments):
        try:
            return ask(*arguments)
        except errors.KeyRejectedError:
            monkeypatch.setattr(TokenEndpoint, "ask", ask)
            assert source.request(other) == other.scopes
            raise

    monkeypatch.setattr(TokenEndpoint, "ask", overtaken)
    assert source.request(subject) == subject.scopes


def test_a_key_that_came_of_no_file_is_refused_once(
    subject, transport, clock, registered, wire_mock
):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings = DocusignSettings(integration_key="ik", private_key=Secret(pem_of(key).decode()))
    source = TokenSource(settings, Hosts.of(settings), transport, clock)
    with pytest.raises(errors.KeyRejectedError):
        source.request(subject)
    assert wire_mock.call_count == 1
