"""A connection by sign-in is renewed by itself, lost by no race, and its end is told."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.docusign.errors import GrantExpiredError, RefusedError, UnavailableError
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentState
from connector.errors import InvalidRequestError, TemporaryError
from connector.patience import left_s, waiting
from connector.settings import Secret
from connector.store.consents import SqlConsents
from simulator.faults import Fault
from tests.acceptance.connecting.site import HOUR, application_of, titled
from tests.visitors import ROOT


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


@pytest.mark.parametrize("refused_with", [400, 401])
@pytest.mark.parametrize("days", [30, 3])
def test_it_ends_without_use_and_says_what_to_do(*, site, clock, world, days, refused_with):
    world.set_variants(refresh_days=days, token_error_status=refused_with)
    site.sign_in()
    clock.advance((days + 1) * 24 * HOUR)
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


def test_an_expired_grant_is_no_matter_of_this_machines_clock(site, clock, world):
    site.sign_in()
    clock.advance(9 * HOUR)
    expired = {"error": "invalid_grant", "error_description": "expired_grant"}
    real = world.app.view_functions["oauth.token"]
    world.app.view_functions["oauth.token"] = lambda: (expired, 400)
    try:
        with pytest.raises(GrantExpiredError, match="connect again"):
            site.use()
    finally:
        world.app.view_functions["oauth.token"] = real


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_page_in_place_of_the_token_endpoint_ends_no_connection(site, clock, world, status):
    site.sign_in()
    clock.advance(9 * HOUR)
    world.faults.add(Fault("html", "POST", "/oauth/token", times=None, status=status))
    with pytest.raises(TemporaryError, match="proxy"):
        site.use()
    world.faults.clear()
    clock.advance(60)
    site.use()


def test_it_renews_itself_where_used_tokens_stay_good(site, clock, world):
    world.set_variants(refresh_rotation="lenient")
    site.sign_in()
    for _ in range(2):
        clock.advance(9 * HOUR)
        site.use()


@pytest.mark.parametrize("refused_with", [400, 401])
def test_revoked_at_docusign_it_is_known_at_the_next_look(site, clock, world, refused_with):
    world.set_variants(token_error_status=refused_with)
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


def test_a_race_of_many_burns_no_token(sites, clock, monkeypatch):
    # No lease ends because others wait for it faster than its owner works.
    monkeypatch.setattr(clock, "sleep", time.sleep)
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


def test_nobody_waits_for_another_process_longer_than_for_the_answer(site, clock):
    site.sign_in()
    clock.advance(9 * HOUR)
    granter = site.application.connection._tokens._granters["default"]
    assert granter._take_lease("renewing")
    generation, began = site.grant().generation, clock.now()
    with waiting(0.4), pytest.raises(UnavailableError) as caught:
        site.services.context.directory.list_accounts()
    assert caught.value.nothing_sent
    assert "Another process is renewing" in str(caught.value)
    assert site.grant().generation == generation
    assert clock.now() - began < timedelta(seconds=5)


def test_a_renewal_is_not_broken_off_with_the_request_that_needs_it(site, clock, monkeypatch):
    site.sign_in()
    clock.advance(9 * HOUR)
    granter = site.application.connection._tokens._granters["default"]
    ask, left = granter._ask, []

    def asked(form):
        left.append(left_s() or 0.0)
        return ask(form)

    monkeypatch.setattr(granter, "_ask", asked)
    with waiting(3):
        site.services.context.directory.list_accounts()
    assert left[0] > 20


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
