"""``docusign-iga doctor`` names what is wrong with a connection, and nothing that is right."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.bootstrap import build
from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.diagnosis.symptoms import CHECKS
from connector.services.context import Actor
from connector.settings import LeaverSettings, Secret
from simulator.state.model import Status
from simulator.transport import SimulatorAdapter
from tests.connector import ManualClock, ok
from tests.simulated import simulated

NOBODY = "99999999-9999-4999-8999-999999999999"


@pytest.fixture
def doctor(connector, monkeypatch):
    """Run the command, with changed settings of DocuSign or of the tenant."""
    started = []

    def run(*options, session=None, clock=None, docusign=None, **tenant):
        settings = connector.application.settings
        default = replace(settings.tenants["default"], **tenant)
        settings = replace(
            settings,
            docusign=replace(settings.docusign, **(docusign or {})),
            tenants={"default": default},
        )
        application = build(
            settings, clock=clock or connector.clock, session=session or connector.world.session()
        )
        started.append(application)
        monkeypatch.setattr(CommandContext, "settings", settings)
        monkeypatch.setattr(CommandContext, "application", application)
        return CliRunner().invoke(main, ["doctor", *options])

    yield run
    for application in started:
        application.close()


@pytest.fixture
def found(doctor):
    """Run the command and return what is not good: ``{problem code: finding}``."""

    def run(status=2, **options):
        result = doctor("--json", **options)
        assert result.exit_code == status, result.output
        findings = report(result)["findings"]
        return {item["problem"]: item for item in findings if item["problem"]}

    return run


def report(result):
    """Return the JSON of a run; tests let log lines go before it."""
    return json.loads(result.stdout[result.stdout.index("{\n") :])


def application_of(world):
    return next(iter(world.state.applications.by_key.values()))


def other_pem():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


# all is well ----------------------------------------------------------------


def test_a_good_connection_has_nothing_to_report(doctor, connector):
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "All is well." in result.output
    assert "not needed: access is by impersonation" in result.output
    first, *_ = connector.world.details["accounts"]
    about = f"{first['name']} ({first['account_id']}): "
    assert f"Membership                    {about}a member" in result.output
    assert f"Administrator rights          {about}a full administrator" in result.output
    named = {item["subject"]: item["subject_name"] for item in report(doctor("--json"))["findings"]}
    assert named[first["account_id"]] == first["name"] and named[""] is None
    assert connector.world.account.name in result.output


def test_json_has_every_check_with_its_result(doctor):
    told = report(doctor("--json"))
    assert told["result"] == "ok"
    assert {item["result"] for item in told["findings"]} == {"ok"}
    assert {item["check"] for item in told["findings"]} == {item.check_id for item in CHECKS}


def test_a_server_with_an_earlier_version_of_the_file_is_a_warning(doctor, connector, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("docusign: {}")
    heartbeat = connector.application.begin_telling(file)
    options = ("--json", "--config", str(file))
    assert "another version" not in doctor(*options).output
    file.write_text("docusign: {retry_attempts: 2}")
    result = doctor(*options)
    heartbeat.stop()
    assert result.exit_code == 1
    finding = report(result)["findings"][0]
    assert (finding["check"], finding["problem"]) == ("configuration", "configuration_outdated")
    assert f"with another version of {file}: restart it" in finding["found"]
    assert finding["remedy"] == "Restart `serve`, and each `worker`."
    assert "another version" not in doctor(*options).output


def test_an_account_that_the_file_names_no_longer_is_told(found, doctor, connector):
    *kept, gone = connector.application.settings.tenants["default"].accounts
    problems = found(accounts=tuple(kept))
    assert list(problems) == ["configuration_invalid"]
    said = problems["configuration_invalid"]["found"]
    assert gone.account_id in said and "--forget-account" in said
    assert "All is well" not in doctor(accounts=tuple(kept)).output


def test_a_missing_configuration_is_told_with_status_2(tmp_path):
    result = CliRunner().invoke(main, ["doctor", "--config", str(tmp_path / "none.yaml")])
    assert result.exit_code == 2
    assert "config.example.yaml" in result.output


# key and clock --------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda pem: pem[: len(pem) // 2], "cut off"),
        (lambda pem: pem.replace("\n", "\r\n"), "CRLF"),
        (lambda pem: pem[:200] + pem[300:], "damaged"),
        (lambda pem: "", "empty"),
    ],
)
def test_an_unusable_key_is_described_and_nothing_else_is_blamed(found, connector, spoil, words):
    pem = spoil(connector.world.details["private_key_pem"])
    problems = found(docusign={"private_key": Secret(pem)})
    assert list(problems) == ["key_unusable"]
    assert words in problems["key_unusable"]["found"]


def test_a_key_that_is_not_configured_is_told_as_missing(found):
    assert list(found(docusign={"private_key": None})) == ["key_missing"]


def test_a_key_file_that_is_not_there_is_no_damaged_key(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("docusign: {private_key_file: nowhere.pem}")
    result = CliRunner().invoke(main, ["doctor", "--json", "--config", str(path)])
    assert result.exit_code == 2
    problems = {item["check"]: item["problem"] for item in report(result)["findings"]}
    assert problems["key"] == "key_missing"


def test_the_key_of_another_app_is_told(found):
    problems = found(docusign={"private_key": Secret(other_pem())})
    assert list(problems) == ["key_rejected"]


@pytest.mark.parametrize("behind_s", [4000, -4000])
def test_a_wrong_clock_is_measured(found, connector, behind_s):
    clock = ManualClock(connector.clock.now())
    clock.advance(-behind_s)
    problems = found(clock=clock)
    assert list(problems) == ["clock_wrong"]
    assert "ahead of" in problems["clock_wrong"]["found"] or behind_s > 0


def test_a_drifting_clock_is_a_warning(doctor, connector):
    clock = ManualClock(connector.clock.now())
    clock.advance(-60)
    result = doctor(clock=clock)
    assert result.exit_code == 1, result.output
    assert "behind DocuSign's" in result.output


# environment ----------------------------------------------------------------


@pytest.fixture
def two_worlds(connector):
    """A session in which demo and production are simulated, and the settings of each."""
    now = connector.clock.now
    demo, production = simulated(20, seed=2, now=now), simulated(20, seed=3, now=now)
    session = demo.session()
    for mark, world in (("-d", demo), ("", production)):
        for host in (f"account{mark}.docusign.com", f"api{mark}.docusign.net"):
            session.mount(f"https://{host}", SimulatorAdapter(world.app))
    return session, demo, production


def connection_to(world, environment):
    """Return the settings that fit a world, in an environment that may be the wrong one."""
    details = world.details
    return {
        "docusign": {
            "environment": environment,
            "oauth_url": "",
            "admin_url": "",
            "jwt_audience": "",
            "integration_key": details["integration_key"],
            "private_key": Secret(details["private_key_pem"]),
        },
        "user_id": details["user_id"],
    }


def test_an_integration_key_of_production_in_demo_is_told_apart(found, two_worlds):
    session, demo, production = two_worlds
    key = application_of(production)
    demo.state.applications.by_key.clear()
    problems = found(session=session, **connection_to(production, "demo"))
    assert list(problems) == ["wrong_environment"]
    assert "The integration key belongs to production" in problems["wrong_environment"]["found"]
    assert key.integration_key not in json.dumps(problems["wrong_environment"]["evidence"])


def test_an_unknown_integration_key_is_not_blamed_on_the_environment(found, two_worlds):
    session, demo, _ = two_worlds
    settings = connection_to(demo, "demo")
    settings["docusign"]["integration_key"] = NOBODY
    assert list(found(session=session, **settings)) == ["integration_key_unknown"]


def test_a_private_key_of_production_in_demo_is_told_apart(found, two_worlds):
    session, demo, production = two_worlds
    settings = connection_to(production, "demo")
    shared = application_of(demo)
    shared.public_key_pem = rsa_public(other_pem())
    demo.state.applications.by_key = {application_of(production).integration_key: shared}
    problems = found(session=session, **settings)
    assert list(problems) == ["wrong_environment"]
    assert "private key belongs to production" in problems["wrong_environment"]["found"]


def rsa_public(pem):
    key = serialization.load_pem_private_key(pem.encode(), None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


# the service user -----------------------------------------------------------


def test_an_unknown_service_user_is_told(found):
    problems = found(user_id=NOBODY)
    assert list(problems) == ["service_user_unknown"]
    assert problems["service_user_unknown"]["found"].startswith(f"{NOBODY}: ")


def test_an_account_id_in_place_of_the_user_is_named(found, connector):
    problems = found(user_id=connector.world.account.account_id)
    assert "an account's id" in problems["service_user_confused"]["found"]


def test_a_closed_service_user_is_told(found, connector):
    for membership in connector.world.service_user.memberships.values():
        membership.status = Status.CLOSED
    assert list(found()) == ["service_user_unknown"]


def test_a_service_user_of_no_account_is_told(found, connector, monkeypatch):
    # Active elsewhere, so that the token is given.
    monkeypatch.setattr("simulator.routes.oauth._account_of", lambda *_: {})
    monkeypatch.setattr("simulator.routes.oauth._who", lambda user: {"sub": "x", "accounts": []})
    assert list(found()) == ["no_accounts"]


def test_an_account_without_the_service_user_is_told_and_the_others_are_examined(found, connector):
    second = connector.world.accounts[1]
    membership = connector.world.service_user.memberships[second.account_id]
    membership.status = Status.CLOSED
    problems = found()
    assert list(problems) == ["account_not_member"]
    assert problems["account_not_member"]["subject"] == second.account_id


def test_a_demoted_service_user_is_told(found, connector):
    account = connector.world.account
    membership = connector.world.service_user.memberships[account.account_id]
    membership.profile_id = account.default_profile_id
    problems = found()
    assert list(problems) == ["not_administrator"]
    assert problems["not_administrator"]["subject"] == account.account_id


# consent --------------------------------------------------------------------


def test_missing_consent_comes_with_the_link_to_give_it(found, connector):
    connector.world.app.extensions["simulator"].revoke_consent()
    problems = found()
    assert list(problems) == ["consent_missing"]
    link = problems["consent_missing"]["link"]
    assert "scope=domain_read%20group_read%20impersonation" in link
    assert "redirect_uri=https%3A%2F%2Fscim.acme.test%2Fconsent%2Fcallback" in link


def test_consent_to_fewer_scopes_is_told_apart(found, connector):
    consents = application_of(connector.world).consents[connector.world.state.service_user_id]
    consents -= {"domain_read", "user_write"}
    problems = found()
    assert list(problems) == ["consent_partial"]
    assert problems["consent_partial"]["found"] == "Consent is missing for domain_read, user_write."


# organization, domains, plan, limits ----------------------------------------


def test_a_service_user_who_is_no_organization_administrator_is_told(found, connector):
    connector.world.service_user.is_organization_admin = False
    assert list(found()) == ["not_organization_administrator"]


def test_an_organization_that_is_not_administered_is_told(found):
    problems = found(organization_id=NOBODY)
    assert list(problems) == ["configuration_invalid", "organization_absent"]


def test_a_domain_that_waits_is_a_warning(found, connector):
    domains = connector.world.state.organization.domains
    name = next(iter(domains))
    domains[name] = replace(domains[name], status="pending")
    assert list(found(status=1)) == ["domain_waiting"]


def test_a_plan_without_transfer_rules_is_mentioned(doctor, connector):
    connector.world.set_variants(transfer_rules=False)
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "without envelope transfer rules" in result.output


def test_a_suspended_account_is_told(found, connector):
    connector.world.set_variants(suspended=True)
    assert list(found()) == ["account_suspended"]


def test_docusigns_own_scim_is_a_warning(found, connector):
    connector.world.member().managed_by_scim = True
    problems = found(status=1)
    assert list(problems) == ["docusign_scim_active"]


def test_few_calls_left_are_a_warning(found, connector):
    connector.world.limits.use_up(connector.world.account.account_id, remaining=5_000)
    assert list(found(status=1)) == ["limit_near"]


def test_no_calls_left_are_told(found, connector):
    connector.world.limits.use_up(connector.world.account.account_id)
    problems = found()
    assert list(problems) == ["limit_reached"]


# the way there --------------------------------------------------------------


def test_a_dead_network_blames_nothing_behind_it(found, connector):
    problems = found(docusign={"oauth_url": "http://127.0.0.1:1", "retry_attempts": 0})
    assert list(problems) == ["unreachable"]
    told = problems["unreachable"]
    assert "127.0.0.1:1 refused the connection" in told["evidence"]
    assert "docusign.oauth_url" in told["remedy"] and "docusign.com" not in told["remedy"]


@pytest.mark.parametrize("secret", ["assertion", "PRIVATE KEY", r"eyJ[\w-]+\.eyJ"])
def test_no_secret_is_in_the_report(doctor, connector, secret):
    connector.world.app.extensions["simulator"].revoke_consent()
    assert not re.search(secret, doctor("--json").output)


def test_a_misspelt_baseline_profile_is_told_with_the_profiles_that_there_are(found, connector):
    first, *others = connector.application.settings.tenants["default"].accounts
    problems = found(accounts=(replace(first, baseline_profile="DocuSign Viwer"), *others))
    assert list(problems) == ["baseline_absent"]
    said = problems["baseline_absent"]["found"]
    assert "'DocuSign Viwer'" in said and "DocuSign Sender" in said
    assert problems["baseline_absent"]["subject"] == first.account_id


def test_a_rule_that_covers_nothing_is_a_warning_with_the_nearest_name(found):
    rule = {"match": "DocuSign Sendr", "fulfilment": "manual"}
    problems = found(1, leavers=(LeaverSettings(profile="DocuSign Sendr"),))
    assert "did you mean 'DocuSign Sender'?" in problems["rule_covers_nothing"]["found"]
    problems = found(1, entitlements=(rule,))
    assert list(problems) == ["rule_covers_nothing"]
    said = problems["rule_covers_nothing"]["found"]
    assert "Rule 1 of the tenant 'default'" in said and "did you mean 'DocuSign Sender'?" in said


def test_an_approver_who_cannot_be_anybody_is_a_warning_with_the_path_in_the_file(found):
    asked = {"people": ["zoe@acme.test"]}
    rule = {"match": "DocuSign Sender", "fulfilment": "approval", "approvers": asked}
    problems = found(1, entitlements=(rule,))
    assert list(problems) == ["approver_absent"]
    said = problems["approver_absent"]["found"]
    assert said.startswith("tenants.default.entitlements[0].approvers.people[0]: ")
    assert "console user add" in said


def test_a_leaver_who_administers_the_organization_is_a_warning_until_people_are_asked(
    found, doctor, connector
):
    user_id = connector.create("ann@acme.test", roles=[{"value": "organization-admin"}])["id"]
    connector.world.state.user(user_id).is_organization_admin = True
    connector.services.verification.verify_all(Actor("job:verify", "job", "test"))
    assert doctor().exit_code == 0
    ok(connector.patch(f"/Users/{user_id}", {"op": "replace", "path": "active", "value": False}))
    problems = found(status=1)
    assert list(problems) == ["leaver_administers"]
    said = problems["leaver_administers"]["found"]
    assert said.startswith(f"ann@acme.test ({user_id}) ") and "the governed accounts" in said
    ok(connector.patch(f"/Users/{user_id}", {"op": "remove", "path": "roles"}))
    assert doctor().exit_code == 0


def test_nothing_is_said_of_leavers_where_nobody_knows_who_administers(doctor, connector):
    def said(**tenant):
        findings = report(doctor("--json", **tenant))["findings"]
        (one,) = [item for item in findings if item["check"] == "leavers"]
        return one["result"], one["found"]

    result, told = said()
    assert result == "ok" and "none of whom has left" in told
    assert said(use_organization=False) == ("skipped", "use_organization is false")
    with connector.services.context.write() as uow:
        people = uow.mirror.get_users(uow.mirror.iter_user_ids()).values()
        uow.mirror.put_users([replace(one, is_organization_admin=None) for one in people], None)
        uow.commit()
    assert said()[0] == "skipped"
