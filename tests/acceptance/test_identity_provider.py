"""Ways in whose proof comes from elsewhere: a provider's tokens, a proxy's certificates."""

import base64
import hashlib
import json
import ssl
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.domain.authentication.api_clients import Method, Scope
from connector.services.authentication.throttle import MAX_FAILURES
from connector.settings import AuthenticationSettings, JwtSettings
from tests.clocks import ManualClock
from tests.connector import BASE, ok, refused

DER = b"a certificate in DER"
FINGERPRINT = hashlib.sha256(DER).hexdigest()
PEM = quote(ssl.DER_cert_to_PEM_cert(DER), safe="-")
HEADER = f":{base64.b64encode(DER).decode()}:"
PROXY, STRANGER = "10.1.2.3", "203.0.113.9"


class Provider:
    """An identity provider with one key at a time, which publishes it on loopback."""

    def __init__(self):
        self.up, self.requests, self.url = True, 0, ""
        self.clock = ManualClock()
        self.rotate("k1")

    def rotate(self, kid):
        self.kid, self.key = kid, rsa.generate_private_key(65537, 2048)

    def key_set(self):
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig"}]}

    def token(self, **claims):
        now = int(self.clock.now().timestamp())
        usual = {"iss": "https://idp", "aud": "scim", "azp": "app", "iat": now, "exp": now + 600}
        return jwt.encode({**usual, **claims}, self.key, "RS256", headers={"kid": self.kid})


