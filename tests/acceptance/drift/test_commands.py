"""The commands, the report, the notice and the console's pages about drift."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.drift.correlation import Identity
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Origin
from connector.domain.drift.findings import FindingFilter
from connector.services.context import Actor
from connector.services.drift.adoption import Selection, identities_of
from connector.services.drift.report import to_csv, to_html
from connector.settings import ChannelSettings, DriftSettings, NotificationSettings, Secret
from tests.acceptance.drift.native import BOB
from tests.approvals import operator
from tests.connector import ok
from tests.visitors import PASSWORD, add_account, signed_in

SETTINGS = DriftSettings(pending_after_days=0, dormant_after_days=0)


@pytest.fixture
def native(start, monkeypatch):
    """Ann holds another profile, and Mallory came out of nowhere."""
    found = start(drift=SETTINGS)
    found.set_profile(found.ann, found.other_profile())
    found.invite("mallory@acme.test", "<b>Mallory</b> =Moss")
    found.connector.reconcile()
    application = found.connector.application
    monkeypatch.setattr(CommandContext, "application", application)
    monkeypatch.setattr(CommandContext, "settings", application.settings)
    return found


def run(*arguments: str, answer: str = "") -> str:
    result = CliRunner().invoke(main, list(arguments), input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def as_olga(native, *arguments: str) -> str:
    """Run a command as a local account that may."""
    add_account(native.connector, "olga", "operator")
    return run(*arguments, "--as", "olga", "--password-stdin", answer=f"{PASSWORD}\n")


SIDES = ("expected", "docusign")


def test_findings_are_listed_shown_accepted_and_reverted(native):
    listed = json.loads(run("drift", "list", "--json"))
    assert {item["kind"] for item in listed} == {"native_grant", "unmanaged_user"}
    grant = next(item for item in listed if item["kind"] == "native_grant")
    shown = run("drift", "show", grant["id"][:8])
    assert "What would put it right" in shown and "change the profile" in shown
    catalogue = native.connector.services.browser.labels().catalogue
    place = grant["account_id"]
    was, now = (catalogue.profiles[place, grant[side]["profile"]].name for side in SIDES)
    assert f"Expected:\n  Permission profile: {was}\nDocuSign shows:\n" in shown
    assert f"  Permission profile: {now}\n" in shown
    assert f"{was} (" in shown.partition("On whose word it is expected:")[2].splitlines()[1]
    reverted = run("drift", "revert", grant["id"], "--reason", "Nobody asked")
    assert "1 reverted" in reverted
    (line,) = [line for line in reverted.splitlines() if grant["id"][:8] in line]
    assert grant["title"] in line and "put right in DocuSign (plan " in line
    assert native.snapshot() == native.held
    stranger = next(item for item in listed if item["kind"] == "unmanaged_user")
    add_account(native.connector, "olga", "operator")
    accept = ("drift", "accept", stranger["id"], "--as", "olga", "--password-stdin")
    assert "expected from now on" in run(*accept, "--reason", "Known", answer=f"{PASSWORD}\n")
    assert "no finding is open" in run("drift", "list")
    assert len(json.loads(run("drift", "list", "--all", "--json"))) == 2
    assert " users compared." in run("reconcile")


def test_a_list_says_what_it_does_not_show(native):
    first = CliRunner().invoke(main, ["drift", "list", "--limit", "1", "--json"])
    assert len(json.loads(first.stdout)) == 1
    assert "1 more not shown; --limit 2 shows all." in first.stderr
    assert CliRunner().invoke(main, ["drift", "list", "--limit", "2", "--json"]).stderr == ""
    assert run("drift", "list", "--user", BOB) == "No open finding fits.\n"
    assert run("drift", "list", "--all", "--user", BOB) == "No finding fits.\n"


def test_who_is_read_by_command_is_compared(native):
    native.set_work(native.bob, company="Rival")
    assert BOB in run("sync", "--user", BOB)
    (finding,) = native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    assert (finding.subject_id, finding.attribute) == (native.bob, "company")


def test_who_is_read_by_command_is_not_compared_while_that_is_paused(native):
    runs = native.connector.services.runs
    runs.pause("reconcile", Actor("user:olga", "cli", "test"))
    native.set_work(native.bob, company="Rival")
    assert BOB in run("sync", "--user", BOB)
    assert not native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    runs.resume("reconcile", Actor("user:olga", "cli", "test"))
    assert BOB in run("sync", "--user", BOB)
    assert native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)


def test_who_is_read_by_command_is_not_compared_where_deltas_are_not(start, monkeypatch):
    native = start(drift=replace(SETTINGS, after_delta=False))
    monkeypatch.setattr(CommandContext, "application", native.connector.application)
    monkeypatch.setattr(CommandContext, "settings", native.connector.application.settings)
    native.set_work(native.bob, company="Rival")
    assert BOB in run("sync", "--user", BOB)
    assert not native.connector.findings()


def test_reports_are_tables_and_one_page_without_anything_dangerous(native, tmp_path):
    rows = list(csv.DictReader(io.StringIO(run("drift", "report"))))
    assert {row["class"] for row in rows} == {"native_grant", "unmanaged_user"}
    page = tmp_path / "drift.html"
    run("drift", "report", "--format", "html", "--out", str(page))
    text = page.read_text()
    assert "&lt;b&gt;Mallory" in text and "<b>Mallory" not in text
    assert "<script" not in text and "src=" not in text
    assert len(json.loads(run("drift", "report", "--format", "json"))) == 2


def test_no_cell_of_a_report_is_a_formula(native):
    views = native.connector.services.drift.desk.list(FindingFilter())
    views = [type(view)(view.finding, f"={view.title}", view.steps) for view in views]
    rows = list(csv.reader(io.StringIO(to_csv(views))))
    assert all(not cell.startswith("=") for row in rows for cell in row)
    empty = to_html([], "default", native.connector.clock.now(), "https://x/?a=1&b=2")
    assert "as expected" in empty and "a=1&amp;b=2" in empty


def test_adopting_shows_first_and_then_does(native):
    ids = [item["id"] for item in json.loads(run("adopt", "--all", "--json"))["users"]]
    assert native.connector.findings(DriftKind.UNMANAGED_USER)
    assert "Nothing was changed" in run("adopt", "--email", "mallory@*")
    everything = ("adopt", "--email", "mallory@*", "--apply")
    refused = CliRunner().invoke(main, everything)
    assert refused.exit_code != 0 and "no e-mail address" in " ".join(refused.output.split())
    assert "Adopted 1 user;" in as_olga(native, *everything)
    assert not native.connector.findings(DriftKind.UNMANAGED_USER)
    with native.connector.services.context.read() as uow:
        mallory = next(i for i in ids if "mallory" in uow.mirror.get_users([i])[i].email)
        assert uow.drift.expected([mallory])[mallory].origin is Origin.ADOPTED
        assert {p.source for p in uow.attributes.provenance(mallory)} == {"adopted"}
        assert any(e.action == "drift.adopted" for e in uow.audit.events(limit=10_000))
    assert native.connector.reconcile()["new"] == 0


def test_a_file_finds_its_users_and_gives_them_their_external_ids(native, tmp_path):
    people = tmp_path / "people.csv"
    with native.connector.services.context.read() as uow:
        users = uow.mirror.get_users(uow.mirror.iter_user_ids())
    open_ones = [
        user
        for user in users.values()
        if any(user.open_memberships())
        and user.user_id not in (native.ann, native.bob)
        and user.user_id != native.state.service_user_id
    ]
    first, second = open_ones[:2]
    people.write_text(
        "email,user_id,external_id,employee_number\n"
        f"{first.email.upper()},,X-1,4711\n,{second.user_id},X-2,\nnobody@acme.test,,X-3,\n"
    )
    adopt = ("adopt", "--file", str(people), "--client", "iga", "--apply", "--json")
    done = json.loads(as_olga(native, *adopt))
    assert {item["id"]: item["rule"] for item in done["users"]} == {
        first.user_id: "email",
        second.user_id: "user_id",
    }
    assert done["unmatched"] == ["line 4"]
    shown = native.connector.user(first.user_id)
    assert shown["externalId"] == "X-1"
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    assert shown[enterprise]["employeeNumber"] == "4711"


def test_a_line_whose_person_is_known_by_its_id_is_nobody_elses(native):
    """The file has Ann's external id on an old address, on which somebody else is by now."""
    mallory = "mallory@acme.test"
    connector, adoption = native.connector, native.connector.services.drift.adoption
    change = {"op": "add", "path": "externalId", "value": "X-1"}
    ok(connector.patch(f"/Users/{native.ann}", change))
    with connector.services.context.read() as uow:
        scope = uow.clients.get("iga").external_id_scope
    line = Identity("line 2", external_id="X-1", email=mallory)
    done = adoption.adopt(Selection(identities=[line], scope=scope), operator(), apply=False)
    assert ([item.user.email for item in done.adopted], done.already) == ([], 1)
    assert done.unmatched == [line]
    elsewhere = Selection(identities=[line], scope="client:other")
    done = adoption.adopt(elsewhere, operator(), apply=False)
    assert [item.user.email for item in done.adopted] == [mallory], "X-1 of another client"


