"""Tokens of the identity provider: what is wrong with each is found, whatever was tried."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connector.domain.authentication.api_clients import Method
from connector.errors import InvalidRequestError, TemporaryError, UniquenessError
from connector.services.authentication.api_clients import ApiClientService, InvalidTokenError
from connector.services.authentication.identity_tokens import MAX_LENGTH, KeySet, TokenVerifier
from connector.settings import JwtSettings

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = int(START.timestamp())
CLAIMS = {"iss": "https://idp", "aud": "scim", "azp": "app", "exp": NOW + 600}
RSA, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
EC = ec.generate_private_key(ec.SECP256R1())


class Clock:
    time = START

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += timedelta(seconds=seconds)


def published(key, kid, **members):
    kind = jwt.algorithms.ECAlgorithm if key is EC else jwt.algorithms.RSAAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, **members}


class Provider:
    def __init__(self):
        self.keys = [published(RSA, "r"), published(EC, "e", use="sig", alg="ES256")]
        self.fetched, self.up = 0, True

    def fetch(self):
        self.fetched += 1
        if not self.up:
            raise TemporaryError("down", retry_after_s=1)
        return {"keys": self.keys}


@pytest.fixture
def provider():
    return Provider()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def verifier(provider, clock):
    settings = JwtSettings("https://idp", "scim", "https://idp/keys")
    return TokenVerifier(settings, KeySet(provider.fetch, clock), clock)


def signed(key=RSA, algorithm="RS256", headers=None, **claims):
    header = {"kid": "r", **(headers or {})}
    chosen = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return jwt.encode(chosen, key, algorithm, headers=header)


def part(value):
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def by_public_key_as_secret():
    body = part({"alg": "HS256", "kid": "r"}) + "." + part(CLAIMS)
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return body + "." + part(hmac.digest(pem, body.encode(), hashlib.sha256))


@pytest.mark.parametrize(
    "token",
    [
        signed(),
        signed(algorithm="PS256"),
        signed(EC, "ES256", {"kid": "e"}),
        signed(aud=["x", "scim"]),
        signed(exp=NOW - 59),
        signed(nbf=NOW + 59, iat=NOW + 59),
    ],
)
def test_what_is_right_is_believed(verifier, token):
    assert verifier.verify(token).application == "app"


@pytest.mark.parametrize("name", ["client_id", "appid", "cid"])
def test_the_application_may_stand_in_several_claims(verifier, name):
    assert verifier.verify(signed(azp=None, **{name: "one"})).application == "one"


HOSTILE = {
    "no token": "x",
    "dots": "..",
    "no signature": f"{part({'alg': 'none', 'kid': 'r'})}.{part(CLAIMS)}.",
    "None": f"{part({'alg': 'None', 'kid': 'r'})}.{part(CLAIMS)}.",
    "signature left out": signed().rpartition(".")[0] + ".",
    "public key as secret": by_public_key_as_secret(),
    "algorithm that is not accepted": signed(algorithm="RS512"),
    "algorithm is a list": f"{part({'alg': ['RS256'], 'kid': 'r'})}.{part(CLAIMS)}.AA",
    "other key": signed(OTHER),
    "unknown kid": signed(headers={"kid": "x"}),
    "kid of the other kind": signed(headers={"kid": "e"}),
    "no kid": jwt.encode(CLAIMS, RSA, "RS256"),
    "key in the token": signed(OTHER, headers={"kid": "x", "jwk": published(OTHER, "x")}),
    "critical extension": signed(headers={"crit": ["b64"], "b64": True}),
    "changed claims": ".".join(
        [signed().split(".")[0], part({**CLAIMS, "azp": "root"}), signed().split(".")[2]]
    ),
    "expired": signed(exp=NOW - 60),
    "no expiry": signed(exp=None),
    "expiry is text": signed(exp=str(NOW + 600)),
    "expiry is true": signed(exp=True),
    "expiry is not a number": signed(exp=float("nan")),
    "expiry is endless": signed(exp=float("inf")),
    "expiry is too large": signed(exp=10**400),
    "not yet valid": signed(nbf=NOW + 61),
    "from the future": signed(iat=NOW + 61),
    "other issuer": signed(iss="https://idp/"),
    "no issuer": signed(iss=None),
    "other audience": signed(aud="SCIM"),
    "no audience": signed(aud=None),
    "audience contains ours": signed(aud="scim2"),
    "no application": signed(azp=None),
    "application is a list": signed(azp=["app"], client_id="app"),
    "claims are a list": jwt.api_jws.encode(b"[]", RSA, "RS256", headers={"kid": "r"}),
    "nested": jwt.api_jws.encode(b"[" * 9000, RSA, "RS256", headers={"kid": "r"}),
    "huge": signed(more="x" * MAX_LENGTH),
    "not ASCII": signed() + "\u00e4",
    "lone surrogate": signed() + "\udc80",
}


@pytest.mark.parametrize("token", HOSTILE.values(), ids=HOSTILE)
def test_what_is_wrong_is_not(verifier, token):
    with pytest.raises(InvalidTokenError):
        verifier.verify(token)


def test_keys_that_are_not_for_us_are_passed_over(verifier, provider):
    small = rsa.generate_private_key(65537, 1024)
    secret = {"kty": "oct", "k": part(b"s" * 32), "kid": "o", "alg": "HS256"}
    provider.keys = [
        published(OTHER, "enc", use="enc"),
        published(OTHER, "ps", alg="PS256"),
        published(small, "small"),
        {"kty": "RSA", "kid": "broken", "n": "!", "e": 1},
        {"kty": "EC", "kid": "r"},
        secret,
        "text",
        published(RSA, "r"),
    ]
    verifier.verify(signed())
    for token in (
        signed(OTHER, headers={"kid": "enc"}),
        signed(OTHER, headers={"kid": "ps"}),
        signed(headers={"kid": "small"}),
        signed(headers={"kid": "broken"}),
        f"{part({'alg': 'HS256', 'kid': 'o'})}.{part(CLAIMS)}.AA",
    ):
        with pytest.raises(InvalidTokenError):
            verifier.verify(token)


def test_unknown_kids_cost_the_provider_one_request_a_minute(verifier, provider, clock):
    verifier.verify(signed())
    for place in range(50):
        with pytest.raises(InvalidTokenError):
            verifier.verify(signed(headers={"kid": f"x{place}"}))
    assert provider.fetched == 1
    clock.sleep(60)
    with pytest.raises(InvalidTokenError):
        verifier.verify(signed(headers={"kid": "x"}))
    assert provider.fetched == 2


def test_a_withdrawn_key_ends_within_the_hour(verifier, provider, clock):
    verifier.verify(signed(exp=NOW + 9000))
    provider.keys = []
    clock.sleep(3601)
    with pytest.raises(InvalidTokenError):
        verifier.verify(signed(exp=NOW + 9000))


def test_keys_outlive_the_provider(verifier, provider, clock):
    verifier.verify(signed())
    provider.up = False
    for _ in range(3):
        clock.sleep(3601)
        verifier.verify(signed(exp=NOW + 90_000))
    assert provider.fetched == 4


def test_no_keys_yet_is_temporary(verifier, provider, clock):
    provider.up = False
    for _ in range(3):
        with pytest.raises(TemporaryError):
            verifier.verify(signed())
    assert provider.fetched == 1


# ------------------------------------------------------------------------- who is bound to what


@pytest.fixture
def service(sqlite_store, clock):
    return ApiClientService(sqlite_store, clock)


def test_an_application_is_known_in_its_tenant_only(service):
    added, _ = service.add("default", "entra", method=Method.JWT, bound_to="app")
    assert service.authenticate_bound("default", Method.JWT, "app") == added
    for tenant, method, subject in (
        ("other", Method.JWT, "app"),
        ("default", Method.MTLS, "app"),
        ("default", Method.JWT, "APP"),
    ):
        with pytest.raises(InvalidTokenError):
            service.authenticate_bound(tenant, method, subject)
    with pytest.raises(InvalidTokenError):
        service.authenticate("default", "app")


def test_an_application_belongs_to_one_client_until_that_is_revoked(service):
    service.add("default", "one", method=Method.JWT, bound_to="app")
    with pytest.raises(UniquenessError, match="one"):
        service.add("default", "two", method=Method.JWT, bound_to="app")
    service.revoke("default", "one")
    with pytest.raises(InvalidTokenError):
        service.authenticate_bound("default", Method.JWT, "app")
    service.add("default", "two", method=Method.JWT, bound_to="app")
    assert service.authenticate_bound("default", Method.JWT, "app").client_id == "two"


@pytest.mark.parametrize(
    ("method", "bound_to"),
    [
        (Method.JWT, ""),
        (Method.JWT, "a b"),
        (Method.JWT, "x" * 256),
        (Method.MTLS, ""),
        (Method.MTLS, "ab" * 20),
        (Method.TOKEN, "app"),
    ],
)
def test_what_a_client_is_bound_to_has_a_form(service, method, bound_to):
    with pytest.raises(InvalidRequestError):
        service.add("default", "x", method=method, bound_to=bound_to)


def test_a_method_that_is_not_offered_is_refused(sqlite_store, clock, service):
    _, token = service.add("default", "iiq")
    narrow = ApiClientService(sqlite_store, clock, frozenset({Method.BASIC}))
    with pytest.raises(InvalidTokenError):
        narrow.authenticate("default", token)
    with pytest.raises(InvalidRequestError, match=r"authentication\.methods"):
        narrow.add("default", "entra", method=Method.JWT, bound_to="app")
