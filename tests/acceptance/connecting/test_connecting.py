"""Where impersonation is refused: somebody signs in once."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape

import pytest

from connector.bootstrap import build
from connector.docusign.errors import GrantMissingError
from connector.domain.consent.state import ConsentState
from connector.errors import InvalidRequestError
from simulator.faults import Fault
from tests.acceptance.connecting.site import (
    application_of,
    titled,
)
from tests.connector import _settings
from tests.databases import new_sqlite
from tests.visitors import ROOT


def test_before_anybody_signed_in_it_says_so(site):
    with pytest.raises(GrantMissingError, match="consent connect"):
        site.use()


def test_signing_in_once_lets_everything_work(site):
    assert titled(site.sign_in()) == "Connected"
    site.use()
    site.application.consent_watch.flush()
    assert site.services.consents.connection().state is ConsentState.GRANTED
    assert site.services.settings.user_id == site.grant().user_id


def test_the_link_carries_pkce_and_asks_for_extended_and_no_impersonation(site):
    link = site.services.connecting.begin(ROOT)
    assert "code_challenge_method=S256" in link
    assert "extended" in link
    assert "impersonation" not in link


def test_a_public_app_connects_without_a_secret(sites, world):
    site = sites(client_secret=None)
    assert titled(site.sign_in()) == "Not connected"
    application_of(world).is_public = True
    assert titled(site.sign_in()) == "Connected"


def test_tokens_are_kept_sealed(site):
    site.sign_in()
    with site.application.store.database.reading() as connection:
        row = connection.exec_driver_sql(
            "SELECT refresh_token, access_token FROM code_grants"
        ).one()
    known = site.world.state.applications
    for text in row:
        assert not any(secret in text for secret in (*known._tokens, *known._refresh_tokens))


def test_somebody_else_who_signs_in_connects_nothing(site, world):
    page = site.sign_in(email=world.member().user.email)
    assert titled(page) == "Not connected"
    assert world.member().user.email not in page.text, "the page tells nothing about the customer"
    assert site.grant() is None


def test_an_answer_is_good_once_and_a_refusal_changes_nothing(site):
    assert titled(site.sign_in(decision="decline")) == "Consent was declined"
    site.sign_in()
    before = site.grant()
    assert titled(site.http.get(site.back)) == "This link was answered before"
    assert site.grant() == before


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/userinfo"])
def test_docusign_away_while_it_is_connected_gives_a_new_link(site, world, path):
    world.faults.add(Fault("error", "*", path, times=None, status=503))
    page = site.sign_in()
    assert (page.status_code, titled(page)) == (503, "Not connected yet")
    assert site.grant() is None
    world.faults.clear()
    link = unescape(re.search('href="(.*?)"', page.text).group(1))
    assert titled(site.sign_in(link)) == "Connected"


def test_a_code_of_another_link_is_worthless_by_its_verifier(site):
    link, other = (site.services.connecting.begin(ROOT) for _ in range(2))
    site.sign_in(link)
    code = re.search("code=([^&]+)", site.back).group(1)
    state = re.search("state=([^&]+)", other).group(1)
    page = site.http.get("/consent/callback", query_string={"code": code, "state": state})
    assert titled(page) == "Not connected"


def test_a_tenant_that_is_impersonated_meanwhile_gives_its_own_link(sites):
    link = sites().services.connecting.begin(ROOT)
    page = sites(grant="jwt").sign_in(link)
    assert titled(page) == "Not connected"
    assert "impersonation" in re.search('href="(.*?)"', page.text).group(1)


def test_without_a_key_for_secrets_nothing_is_begun(tmp_path, clock, world):
    database = replace(new_sqlite(tmp_path / "c.db"), encryption_key=None)
    settings = _settings(world, database, grant="authorization_code")
    application = build(settings, clock=clock, session=world.session())
    with pytest.raises(InvalidRequestError, match=r"database\.encryption_key"):
        application.tenant("default").connecting.begin(ROOT)
    application.close()