def test_a_file_in_another_encoding_is_refused_in_words(native, tmp_path):
    people = tmp_path / "people.csv"
    people.write_bytes("name\nJörg\n".encode("latin-1"))
    refused = CliRunner().invoke(main, ["adopt", "--file", str(people)])
    assert refused.exit_code != 0
    assert "no CSV in UTF-8" in " ".join(refused.output.split())


def test_adopting_hides_no_difference(native):
    adoption = native.connector.services.drift.adoption
    native.connector.services.drift.adoption.adopt(Selection(), operator(), apply=True)
    assert native.connector.findings(DriftKind.NATIVE_GRANT)
    again = adoption.adopt(Selection(), operator(), apply=False)
    assert (len(again.adopted), again.already > 0) == (0, True)


def test_nobody_adopts_their_own_user(native):
    mallory = "mallory@acme.test"
    adoption = native.connector.services.drift.adoption
    done = adoption.adopt(Selection(), operator("m.moss", email=mallory.upper()), apply=True)
    assert [item.user.email for item in done.own] == [mallory]
    assert native.connector.findings(DriftKind.UNMANAGED_USER)
    done = adoption.adopt(Selection(), operator(), apply=True)
    assert [item.user.email for item in done.adopted] == [mallory]
    assert not native.connector.findings(DriftKind.UNMANAGED_USER)


