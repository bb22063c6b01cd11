"""Deciding on many findings at once: by command, over REST, in the console."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import FindingState
from connector.errors import ForbiddenError, GuardError, TemporaryError
from connector.services.context import TenantContext
from connector.services.drift.decisions import Wanted
from connector.settings import DriftSettings
from mappings.loader import load_entitlements
from tests.acceptance.drift.native import ANN, BOB, seen
from tests.approvals import APPROVE, DENY, approver, decide, operator
from tests.programs import problem, program
from tests.visitors import PASSWORD, add_account, signed_in

SETTINGS = DriftSettings(pending_after_days=0, dormant_after_days=0)
ALL = {("native_grant", "profile"), ("changed_attribute", "job_title"), ("native_grant", "group")}
TOO_MUCH = {"max_affected_pct": 1, "max_affected_min": 1}


def changed(start, **options):
    """Ann and Bob have another profile each, Ann another title and one more group."""
    native = start(drift=SETTINGS, **options)
    native.set_profile(native.ann, native.other_profile())
    native.set_profile(native.bob, native.other_profile())
    native.set_work(native.ann, job_title="Boss")
    native.join(native.ann, native.group(1))
    native.connector.reconcile()
    assert seen(native.connector) == ALL
    return native


@pytest.fixture
def native(start, monkeypatch):
    found = changed(start)
    application = found.connector.application
    monkeypatch.setattr(CommandContext, "application", application)
    monkeypatch.setattr(CommandContext, "settings", application.settings)
    return found


def run(*arguments: str, code: int = 0, answer: str = "") -> str:
    result = CliRunner().invoke(main, ["drift", *arguments], input=answer)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def as_olga(native, *arguments: str) -> str:
    """Run a command as a local account that may."""
    add_account(native.connector, "olga", "operator")
    acting = ("--as", "olga", "--password-stdin")
    return run(*arguments, *acting, answer=f"{PASSWORD}\n")


def test_a_dry_run_shows_what_would_be_done_and_does_nothing(native):
    profile = native.place(native.ann).profile_id
    shown = run("revert", "--class", "native_grant", "--attribute", "profile", "--dry-run")
    assert "change the profile" in shown and "2 findings about 2" in shown
    assert "Nothing was changed" in shown
    assert native.place(native.ann).profile_id == profile
    assert seen(native.connector) == ALL
    data = json.loads(
        CliRunner().invoke(main, ["drift", "accept", "--user", BOB, "--dry-run", "--json"]).stdout
    )
    assert [item["subject_id"] for item in data["findings"]] == [native.bob]
    assert (data["action"], data["subjects"], data["refused"]) == ("accept", 1, None)


def test_all_that_fit_are_put_right_after_a_question(native):
    arguments = ("revert", "--class", "native_grant", "--reason", "Nobody asked")
    assert "Aborted" in run(*arguments, code=1, answer="n\n")
    assert seen(native.connector) == ALL
    assert "3 reverted" in run(*arguments, answer="y\n")
    assert seen(native.connector) == {("changed_attribute", "job_title")}
    accept = ("accept", "--attribute", "job_title", "--yes", "--reason", "New titles")
    refused = run(*accept)
    assert "no e-mail address" in refused and "--as LOGIN" in refused
    assert "1 accepted" in as_olga(native, *accept)
    assert native.connector.reconcile()["open"] == 0
    assert native.user(native.ann).email == ANN


def test_many_are_looked_at_in_one_view_of_the_database(native, monkeypatch):
    services = native.connector.services
    decisions = services.drift.decisions
    ids = decisions.choose(decisions.filter_of(Wanted())).finding_ids
    assert len(ids) > 3
    reads, real = [], TenantContext.read

    def counted(context, *, single=False):
        reads.append(single)
        return real(context, single=single)

    monkeypatch.setattr(TenantContext, "read", counted)
    assert [view.finding.finding_id for view in decisions.views(ids)] == list(ids)
    assert len(reads) == 1
    told = [words for _, words in decisions.outcomes(ids)]
    assert (told, len(reads)) == (["stays as it is"] * len(ids), 2)


def test_steps_call_attributes_as_clients_do(native):
    wanted = Wanted(attribute="job_title")
    decisions = native.connector.services.drift.decisions
    (view,) = decisions.views(decisions.choose(decisions.filter_of(wanted)).finding_ids)
    assert "title" in view.steps[0]
    assert "job title" not in view.steps[0]


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (("--account", "*"), 3),
        (("--account", "nowhere*"), None),
        (("--entitlement", "no such profile"), None),
        (("--attribute", "group"), 1),
        (("--policy", "report"), 4),
        (("--policy", "revert"), 0),
        (("--state", "open"), 4),
        (("--state", "reverting"), 0),
        (("--limit", "1"), 1),
    ],
)
def test_each_option_narrows_the_choice(native, options, number):
    arguments = ["drift", "revert", *options, "--dry-run", "--json"]
    result = CliRunner().invoke(main, arguments)
    if number is None:
        assert result.exit_code == 1
        assert "is called" in result.output
    else:
        assert len(json.loads(result.stdout)["findings"]) == number


def test_entitlements_and_accounts_are_known_by_their_names(native):
    connector = native.connector
    held = native.place(native.ann).profile
    names = {"entitlement": held.name.upper(), "account": native.account().name}
    decisions = connector.services.drift.decisions
    choice = decisions.choose(decisions.filter_of(Wanted(**names)))
    assert choice.kinds == {DriftKind.NATIVE_GRANT: 1}
    assert {view.finding.subject_id for view in decisions.views(choice.finding_ids)} == {native.ann}


def test_ids_and_options_exclude_each_other(native):
    (finding,) = native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    both = ("accept", finding.finding_id, "--class", "native_grant", "--reason", "x")
    assert "Name the FINDINGS" in run(*both, code=2)
    assert "Name the FINDINGS" in run("accept", "--reason", "x", code=2)
    assert "--reason" in run("accept", finding.finding_id, code=2)
    shown = run("accept", finding.finding_id[:8], "--dry-run")
    assert "expected from then on" in shown


def test_more_users_than_the_guard_allows_are_not_reverted_at_once(start):
    native = changed(start, guards=TOO_MUCH)
    decisions = native.connector.services.drift.decisions
    every = decisions.filter_of(Wanted())
    choice = decisions.choose(every)
    assert (len(choice.finding_ids), choice.subjects) == (4, 2)
    assert "raise guards.max_affected_pct" in (decisions.refusal(choice) or "")
    with pytest.raises(GuardError):
        decisions.revert(choice, operator(), "Nobody asked")
    assert seen(native.connector) == ALL

    few = decisions.choose(decisions.filter_of(Wanted(user=ANN)))
    assert decisions.revert(few, operator(), "Nobody asked").states == {FindingState.REVERTED: 3}
    rest = decisions.accept(decisions.choose(every), operator(), "Ordered by phone")
    assert rest.states == {FindingState.ACCEPTED: 1}


def test_findings_named_by_their_ids_keep_to_the_guard_as_well(start, monkeypatch):
    native = changed(start, guards=TOO_MUCH)
    monkeypatch.setattr(CommandContext, "application", native.connector.application)
    monkeypatch.setattr(CommandContext, "settings", native.connector.application.settings)
    grants = native.connector.findings(DriftKind.NATIVE_GRANT)
    ids = [item.finding_id for item in grants]
    assert {item.subject_id for item in grants} == {native.ann, native.bob}
    refused = run("revert", *ids, "--reason", "Nobody asked", code=1)
    assert "raise guards.max_affected_pct" in refused
    assert seen(native.connector) == ALL
    of_ann = [item.finding_id for item in grants if item.subject_id == native.ann]
    assert "2 reverted" in run("revert", *of_ann, "--reason", "Nobody asked")


def test_who_asks_for_an_approval_by_a_revert_is_known_by_the_address(native):
    rule = {"match": "*", "kind": "profile", "fulfilment": "approval"}
    policy = native.connector.services.context.policy
    object.__setattr__(policy, "mapping", load_entitlements(entitlements=[rule]))
    revert = ("revert", "--user", BOB, "--yes", "--reason", "Nobody asked")
    assert "no e-mail address" in run(*revert)
    assert native.connector.services.approvals.list() == []
    add_account(native.connector, "olga", "operator")
    assert "1 reverting" in run(*revert, "--as", "olga", "--password-stdin", answer=f"{PASSWORD}\n")
    (item,) = native.connector.services.approvals.list()
    assert (item.requester, item.terms.requester_email) == ("user:olga", "olga@staff.example")
    with pytest.raises(ForbiddenError, match="what they asked for"):
        decide(native.connector, item, APPROVE, approver("o", email="Olga@staff.example"))
    decide(native.connector, item, DENY, approver("dora"), comment="He moved")
    native.connector.reconcile()
    acting = ("--as", "olga", "--password-stdin")
    told = run(*revert, *acting, answer=f"{PASSWORD}\n")
    assert "was denied, and that holds until 20" in told
    told = run(*revert[:-1], "She asked", *acting, answer=f"{PASSWORD}\n")
    (item,) = native.connector.services.approvals.list()
    assert native.connector.services.approvals.get(item.work_item_id).reason == "She asked"


def test_one_named_that_cannot_be_decided_keeps_no_other_from_it(native):
    (title,) = native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    as_olga(native, "accept", title.finding_id, "--reason", "Known")
    grants = [item.finding_id for item in native.connector.findings(DriftKind.NATIVE_GRANT)]
    told = run("revert", title.finding_id, *grants, "--reason", "Nobody asked", code=1)
    assert "3 reverted" in told and "accepted already" in told
    assert "1 stays open:" in told
    assert "1 of the findings named was not decided" in told


def test_what_cannot_be_decided_is_told_and_the_rest_is_done(native):
    connector = native.connector
    decisions = connector.services.drift.decisions
    choice = decisions.choose(decisions.filter_of(Wanted()))
    (title,) = connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    connector.services.drift.desk.accept(title.finding_id, operator(), "Known")
    heard = []
    decided = decisions.revert(choice, operator(), "Nobody asked", lambda *step: heard.append(step))
    assert decided.states == {FindingState.REVERTED: 3}
    assert list(decided.problems) == [title.finding_id]
    assert "accepted already" in decided.problems[title.finding_id]
    assert heard == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_where_docusign_is_away_the_rest_is_left(native, monkeypatch):
    drift = native.connector.services.drift
    decisions, real, tried = drift.decisions, drift.desk.revert, []

    def revert(finding_id, by, reason):
        tried.append(finding_id)
        if len(tried) == 2:
            raise TemporaryError("DocuSign is away.", retry_after_s=60)
        return real(finding_id, by, reason)

    monkeypatch.setattr(drift.desk, "revert", revert)
    choice = decisions.choose(decisions.filter_of(Wanted()))
    decided = decisions.revert(choice, operator(), "Nobody asked")
    assert decided.states.total() == 1
    assert decided.left == choice.finding_ids[1:]
    assert decided.stopped_by == "DocuSign is away."


# over REST ------------------------------------------------------------------------


def test_the_api_shows_and_does(native):
    olga = program(native.connector, "operator")
    asked = {"kinds": ["native_grant"], "attribute": "profile"}
    shown = olga.post("/drift/revert", {**asked, "dry_run": True})
    assert shown.status_code == 200, shown.json
    assert (len(shown.json["findings"]), shown.json["subjects"]) == (2, 2)
    assert all(item["suggested_plan"] for item in shown.json["findings"])
    assert seen(native.connector) == ALL

    assert olga.post("/drift/revert", asked).status_code == 422, "without a word about it"
    done = olga.post("/drift/revert", {**asked, "comment": "Nobody asked"})
    assert {item["state"] for item in done.json["findings"]} == {"reverted"}
    (title,) = native.connector.findings(DriftKind.CHANGED_ATTRIBUTE)
    said = {"findings": [title.finding_id], "comment": "New titles"}
    assert olga.post("/drift/accept", said).json["findings"][0]["state"] == "accepted"
    again = olga.post("/drift/accept", said).json
    assert again["problems"][0]["id"] == title.finding_id
    assert olga.post("/drift/accept", {**said, **asked}).status_code == 422
    assert olga.post("/drift/accept", {"comment": "New titles"}).status_code == 422


def test_the_api_keeps_to_the_guard(start):
    native = changed(start, guards=TOO_MUCH)
    olga = program(native.connector, "operator")
    every = {"states": ["open"], "policies": ["report"]}
    shown = olga.post("/drift/revert", {**every, "dry_run": True}).json
    assert "person's word" in shown["refused"]
    refused = olga.post("/drift/revert", {**every, "comment": "Nobody asked"})
    assert "person's word" in problem(refused, 409, "guarded")
    assert seen(native.connector) == ALL


# in the console -------------------------------------------------------------------


def test_the_console_decides_on_those_that_are_chosen(native):
    olga = signed_in(native.connector, "operator")
    page = olga.get("/drift").get_data(as_text=True)
    assert page.count('name="finding"') == 4
    chosen = [item.finding_id for item in native.connector.findings(DriftKind.NATIVE_GRANT)]
    fields = {"finding": chosen, "act": "revert", "reason": "Nobody asked"}
    assert olga.post("/drift/several", page="/drift", **fields).status_code == 303
    assert "3 reverted" in olga.get("/drift").get_data(as_text=True)
    assert seen(native.connector) == {("changed_attribute", "job_title")}
    nothing = {"act": "accept", "reason": "x"}
    assert olga.post("/drift/several", page="/drift", **nothing).status_code == 303
    assert "Choose the findings first" in olga.get("/drift").get_data(as_text=True)


def test_the_console_lets_viewers_choose_nothing(native):
    bob = signed_in(native.connector, "viewer", login="bob")
    page = bob.get("/drift").get_data(as_text=True)
    assert 'name="finding"' not in page and "Put them right" not in page
    chosen = [item.finding_id for item in native.connector.findings()]
    fields = {"finding": chosen, "act": "accept", "reason": "x"}
    assert bob.post("/drift/several", page="/", **fields).status_code == 403
    assert seen(native.connector) == ALL
