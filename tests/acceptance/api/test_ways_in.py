"""Who gets into the REST API, with what, and for how long."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from connector.domain.audit.events import AuditFilter
from connector.errors import InvalidRequestError
from connector.services.authentication.api_sign_in import ApiSignIn
from connector.services.authentication.identity_tokens import KeySet, TokenVerifier
from connector.services.authentication.known_addresses import KnownAddresses
from connector.settings import ConsoleGroups, JwtSettings
from tests.programs import problem, program, stranger, token_for
from tests.visitors import ROOT, add_account, signed_in

KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))


def test_a_personal_token_lets_its_person_in(connector):
    robot = program(connector, "viewer")
    assert robot.read("/approvals") == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "token",
    ["", "dsiga_pat_guessed", "not-ours", "é", "x" * 20_000, "a b", "eyJhbGciOiJub25lIn0.e30."],
)
def test_whoever_is_not_known_gets_nothing(connector, token):
    answer = stranger(connector, token).get("/approvals")
    problem(answer, 401, "unauthorized")
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="api"')
    assert ("invalid_token" in challenge) is bool(token)


def test_the_token_of_a_scim_client_is_no_token_of_a_person(connector):
    problem(stranger(connector, connector.token).get("/approvals"), 401, "unauthorized")


def test_a_personal_token_is_none_of_a_scim_client(connector):
    robot = program(connector, "administrator")
    assert connector.send("GET", "/Users", token=robot.token).status_code == 401


def test_a_console_s_cookie_counts_for_nothing(connector):
    ann = signed_in(connector, "administrator")
    problem(ann.http.get("/api/v1/approvals"), 401, "unauthorized")


def test_another_scheme_is_refused(connector):
    robot = program(connector, "viewer")
    answer = robot.send("GET", "/approvals", headers={"Authorization": f"Basic {robot.token}"})
    problem(answer, 401, "unauthorized")


def test_a_revoked_token_ends_at_once(connector):
    robot = program(connector, "viewer")
    robot.read("/approvals")
    [token] = connector.application.personal_tokens.list("default")
    connector.application.personal_tokens.revoke("default", token.token_id, ROOT)
    assert "revoked" in problem(robot.get("/approvals"), 401, "unauthorized")


def test_a_token_expires(connector):
    robot = program(connector, "viewer")
    connector.clock.advance(91 * 86_400)
    assert "expired" in problem(robot.get("/approvals"), 401, "unauthorized")


def test_a_disabled_account_loses_its_tokens_and_an_enabled_one_has_them_again(connector):
    robot = program(connector, "viewer")
    accounts = connector.application.console_accounts
    accounts.disable("default", "robot", ROOT)
    problem(robot.get("/approvals"), 401, "unauthorized")
    accounts.enable("default", "robot", ROOT)
    robot.read("/approvals")


def test_a_token_has_no_more_than_its_person_has_now(connector):
    add_account(connector, "ann", "approver", "operator")
    token = token_for(connector, "ann", "approver")
    connector.application.console_accounts.set_roles("default", "ann", ["operator"], ROOT)
    detail = problem(stranger(connector, token).get("/approvals"), 403, "forbidden")
    assert "no role" in detail


def test_a_token_is_not_made_with_more_than_its_person_has(connector):
    add_account(connector, "ann", "viewer")
    with pytest.raises(InvalidRequestError, match="no more than its person"):
        token_for(connector, "ann", "administrator")


@pytest.mark.parametrize("days", [0, 366])
def test_a_token_lives_no_longer_than_the_setting_allows(connector, days):
    add_account(connector, "ann", "viewer")
    with pytest.raises(InvalidRequestError, match="token_max_days"):
        token_for(connector, "ann", "viewer", days=days)


def test_tokens_are_in_the_audit_and_their_text_is_not(connector):
    robot = program(connector, "viewer")
    with connector.services.context.read() as uow:
        [event] = uow.audit.events(wanted=AuditFilter(action="console.token_added"))
    assert event.data["login"] == "robot"
    assert robot.token not in json.dumps(dict(event.data))


def test_the_last_use_is_noted(connector):
    robot = program(connector, "viewer")
    robot.read("/approvals")
    [token] = connector.application.personal_tokens.list("default", "robot")
    assert token.last_used_at is not None


def test_guessing_is_throttled_and_a_right_token_passes(connector):
    robot, guesser = program(connector, "viewer"), stranger(connector, "dsiga_pat_x")
    for _ in range(20):
        problem(guesser.get("/approvals"), 401, "unauthorized")
    answer = guesser.get("/approvals")
    problem(answer, 429, "too-many-failures")
    assert int(answer.headers["Retry-After"]) > 0
    robot.read("/approvals")


# the identity provider -----------------------------------------------------------


@pytest.fixture
def provided(connect):
    """A connector that believes an identity provider whose keys are here."""
    groups = ConsoleGroups(approver=("owners",), viewer=("everybody",))
    connector = connect(console_groups=groups)
    application = connector.application
    jwk = {**json.loads(RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "use": "sig"}
    keys = KeySet(lambda: {"keys": [jwk]}, connector.clock)
    settings = JwtSettings("https://idp", "scim", "https://idp/keys")
    verifier = TokenVerifier(settings, keys, connector.clock, "rest")
    application.api_sign_in = ApiSignIn(
        application.personal_tokens,
        application.throttle,
        application.settings.console.oidc,
        lambda name: application.tenant(name).settings.console_groups,
        verifier=verifier,
        addresses=KnownAddresses(application.store),
    )
    return connector


def issued(connector, key=KEY, **claims):
    now = connector.clock.now().timestamp()
    known = {
        "iss": "https://idp",
        "aud": "rest",
        "exp": now + 600,
        "email": "Pat@corp.example",
        "email_verified": True,
        "groups": ["owners"],
        **claims,
    }
    chosen = {name: value for name, value in known.items() if value is not None}
    return jwt.encode(chosen, key, "RS256", headers={"kid": "k"})


def test_a_token_of_the_provider_lets_its_person_in(provided):
    pat = stranger(provided, issued(provided))
    assert pat.read("/approvals")["items"] == []


def test_a_personal_token_works_beside_the_provider_s(provided):
    assert program(provided, "viewer").read("/approvals")["items"] == []


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "scim"},
        {"iss": "https://evil"},
        {"exp": 1},
        {"email": None},
        {"email": ""},
        {"email": ["a@b"]},
        {"email_verified": False},
        {"email_verified": None},
        {"email": "a\u202eb@corp.example"},
    ],
)
def test_a_token_that_is_not_to_be_believed_is_refused(provided, claims):
    problem(stranger(provided, issued(provided, **claims)).get("/approvals"), 401, "unauthorized")


def test_a_token_signed_by_somebody_else_is_refused(provided):
    token = issued(provided, OTHER_KEY)
    problem(stranger(provided, token).get("/approvals"), 401, "unauthorized")


@pytest.mark.parametrize("groups", [[], ["strangers"], None, "stranger", {"owners": 1}])
def test_a_person_without_a_role_is_told_so(provided, groups):
    answer = stranger(provided, issued(provided, groups=groups)).get("/approvals")
    assert "no role" in problem(answer, 403, "forbidden")