def test_a_file_with_strange_columns_is_refused():
    with pytest.raises(Exception, match="no column shoe"):
        identities_of([{"shoe": "44"}])


def test_a_digest_tells_of_new_findings_once(start):
    channel = ChannelSettings("ops", "webhook", ("drift.*",), url=Secret("https://x.test/"))
    native = start(drift=SETTINGS, notifications=NotificationSettings(channels=(channel,)))
    native.set_profile(native.ann, native.other_profile())
    native.join(native.ann, native.group(1))
    native.connector.reconcile()
    native.connector.reconcile()
    with native.connector.services.context.read() as uow:
        (delivery,) = uow.notifications.search()
    assert delivery.notice == "drift.found"
    assert delivery.payload["counts"] == {"native_grant": 2}
    assert BOB not in str(delivery.payload)


def test_the_console_lists_shows_and_decides(native):
    olga = signed_in(native.connector, "operator")
    page = olga.get("/drift").get_data(as_text=True)
    assert "native grant" in page and "&lt;b&gt;Mallory" in page
    narrowed = olga.get("/drift?class=unmanaged_user").get_data(as_text=True)
    assert "Mallory" in narrowed and "Ann Bell" not in narrowed
    assert "No finding fits" in olga.get("/drift?user=nobody@acme.test").get_data(as_text=True)
    (finding,) = native.connector.findings(DriftKind.NATIVE_GRANT)
    shown = olga.get(f"/drift/{finding.finding_id}").get_data(as_text=True)
    assert "What would put it right" in shown and "Put it right" in shown
    assert f"/drift/{finding.finding_id}" in olga.get(f"/users/{native.ann}").get_data(as_text=True)
    answer = olga.post(f"/drift/{finding.finding_id}/revert", reason="Nobody asked")
    assert answer.status_code == 303
    assert native.snapshot() == native.held
    ended = olga.get(f"/drift/{finding.finding_id}").get_data(as_text=True)
    assert "reverted" in ended and "It was put right" in ended
    assert "What would put it right" not in ended and "DocuSign shows</h3>" not in ended
    (done,) = set(re.findall(r'href="/console(/audit\?request=[^"]+)"', ended))
    assert "Carried out in DocuSign" in olga.get(done).get_data(as_text=True)


def test_the_console_lets_viewers_look_and_no_more(native):
    bob = signed_in(native.connector, "viewer", login="bob")
    (finding,) = native.connector.findings(DriftKind.UNMANAGED_USER)
    page = bob.get(f"/drift/{finding.finding_id}").get_data(as_text=True)
    assert "Put it right" not in page
    assert bob.post(f"/drift/{finding.finding_id}/accept", reason="x").status_code == 403
    assert native.connector.findings(DriftKind.UNMANAGED_USER)
