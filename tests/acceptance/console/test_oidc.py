"""Sign-in through a real OpenID Connect provider, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from connector.settings import ConsoleGroups, ConsoleSettings, OidcSettings, Secret
from tests import provider as provider_module
from tests.acceptance.processes import wait_until
from tests.connector import PUBLIC_URL
from tests.visitors import visitor

GROUPS = ConsoleGroups(approver=("owners",), operator=("admins", "42"), administrator=("root",))


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[str]:
    """The address of a running provider."""
    ready = tmp_path_factory.mktemp("provider") / "ready"
    command = [sys.executable, str(Path(provider_module.__file__)), str(ready)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    wait_until(lambda: ready.exists() and ready.read_text() != "", 120)
    yield ready.read_text()
    assert process.stdin is not None
    process.stdin.close()
    process.wait(60)


@pytest.fixture
def acts(provider):
    """A function that says how the provider behaves; at first it does all well."""

    def control(**settings):
        requests.post(f"{provider}/_control", json=settings, timeout=60).raise_for_status()

    control()
    return control


@pytest.fixture
def stranger(connect, provider):
    """Somebody before the door of a console that trusts the provider."""
    connector = connect(console_groups=GROUPS)
    oidc = OidcSettings(
        issuer=provider,
        client_id=provider_module.CLIENT_ID,
        client_secret=Secret(provider_module.CLIENT_SECRET),
        timeout_s=60.0,
    )
    console = ConsoleSettings(oidc=oidc)
    connector.application.settings = replace(connector.application.settings, console=console)
    who = visitor(connector)
    who.connector = connector  # type: ignore[attr-defined]
    return who


def leave(stranger, **query):
    """Follow the button to the provider; return the address that it sends the person back to."""
    sent = stranger.http.get("/console/sign-in/oidc", query_string=query)
    assert sent.status_code == 302, sent.get_data(as_text=True)
    asked = parse_qs(urlsplit(sent.location).query)
    assert asked["redirect_uri"] == [f"{PUBLIC_URL}/console/sign-in/oidc/answer"]
    page = requests.get(sent.location, timeout=60, allow_redirects=False)
    target = page.headers.get("Location") or unescape(re.findall('href="([^"]+)"', page.text)[0])
    return target.removeprefix(PUBLIC_URL)


def come_back(stranger, **query):
    return stranger.http.get(leave(stranger, **query))


def problem(stranger, answer):
    """Return what the person reads who was not let in."""
    assert (answer.status_code, answer.location) == (302, "/console/sign-in")
    page = stranger.get("/sign-in").get_data(as_text=True)
    assert stranger.get("/").status_code == 302
    return unescape(re.findall(r'<p class="notice bad"[^>]*>(.*?)</p>', page, re.S)[0])


def session_of(stranger):
    from connector.store.tables import console_sessions

    store = stranger.connector.application.store
    with store.database.reading() as connection:
        return connection.execute(console_sessions.select()).all()


def test_groups_of_the_provider_are_roles_here(stranger, acts):
    acts(claims={"groups": ["owners", 42, "others"]})
    back = come_back(stranger, next="/users?q=x")
    assert (back.status_code, back.location) == (303, "/console/users?q=x")
    page = stranger.get("/").get_data(as_text=True)
    assert "Pat Person" in page and "approver, operator" in page
    [session] = session_of(stranger)
    assert (session.login, session.groups) == ("pat@corp.example", ["42", "others", "owners"])


def test_groups_may_come_from_userinfo_alone(stranger, acts):
    acts(claims={"groups": ["root"]}, late=["groups"])
    assert come_back(stranger).status_code == 303
    assert stranger.get("/settings").status_code == 200


def test_who_has_no_role_stays_outside_and_is_told_why(stranger, acts):
    acts(claims={"groups": ["others"]})
    assert "have no role in this console" in problem(stranger, come_back(stranger))


def test_the_page_of_the_door_offers_the_provider(stranger):
    assert "Sign in with your organization" in stranger.get("/sign-in").get_data(as_text=True)


def test_next_leads_nowhere_else(stranger, acts):
    acts(claims={"groups": ["owners"]})
    assert come_back(stranger, next="https://evil.example/").location == "/console/"


@pytest.mark.parametrize(
    "settings",
    [
        {"wrong_key": True},
        {"algorithm": "none"},
        {"nonce": "another"},
        {"state": "another"},
        {"token": {"aud": "somebody-else"}},
        {"token": {"iss": "https://evil.example"}},
        {"token": {"exp": 1}},
        {"denies": True},
    ],
)
def test_an_answer_that_is_not_right_in_all_is_refused(stranger, acts, settings):
    acts(**{"claims": {"groups": ["root"]}, **settings})
    assert "not accepted" in problem(stranger, come_back(stranger))
    assert session_of(stranger) == []


def test_metadata_of_another_issuer_are_refused(stranger, acts):
    acts(issuer="https://evil.example", token={"iss": "https://evil.example"})
    problem(stranger, come_back(stranger))


def test_an_answer_works_once_and_for_the_browser_that_asked(stranger, acts):
    acts(claims={"groups": ["owners"]})
    address = leave(stranger)
    thief = visitor(stranger.connector)
    assert "not accepted" in problem(thief, thief.http.get(address))
    assert stranger.http.get(address).status_code == 303
    again = visitor(stranger.connector)
    assert "not accepted" in problem(again, again.http.get(address))


def test_an_address_that_nobody_verified_is_no_name(stranger, acts):
    acts(claims={"groups": ["root"], "email_verified": False})
    assert "not verified your e-mail address" in problem(stranger, come_back(stranger))


def test_a_person_without_the_claim_is_told_which_one_is_missing(stranger, acts):
    acts(claims={"groups": ["root"], "email": ""})
    assert "'email'" in problem(stranger, come_back(stranger))


def test_a_provider_that_does_not_answer_is_told(stranger):
    console = stranger.connector.application.settings.console
    gone = replace(console, oidc=replace(console.oidc, issuer="http://127.0.0.1:9"))
    application = stranger.connector.application
    application.settings = replace(application.settings, console=gone)
    answer = stranger.http.get("/console/sign-in/oidc")
    assert "cannot be reached" in problem(stranger, answer)


def test_without_a_provider_there_is_no_such_door(connector):
    assert visitor(connector).get("/sign-in/oidc").status_code == 404
