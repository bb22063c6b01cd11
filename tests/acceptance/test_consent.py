"""Consent from the link to the page that says whether it works, over the simulator's own pages."""

from __future__ import annotations

import base64
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.consent.links import ADMIN_SCOPES, Way
from connector.errors import ConfigError, TemporaryError
from connector.patience import taking_places
from connector.services.consent.links import Verdict
from simulator.faults import Fault

CALLBACK = "https://scim.acme.test/consent/callback"


@pytest.fixture
def world(connector):
    """The simulated DocuSign, where nobody has consented and our redirect URI is registered."""
    application = application_of(connector.world)
    application.redirect_uris.add(CALLBACK)
    connector.world.app.extensions["simulator"].revoke_consent()
    return connector.world


def application_of(world):
    return next(iter(world.state.applications.by_key.values()))


def decide(world, link, decision="accept", user_id=None):
    """Answer DocuSign's consent page; return where it sends the browser."""
    parts = urlsplit(link)
    data = {"decision": decision, "user_id": user_id or world.state.service_user_id}
    answer = world.app.test_client().post(
        f"{parts.path}?{parts.query}", data=data, base_url=world.base_url
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix("https://scim.acme.test")


def titled(answer):
    return re.search("<h1>(.*?)</h1>", answer.text).group(1)


@pytest.mark.parametrize("way", [Way.INDIVIDUAL, Way.EXTERNAL])
def test_accepting_makes_the_connection_work_at_once(connector, world, way):
    claimed = world.state.claimed(world.service_user.email)
    answer = connector.http.get(decide(world, connector.services.consent.link(way)))
    works = way is Way.INDIVIDUAL or claimed is not None
    assert titled(answer) == ("Consent works" if works else "Consent was given, and does not count")
    if works:
        connector.sync()


def test_the_page_is_kept_nowhere_and_framed_by_nobody(connector):
    answer = connector.http.get("/consent/callback")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_may_show_its_own_style_alone_and_commands_as_such(connector):
    answer = connector.http.get("/consent/callback?state=default.none")
    style = re.search("<style>(.*?)</style>", answer.text).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    assert "<code>docusign-iga consent url</code>" in answer.text
    assert "`" not in answer.text


def test_declining_changes_nothing_and_gives_another_link(connector, world):
    answer = connector.http.get(
        decide(world, connector.services.consent.link(Way.INDIVIDUAL), "decline")
    )
    assert titled(answer) == "Consent was declined"
    link = unescape(re.search('href="(.*?)"', answer.text).group(1))
    assert titled(connector.http.get(decide(world, link))) == "Consent works"


def test_a_link_is_good_for_one_answer(connector, world):
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    connector.http.get(back)
    again = connector.http.get(back)
    assert (again.status_code, titled(again)) == (400, "This link was answered before")


def test_a_link_expires(connector, world):
    link = connector.services.consent.link(Way.INDIVIDUAL)
    connector.clock.advance(8 * 24 * 3600)
    assert titled(connector.http.get(decide(world, link))) == "This link has expired"


@pytest.mark.parametrize("state", ["", "default.made-up", "nobody.x", "<script>"])
def test_an_answer_to_no_link_is_refused(connector, world, state):
    answer = connector.http.get("/consent/callback", query_string={"code": "x", "state": state})
    assert titled(answer) == "This answer belongs to no link"
    assert "<script>" not in answer.text


def test_an_answer_at_the_callback_of_another_tenant_is_refused(connector, world):
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    assert titled(connector.http.get(f"/other{back}")) == "This answer belongs to no link"
    assert titled(connector.http.get(f"/default{back}")) == "Consent works"


def test_a_state_that_was_made_up_takes_no_turn_to_write(connector, world):
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    connector.http.get(back)
    with connector.application.store.write("default"):
        unknown = connector.http.get("/consent/callback?state=default.guess&code=x")
        again = connector.http.get(back)
    assert titled(unknown) == "This answer belongs to no link"
    assert titled(again) == "This link was answered before"


def test_an_answer_takes_its_place_before_docusign_is_asked(connector, world):
    def full():
        raise TemporaryError("As many as may wait for DocuSign.")

    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    with taking_places(full):
        turned_away = connector.http.get(back)
    assert (turned_away.status_code, titled(turned_away)) == (503, "Try again in a minute")
    assert titled(connector.http.get(back)) == "Consent works", "the link was not used up"


@pytest.mark.parametrize(
    ("error", "status", "title"),
    [
        (TemporaryError("no turn"), 503, "Try again in a minute"),
        (ConfigError("no private key"), 400, "Consent is not what is missing"),
    ],
)
def test_only_what_passes_by_itself_asks_for_patience(connector, monkeypatch, error, status, title):
    def answer(*_):
        raise error

    monkeypatch.setattr(connector.services.connecting, "answer", answer)
    page = connector.http.get("/consent/callback?state=default.x&code=x")
    assert (page.status_code, titled(page)) == (status, title)
    assert str(error) not in page.text


def test_of_many_browsers_with_one_answer_one_is_served(connector, world):
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    clients = [connector.http.application.test_client() for _ in range(6)]
    with ThreadPoolExecutor(len(clients)) as pool:
        titles = sorted(titled(page) for page in pool.map(lambda http: http.get(back), clients))
    assert titles == ["Consent works", *["This link was answered before"] * 5]


def test_consent_of_somebody_else_does_not_count(connector, world):
    somebody = world.member().user.user_id
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL), user_id=somebody)
    assert titled(connector.http.get(back)) == "Consent was given, and does not count"