@contextmanager
def served(provider):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            provider.requests += 1
            self.send_response(200 if provider.up else 500)
            self.end_headers()
            self.wfile.write(json.dumps(provider.key_set()).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    provider.url = f"http://127.0.0.1:{server.server_port}/keys"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def provider():
    with served(Provider()) as provider:
        yield provider


@pytest.fixture
def start(connect, provider):
    def start(**options):
        options = {"timeout_s": 60.0, **options}
        settings = JwtSettings("https://idp", "scim", provider.url, **options)
        methods = ("token", "basic", "jwt")
        connector = connect(authentication=AuthenticationSettings(methods, settings))
        connector.client_token("entra", method=Method.JWT, bound_to="app")
        provider.clock = connector.clock
        return connector

    return start


@pytest.fixture
def behind_proxy(connect):
    connector = connect(
        authentication=AuthenticationSettings(
            ("token", "mtls"), trusted_proxies=("10.0.0.0/8", "::1")
        )
    )
    connector.client_token("midpoint", method=Method.MTLS, bound_to=FINGERPRINT)
    return connector


def bearer(connector, token, path="/Users?count=1", **options):
    return connector.http.open(BASE + path, headers={"Authorization": f"Bearer {token}"}, **options)


def certified(connector, value, address=PROXY, **headers):
    headers = {"Client-Cert": value, **headers}
    return connector.http.get(
        f"{BASE}/Users?count=1", headers=headers, environ_base={"REMOTE_ADDR": address}
    )


def test_a_token_of_the_provider_opens(start, provider):
    connector = start()
    for _ in range(3):
        ok(bearer(connector, provider.token()))
    assert provider.requests == 1
    ok(bearer(connector, connector.token))
    refused(bearer(connector, provider.token(aud="other")), 401)
    refused(bearer(connector, provider.token(azp="unregistered")), 401)


def test_new_keys_are_found_and_old_ones_end(start, provider):
    connector = start()
    old = provider.token()
    ok(bearer(connector, old))
    provider.rotate("k2")
    connector.clock.advance(61)
    ok(bearer(connector, provider.token()))
    refused(bearer(connector, old), 401)


def test_the_last_keys_are_kept_while_the_provider_is_down(start, provider):
    connector = start()
    ok(bearer(connector, provider.token()))
    provider.up = False
    connector.clock.advance(7200)
    ok(bearer(connector, provider.token()))
    assert provider.requests == 2


def test_without_any_keys_the_client_is_to_repeat(start, provider):
    connector = start()
    provider.up = False
    response = bearer(connector, provider.token())
    refused(response, 503)
    assert int(response.headers["Retry-After"]) > 0
    provider.up = True
    connector.clock.advance(61)
    ok(bearer(connector, provider.token()))


def test_a_revoked_client_is_out_whatever_its_token_says(start, provider):
    connector = start()
    ok(bearer(connector, provider.token()))
    connector.application.clients.revoke("default", "entra")
    refused(bearer(connector, provider.token()), 401)


def test_the_scopes_of_the_client_bound_those_of_the_token(start, provider):
    connector = start(scope_claim="roles")
    connector.client_token(
        "reader", method=Method.JWT, bound_to="r", scopes=frozenset({Scope.READ})
    )
    refused(bearer(connector, provider.token()), 401)
    ok(bearer(connector, provider.token(roles=["read", "Other"])))
    user = {"method": "POST", "path": "/Users", "json": {"userName": "new@example.com"}}
    refused(bearer(connector, provider.token(roles=["read"]), **user), 403)
    refused(bearer(connector, provider.token(azp="r", roles=["read", "write"]), **user), 403)


def test_failures_are_throttled(start, provider):
    connector = start()
    for _ in range(MAX_FAILURES):
        refused(bearer(connector, provider.token(aud="other")), 401)
    refused(bearer(connector, provider.token(aud="other")), 429)
    ok(bearer(connector, provider.token()))


def test_malformed_basic_counts(connector):
    headers = {"Authorization": "Basic !!!"}
    for _ in range(MAX_FAILURES):
        refused(connector.http.get(f"{BASE}/Users", headers=headers), 401)
    refused(connector.http.get(f"{BASE}/Users", headers=headers), 429)


def test_discovery_and_challenges_tell_what_is_offered(start, connector, behind_proxy):
    def told(connector):
        schemes = ok(connector.get("/ServiceProviderConfig"))["authenticationSchemes"]
        challenges = connector.http.get(f"{BASE}/Users").headers.getlist("WWW-Authenticate")
        return [each["name"] for each in schemes], [each.split()[0] for each in challenges]

    names = ["OAuth Bearer Token", "OAuth 2.0 Client Credentials", "HTTP Basic"]
    assert told(connector) == (names, ["Bearer", "Basic"])
    assert told(start()) == ([names[0], names[2], "JWT Access Token"], ["Bearer", "Basic"])
    assert told(behind_proxy) == (names[:1], ["Bearer"])


def test_what_is_not_offered_opens_nothing(connector, provider):
    refused(bearer(connector, provider.token()), 401)
    refused(certified(connector, HEADER), 401)


@pytest.mark.parametrize(
    "value", [HEADER, PEM, FINGERPRINT, bytes.fromhex(FINGERPRINT).hex(":").upper()]
)
@pytest.mark.parametrize("address", [PROXY, "::ffff:10.1.2.3", "::1"])
def test_a_certificate_opens_through_the_proxy(behind_proxy, value, address):
    ok(certified(behind_proxy, value, address))


@pytest.mark.parametrize("address", [STRANGER, "", "unix:", "11.0.0.1", "::ffff:203.0.113.9"])
def test_a_certificate_header_from_elsewhere_is_nothing(behind_proxy, address):
    forwarded = {"X-Forwarded-For": PROXY, "Forwarded": f"for={PROXY}"}
    refused(certified(behind_proxy, HEADER, address, **forwarded), 401)


@pytest.mark.parametrize(
    "value",
    [
        ":",
        "::",
        ":!!:",
        HEADER[:-3],
        PEM[:-9],
        "-----BEGIN",
        HEADER * 1000,
        f"{HEADER},{HEADER}",
        FINGERPRINT[:40],
        "0" * 64,
    ],
)
def test_other_certificates_do_not_open(behind_proxy, value):
    refused(certified(behind_proxy, value), 401)


def test_a_revoked_certificate_is_out_and_a_renewed_one_in(behind_proxy):
    clients = behind_proxy.application.clients
    renewed = hashlib.sha256(b"renewed").hexdigest()
    clients.rotate("default", "midpoint", bound_to=renewed)
    refused(certified(behind_proxy, HEADER), 401)
    ok(certified(behind_proxy, renewed))
    clients.revoke("default", "midpoint")
    refused(certified(behind_proxy, renewed), 401)
    clients.add("default", "again", method=Method.MTLS, bound_to=renewed)
    ok(certified(behind_proxy, renewed))
