"""Where impersonation is refused: sign in once, renewed by itself, lost by no race."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from click.testing import CliRunner

from connector.app import create_app
from connector.bootstrap import build
from connector.cli import main
from connector.cli.context import CommandContext
from connector.docusign.errors import GrantExpiredError, GrantMissingError, RefusedError
from connector.domain.consent import Way
from connector.domain.consent_state import ConsentState
from connector.errors import InvalidRequestError, TemporaryError
from connector.settings import ChannelSettings, NotificationSettings, Secret
from connector.store.consents import SqlConsents
from simulator.faults import Fault
from tests.connector import ManualClock, _settings
from tests.databases import sqlite_settings
from tests.programs import problem, program
from tests.simulated import simulated
from tests.visitors import ROOT, Visitor, add_account, visitor

CALLBACK = "https://scim.acme.test/consent/callback"
HOUR = 3600.0
CHANNEL = ChannelSettings("all", "email", ("*",), ("ops@acme.test",))


class Site:
    """A connector that is connected by authorization code."""

    def __init__(self, database, clock, world, *, grant="authorization_code", **docusign):
        channels = NotificationSettings(channels=(CHANNEL,))
        settings = _settings(world, database, grant=grant, notifications=channels)
        settings = replace(
            settings,
            database=replace(settings.database, encryption_key=Secret("k" * 40)),
            docusign=replace(
                settings.docusign,
                **{
                    "private_key": None,
                    "client_secret": Secret(world.details["client_secret"]),
                    **docusign,
                },
            ),
        )
        self.world, self.clock = world, clock
        self.application = build(settings, clock=clock, session=world.session())
        self.http = create_app(self.application).test_client()

    @property
    def services(self):
        return self.application.tenant("default")

    def sign_in(self, link=None, decision="accept", **form):
        """Open the link as the service user and come back; return the page."""
        link = link or self.services.connecting.begin(ROOT)
        path = link.removeprefix(self.world.base_url)
        data = {"decision": decision, "user_id": self.world.state.service_user_id, **form}
        browser = self.world.app.test_client()
        answer = browser.post(path, data=data, base_url=self.world.base_url)
        assert answer.status_code == 302, answer.text
        self.back = answer.headers["Location"].removeprefix("https://scim.acme.test")
        return self.http.get(self.back)

    def grant(self):
        return self.services.connecting.grant()

    def use(self):
        """Call DocuSign as a sync does."""
        return self.services.aggregation.sync()

    def close(self):
        self.application.close()


def titled(page):
    return re.search("<h1>(.*?)</h1>", page.text).group(1)


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def world(clock):
    world = simulated(50, now=clock.now)
    application_of(world).redirect_uris.add(CALLBACK)
    world.app.extensions["simulator"].revoke_consent()
    return world


def application_of(world):
    return next(iter(world.state.applications.by_key.values()))


@pytest.fixture
def sites(tmp_path, clock, world):
    started = []

    def start(**docusign):
        database = sqlite_settings(tmp_path / "connector.db")
        started.append(Site(database, clock, world, **docusign))
        return started[-1]

    yield start
    for site in started:
        site.close()


@pytest.fixture
def site(sites):
    return sites()


# connecting -------------------------------------------------------------------


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
    database = replace(sqlite_settings(tmp_path / "c.db"), encryption_key=None)
    settings = _settings(world, database, grant="authorization_code")
    application = build(settings, clock=clock, session=world.session())
    with pytest.raises(InvalidRequestError, match=r"database\.encryption_key"):
        application.tenant("default").connecting.begin(ROOT)
    application.close()


# renewing ---------------------------------------------------------------------


def test_it_renews_itself_for_months_with_extended(site, clock):
    site.sign_in()
    for _ in range(4):
        clock.advance(20 * 24 * HOUR)
        site.use()
    assert site.grant().expires_at > clock.now() + timedelta(days=29)


def test_a_connection_can_be_forgotten_once_and_made_again(site, monkeypatch):
    site.sign_in()
    monkeypatch.setattr(CommandContext, "settings", site.application.settings)
    monkeypatch.setattr(CommandContext, "application", site.application)
    command = ["consent", "disconnect", "--yes"]

    assert CliRunner().invoke(main, command).exit_code == 0

    assert site.grant() is None
    with site.services.context.read() as uow:
        assert "connection.removed" in [event.action for event in uow.audit.events(limit=10_000)]
    again = CliRunner().invoke(main, command)
    assert (again.exit_code, "nothing to forget" in again.output) == (1, True)
    assert titled(site.sign_in()) == "Connected"
    site.use()


def test_it_ends_after_thirty_days_without_use_and_says_what_to_do(site, clock):
    site.sign_in()
    clock.advance(31 * 24 * HOUR)
    with pytest.raises(GrantExpiredError, match="connect again"):
        site.use()
    assert titled(site.sign_in()) == "Connected"
    site.use()


def test_the_end_is_told_weeks_ahead_and_once(site, clock):
    site.sign_in()
    site.use()
    clock.advance(17 * 24 * HOUR)
    assert site.services.connecting.expires_soon(clock.now()) == site.grant()
    check = site.services.connection
    check._warn_of_expiry()
    check._warn_of_expiry()
    with site.application.store.read("default") as uow:
        told = [event for event in uow.audit.walk() if event.action == "connection.expires"]
    assert len(told) == 1


def test_revoked_at_docusign_it_is_known_at_the_next_look(site, clock, world):
    site.sign_in()
    world.state.applications.withdraw(application_of(world), world.state.service_user_id)
    clock.advance(5 * HOUR)
    assert site.services.connection.run() == {"lost": 1}
    site.application.consent_watch.flush()
    record = site.services.consents.connection()
    assert (record.state, record.cause) == (ConsentState.REFUSED, "grant_expired")


def test_two_processes_renew_once(sites, clock):
    first, second = sites(), sites()
    first.sign_in()
    clock.advance(9 * HOUR)
    generation = first.grant().generation
    first.use()
    second.use()
    assert second.grant().generation == generation + 1


def test_a_race_of_many_burns_no_token(sites, clock):
    many = [sites() for _ in range(4)]
    many[0].sign_in()
    clock.advance(9 * HOUR)
    failures = []

    def use(site):
        try:
            site.services.context.directory.list_accounts()
        except Exception as error:  # noqa: BLE001 -- the test looks at it
            failures.append(error)

    threads = [threading.Thread(target=use, args=(site,)) for site in many]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    clock.advance(9 * HOUR)
    many[-1].use()


def test_a_database_that_is_away_when_the_token_arrives_loses_nothing(site, clock, monkeypatch):
    site.sign_in()
    clock.advance(9 * HOUR)
    real, refusals = SqlConsents.put_grant, [TemporaryError("away"), TemporaryError("away")]

    def put_grant(self, grant, replacing):
        if refusals:
            raise refusals.pop()
        return real(self, grant, replacing)

    monkeypatch.setattr(SqlConsents, "put_grant", put_grant)
    site.use()
    clock.advance(9 * HOUR)
    site.use()


def test_a_process_that_was_killed_while_it_renewed_is_waited_out(site, clock):
    site.sign_in()
    clock.advance(9 * HOUR)
    granter = site.application.connection._tokens._granters["default"]
    assert granter._take_lease("killed")
    generation, began = site.grant().generation, clock.now()
    site.services.context.directory.list_accounts()
    assert site.grant().generation == generation + 1
    assert (clock.now() - began).total_seconds() < 60


def test_docusign_being_down_ends_nothing(site, clock, world):
    site.sign_in()
    clock.advance(9 * HOUR)
    world.faults.add(Fault("error", "POST", "/oauth/token", times=None, status=503))
    with pytest.raises(TemporaryError):
        site.use()
    world.faults.clear()
    clock.advance(60)
    site.use()


def test_a_wrong_secret_is_named_and_ends_nothing(sites, clock):
    site = sites()
    site.sign_in()
    clock.advance(9 * HOUR)
    wrong = sites(client_secret=Secret("wrong"))
    with pytest.raises(RefusedError, match=r"docusign\.client_secret"):
        wrong.use()
    site.use()


def test_a_choice_made_while_docusign_is_asked_is_kept(site, clock, world, monkeypatch):
    site.sign_in()
    other = world.accounts[1].account_id
    granter = site.application.connection._tokens._granters["default"]
    ask = granter._ask

    def and_choose(form):
        answer = ask(form)
        site.services.connecting.choose(other, ROOT)
        return answer

    monkeypatch.setattr(granter, "_ask", and_choose)
    clock.advance(9 * HOUR)
    site.services.context.directory.list_accounts()
    assert site.grant().account_id == other


def test_a_scope_that_is_needed_later_asks_to_connect_again(site, world):
    site.sign_in()
    with site.services.context.write() as uow:
        grant = uow.consents.grant()
        uow.consents.put_grant(replace(grant, scopes=grant.scopes - {"domain_read"}), 0)
        uow.commit()
    verdict, _ = site.services.consent.verify()
    site.application.consent_watch.flush()
    assert verdict == "partial"
    assert site.services.consents.connection().missing == {"domain_read"}


def test_people_hear_that_it_ended_with_a_link_that_connects_again(site, clock):
    site.sign_in()
    site.use()
    site.application.consent_watch.flush()
    clock.advance(31 * 24 * HOUR)
    assert site.services.connection.run() == {"lost": 1}
    site.application.consent_watch.flush()
    told = [item for item in site.services.notifications.list() if "refused" in item.notice]
    (step, _) = site.services.notifications._writer.write(told[0]).steps
    assert titled(site.sign_in(step.rpartition(" ")[2])) == "Connected"
    site.use()


def test_no_link_asks_for_the_impersonation_that_was_refused(site, clock):
    with pytest.raises(InvalidRequestError, match="consent connect"):
        site.services.consent.link(Way.INDIVIDUAL)
    site.sign_in()
    with site.services.context.write() as uow:
        grant = uow.consents.grant()
        uow.consents.put_grant(replace(grant, scopes=grant.scopes - {"domain_read"}), 0)
        uow.commit()
    site.services.consent.verify()
    site.application.consent_watch.flush()
    told = [item for item in site.services.notifications.list() if item.notice == "consent.lost"]
    message = site.services.notifications._writer.write(told[0])
    assert "code_challenge=" in message.steps[0]
    assert "impersonation" not in message.steps[0]


def test_users_are_not_checked_where_nobody_is_impersonated(site):
    with pytest.raises(InvalidRequestError, match="authorization code"):
        site.services.consent_checks.check([])


# accounts, console, doctor ----------------------------------------------------


@pytest.fixture
def ann(site):
    add_account(site, "ann", "administrator")
    person = visitor(type("C", (), {"http": site.http, "application": site.application})())
    person.sign_in("ann")
    return person


def test_the_button_in_the_console_leads_out_of_every_frame(site, ann: Visitor):
    page = ann.get("/connection")
    assert "Connect DocuSign" in page.text
    assert page.headers["X-Frame-Options"] == "DENY"
    shown = ann.post("/connection/connect", page="/connection").text
    assert 'target="_top"' in shown


def test_a_program_makes_the_link_over_the_api(site):
    robot = program(site, "administrator")
    made = robot.post("/consent/connect")
    assert (made.status_code, "impersonation" in made.json["scopes"]) == (200, False)
    assert made.json["redirect_uri"] == CALLBACK
    assert titled(site.sign_in(made.json["url"])) == "Connected"
    assert site.grant().connected_by == "user:robot"


def test_a_tenant_that_is_impersonated_has_no_link_to_sign_in(sites):
    answer = program(sites(grant="jwt"), "administrator").post("/consent/connect")
    assert "by impersonation" in problem(answer, 422, "invalid")


def test_one_of_several_accounts_is_chosen(site, ann: Visitor, world):
    site.sign_in()
    page = ann.get("/connection").text
    assert all(account.name in page for account in world.accounts)
    other = world.accounts[1].account_id
    ann.post("/connection/account", page="/connection", account_id=other)
    assert site.grant().account_id == other
    ann.post("/connection/account", page="/connection", account_id="")
    assert site.grant().account_id is None
    refused = ann.post("/connection/account", page="/connection", account_id="not-theirs")
    assert refused.status_code == 404


def test_the_doctor_looks_at_the_connection_instead_of_the_key(site, clock):
    def problems():
        found = site.services.doctor.examine().findings
        return [item.problem.code for item in found if item.problem]

    assert problems() == ["grant_missing"]
    site.sign_in()
    assert problems() == []
    clock.advance(31 * 24 * HOUR)
    assert problems() == ["grant_expired"]


def test_a_connection_by_impersonation_has_no_button(connector):
    add_account(connector, "ann", "administrator")
    ann = visitor(connector)
    ann.sign_in("ann")
    assert "Connect DocuSign" not in ok_text(ann.get("/connection"))


def ok_text(page):
    assert page.status_code == 200
    return page.text
