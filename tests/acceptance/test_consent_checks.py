"""Can this user be impersonated? By trying, kept with its time, shown, and mended by a link."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.consent.links import ESIGN_SCOPES
from connector.domain.consent.state import ConsentRecord, ConsentState
from connector.domain.notifications import Notice
from connector.errors import NotFoundError, PermanentError, TemporaryError
from connector.settings import ChannelSettings, NotificationSettings
from simulator.faults import Fault
from simulator.state.model import Status
from tests.connector import DOCUSIGN, ManualClock, connected
from tests.simulated import simulated
from tests.visitors import ROOT, add_account, visitor

EXTENSION = f"{DOCUSIGN}User"
CHANNEL = ChannelSettings("people", "email", ("invitation.consent",), ("person",))


@pytest.fixture
def connector(tmp_path):
    clock = ManualClock()
    running = connected(
        tmp_path / "connector.db",
        world=simulated(50, now=clock.now),
        clock=clock,
        notifications=NotificationSettings(channels=(CHANNEL,)),
    )
    yield running
    running.close()


@pytest.fixture
def user(connector):
    return connector.world.member().user


@pytest.fixture
def checks(connector):
    return connector.services.consent_checks


def application_of(connector):
    return next(iter(connector.world.state.applications.by_key.values()))


def agree(connector, user):
    application_of(connector).consents[user.user_id] = set(ESIGN_SCOPES)


def shown(connector, user):
    return connector.user(user.user_id)[EXTENSION].get("consent")


def token_requests(connector):
    with connector.application.store.read("default") as uow:
        counts = uow.budgets.calls(connector.clock.now() - timedelta(days=1))
    return sum(item.calls for item in counts if item.purpose == "consent")


def test_who_has_not_agreed_is_told_from_who_has(connector, checks, user):
    (line,) = checks.check(checks.people([user.email])).lines
    assert (line.record.state, line.record.cause) == (ConsentState.MISSING, "consent_required")
    agree(connector, user)
    (line,) = checks.check(checks.people([user.email]), max_age=timedelta(0)).lines
    assert line.record.state is ConsentState.GRANTED


def test_an_answer_is_believed_for_a_day(connector, checks, user):
    checks.check(checks.people([user.email]))
    agree(connector, user)
    (line,) = checks.check(checks.people([user.email])).lines
    assert (line.asked_now, line.record.state) == (False, ConsentState.MISSING)
    connector.clock.advance(25 * 3600)
    (line,) = checks.check(checks.people([user.email])).lines
    assert (line.asked_now, line.record.state) == (True, ConsentState.GRANTED)


def test_scim_shows_the_state_and_moves_only_with_it(connector, checks, user):
    assert shown(connector, user) is None
    checks.check(checks.people([user.email]))
    told = shown(connector, user)
    assert (told["value"], told["cause"]) == ("missing", "consent_required")
    assert told["claimedDomain"] is (connector.world.state.claimed(user.email) is not None)
    version = connector.user(user.user_id)["meta"]
    connector.clock.advance(25 * 3600)
    checks.check(checks.people([user.email]))
    assert connector.user(user.user_id)["meta"] == version, "another look is no change"
    agree(connector, user)
    checks.check(checks.people([user.email]), max_age=timedelta(0))
    assert shown(connector, user)["value"] == "granted"
    assert connector.user(user.user_id)["meta"] != version


def test_an_administrators_consent_covers_claimed_domains(connector, checks, user):
    application_of(connector).admin_consent |= ESIGN_SCOPES
    report = checks.check(checks.everyone())
    active = [item.record for item in report.lines if item.record.cause != "subject_unknown"]
    assert {record.in_claimed_domain for record in active} == {True, False}
    for record in active:
        assert (record.state is ConsentState.GRANTED) is record.in_claimed_domain


def test_a_former_service_user_is_a_user_like_any_other(connector, checks, user):
    with connector.application.store.write("default") as uow:
        now = connector.clock.now()
        uow.consents.put(
            ConsentRecord(user.user_id, ConsentState.GRANTED, now, now, is_connection=True)
        )
        uow.commit()
    connector.services.consent.verify()
    connector.application.consent_watch.flush()
    connector.clock.advance(60)
    checks.check(checks.people([user.email]), max_age=timedelta(0))
    assert connector.services.consents.connection().state is ConsentState.GRANTED


def test_who_was_closed_meanwhile_is_refused_with_the_cause(connector, checks, user):
    people = checks.people([user.email])
    for membership in user.memberships.values():
        membership.status = Status.CLOSED
    (line,) = checks.check(people).lines
    assert (line.record.state, line.record.cause) == (ConsentState.REFUSED, "subject_unknown")


def test_no_token_of_somebody_else_is_kept(connector, checks, user):
    agree(connector, user)
    checks.check(checks.people([user.email]))
    slots = connector.application.connection._tokens._slots
    assert user.user_id not in {subject.user_id for _, subject in slots}


def test_everyone_is_asked_for_at_the_pace_of_the_settings(connector, checks):
    before = connector.clock.now()
    report = checks.check(checks.everyone())
    waited = (connector.clock.now() - before).total_seconds()
    assert waited >= len(report.lines) - 2, "sixty a minute"
    connector.application.connection._gate.flush()
    assert token_requests(connector) == len(report.lines)


def test_it_stops_where_docusign_wants_a_pause_and_goes_on_from_there(connector, checks):
    fault = Fault("error", "POST", "/oauth/token", nth=4, times=None, status=429)
    connector.world.faults.add(fault)
    report = checks.check(checks.everyone())
    assert (len(report.lines), report.left > 0, report.paused_for_s > 0) == (3, True, True)
    connector.world.faults.clear()
    connector.clock.advance(3600)
    again = checks.check(checks.everyone())
    assert again.left == 0
    assert sum(not line.asked_now for line in again.lines) == 3


def test_a_group_by_its_name(connector, checks):
    group_id = connector.group()
    name = connector.get(f"/Groups/{group_id}").json["displayName"]
    by_id = {user.user_id for user in checks.members(group_id)}
    assert by_id
    assert by_id <= connector.group_members(group_id)
    with pytest.raises(NotFoundError, match="Several groups are called"):
        checks.members(name)
    patch = {"op": "replace", "path": "displayName", "value": "The Only One"}
    connector.patch(f"/Groups/{group_id}", patch)
    assert {user.user_id for user in checks.members("the only one")} == by_id


def test_who_lacks_consent_is_invited_by_mail_with_a_link_for_them(connector, checks, user):
    report = checks.check(checks.people([user.email]))
    ((email, link, is_sent),) = checks.invite(report.lacking, ROOT)
    assert (email, is_sent) == (user.email, True)
    connector.services.notifications.deliver_due()
    (delivery,) = connector.services.notifications.list()
    assert (delivery.notice, delivery.recipient) == (Notice.CONSENT_INVITATION, user.email)
    message = connector.services.notifications._writer.write(delivery)
    assert message.link == link
    assert "scope=impersonation%20signature&" in link


def test_the_link_is_for_that_person_and_says_whether_it_worked(connector, checks, user):
    application_of(connector).redirect_uris.add("https://scim.acme.test/consent/callback")
    report = checks.check(checks.people([user.email]))
    ((_, link, _),) = checks.invite(report.lacking, ROOT)
    browser = connector.world.app.test_client()
    path = link.removeprefix(connector.world.base_url)
    form = {"decision": "accept", "user_id": user.user_id}
    back = browser.post(path, data=form, base_url=connector.world.base_url).headers["Location"]
    page = connector.http.get(back.removeprefix("https://scim.acme.test"))
    assert "Thank you" in page.text
    assert connector.services.consents.of_users([user.user_id])[user.user_id].state is (
        ConsentState.GRANTED
    )


def test_the_user_page_shows_it_and_asks_again(connector, user):
    add_account(connector, "olga", "operator")
    olga = visitor(connector)
    olga.sign_in("olga")
    page = f"/users/{user.user_id}"
    assert "not asked" in olga.get(page).text
    assert olga.post(f"{page}/consent", page=page).status_code == 303
    assert "consent is missing" in olga.get(page).text.lower()


# the command ------------------------------------------------------------------


@pytest.fixture
def command(connector, monkeypatch):
    monkeypatch.setattr(CommandContext, "settings", connector.application.settings)
    monkeypatch.setattr(CommandContext, "application", connector.application)
    return lambda *arguments: CliRunner().invoke(main, ["consent", "check", *arguments])


def data(result):
    return json.loads(result.stdout[result.stdout.index("{\n") :])


def test_the_command_tells_by_its_status(connector, command, user):
    assert command(user.email).exit_code == 1
    agree(connector, user)
    result = command(user.email, "--max-age-hours", "0", "--json")
    assert result.exit_code == 0, result.output
    (told,) = data(result)["users"]
    assert (told["email"], told["state"]) == (user.email, "granted")


def test_the_command_lists_those_who_lack_consent(connector, command, user):
    agree(connector, user)
    result = command("--all", "--lacking", "--json")
    told = data(result)
    assert result.exit_code == 1
    emails = {item["email"] for item in told["users"]}
    assert user.email not in emails
    assert told["lacking"] == len(emails)


@pytest.mark.parametrize("arguments", [(), ("--all", "ada@example.com")])
def test_the_command_wants_one_way_to_say_whom(command, arguments):
    result = command(*arguments)
    assert result.exit_code == 1
    assert "one of the three" in result.output


def test_the_command_does_not_know_strangers(command):
    assert "Nobody is known as" in command("nobody@nowhere.example").output


# the job ----------------------------------------------------------------------


def test_the_job_notices_a_revoked_consent_before_a_change_fails(connector):
    assert connector.services.connection.run() == {"checked": 1, "users": 0}
    connector.world.app.extensions["simulator"].revoke_consent()
    assert connector.services.connection.run() == {"lost": 1}
    connector.application.consent_watch.flush()
    assert connector.services.consents.connection().state is ConsentState.MISSING


def test_the_job_asks_again_for_users_with_old_answers(connector, checks, user):
    checks.check(checks.people([user.email]))
    agree(connector, user)
    connector.clock.advance(25 * 3600)
    assert connector.services.connection.run()["users"] == 1
    assert shown(connector, user)["value"] == "granted"


def test_the_job_names_the_account_in_which_the_service_user_was_demoted(connector):
    world = connector.world
    membership = world.account.members[world.state.service_user_id]
    membership.profile_id = world.account.default_profile_id
    with pytest.raises(PermanentError) as refusal:
        connector.services.connection.run()
    assert world.account.name in str(refusal.value)


def test_docusign_being_down_is_no_lost_consent_to_the_job(connector):
    connector.world.faults.add(Fault("error", "POST", "/oauth/token", times=None, status=503))
    with pytest.raises(TemporaryError):
        connector.services.connection.run()
    connector.application.consent_watch.flush()
    assert connector.services.consents.connection().state is ConsentState.GRANTED


def test_a_key_is_warned_about_once_it_is_old(connector):
    connector.services.connection.run()
    found = connector.services.doctor.examine().findings
    assert [item for item in found if item.problem] == []
    connector.clock.advance(366 * 24 * 3600)
    found = connector.services.doctor.examine().findings
    codes = [item.problem.code for item in found if item.problem]
    assert codes == ["key_old"]
    assert "366 days" in next(item.found for item in found if item.problem)