def test_consent_to_a_part_is_told_apart(connector, world):
    application_of(world).consents[world.state.service_user_id] = {"signature", "impersonation"}
    assert connector.services.consent.verify()[0] is Verdict.PARTIAL


def test_a_redirect_uri_that_is_not_registered_ends_at_docusign(connector, world):
    application_of(world).redirect_uris.clear()
    parts = urlsplit(connector.services.consent.link(Way.INDIVIDUAL))
    page = world.app.test_client().get(f"{parts.path}?{parts.query}", base_url=world.base_url)
    assert page.status_code == 400
    assert "redirect URI" in page.text


def test_a_link_asks_for_exactly_the_scopes_needed(connector):
    query = parse_qs(urlsplit(connector.services.consent.link(Way.INDIVIDUAL)).query)
    assert set(query["scope"][0].split()) == ADMIN_SCOPES
    assert query["redirect_uri"] == [CALLBACK]


def test_states_are_kept_as_hashes(connector):
    state = parse_qs(urlsplit(connector.services.consent.link(Way.INDIVIDUAL)).query)["state"][0]
    with connector.application.store.database.reading() as connection:
        (row,) = connection.exec_driver_sql("SELECT * FROM consent_links").all()
    assert state.partition(".")[2] not in str(row)


# commands ---------------------------------------------------------------------


@pytest.fixture
def command(connector, monkeypatch):
    """Run ``docusign-iga consent``."""
    monkeypatch.setattr(CommandContext, "settings", connector.application.settings)
    monkeypatch.setattr(CommandContext, "application", connector.application)
    return lambda *arguments: CliRunner().invoke(main, ["consent", *arguments])


def test_the_command_gives_a_link_that_works(connector, world, command):
    assert command("verify").exit_code == 1
    result = command("url")
    assert CALLBACK in result.stdout
    link = re.search(r"^https://\S+$", result.stdout, re.MULTILINE).group(0)
    assert titled(connector.http.get(decide(world, link))) == "Consent works"
    assert command("verify").exit_code == 0


def test_an_app_of_the_organization_is_told_with_its_scopes(connector, command):
    result = command("url", "--way", "organization")
    assert "Connected Apps" in result.output
    assert connector.world.details["integration_key"] in result.output
    assert " ".join(sorted(ADMIN_SCOPES)) in result.output


def test_where_docusign_is_away_the_page_does_not_claim_another_cause(connector, world, command):
    back = decide(world, connector.services.consent.link(Way.INDIVIDUAL))
    world.faults.add(Fault("error", "POST", "/oauth/token", times=None, status=503))
    answer = connector.http.get(back)
    assert (answer.status_code, titled(answer)) == (503, "DocuSign cannot be asked just now")
    assert "counts all the same" in answer.text
    told = command("verify")
    assert told.exit_code == 1
    assert "not what is missing" not in told.output
    world.faults.clear()
    assert connector.services.connection.run()["checked"] == 1


def test_an_invited_user_hears_the_same_where_docusign_is_away(connector, world):
    somebody = world.member().user.user_id
    link = connector.services.consent.link(Way.INDIVIDUAL, user_id=somebody)
    back = decide(world, link, user_id=somebody)
    world.faults.add(Fault("error", "POST", "/oauth/token", times=None, status=503))
    assert titled(connector.http.get(back)) == "DocuSign cannot be asked just now"
    assert connector.services.consents.of_users([somebody]) == {}
