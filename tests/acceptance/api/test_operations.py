"""Single operations, where there is more to say than their description does."""

from __future__ import annotations

from connector.services.browsing.views import UserQuery
from connector.services.job_lease import give_back, holding_lease, lease_key
from tests.acceptance.processes import wait_until
from tests.programs import problem, stranger
from tests.visitors import ROOT

ENDS_WITHIN_S = 60


def _ended(robot, job, before=""):
    last = robot.read(f"/jobs/{job}")["last"]
    return last is not None and last["id"] != before and last["state"] != "running"


def test_a_job_that_was_started_ends_and_is_in_the_history(lived):
    _, people, _ = lived
    robot = people["operator"]
    assert robot.post("/jobs/retention/run").status_code in (202, 409)
    wait_until(lambda: _ended(robot, "retention"), ENDS_WITHIN_S)
    last = robot.read("/jobs/retention")["last"]
    assert last["state"] == "done" and last["started_by"].startswith("user:")
    runs = robot.read("/jobs/retention/runs", idle="true")["items"]
    assert last["id"] in [run["id"] for run in runs]


def test_a_sync_that_was_asked_for_is_whoever_asked_s(lived):
    connector, people, _ = lived
    robot = people["operator"]
    before = robot.read("/jobs/sync")["last"]["id"]
    assert robot.post("/jobs/sync/run").status_code == 202
    wait_until(lambda: _ended(robot, "sync", before), ENDS_WITHIN_S)
    last = robot.read("/jobs/sync")["last"]
    assert (last["state"], last["started_by"]) == ("done", "user:operator")
    with connector.services.context.read() as uow:
        told = [item for item in uow.audit.walk() if item.action == "sync.done"]
    assert (told[-1].actor, told[-1].data["run"]) == ("user:operator", last["id"])


def test_a_job_that_runs_elsewhere_is_told(lived):
    connector, people, _ = lived
    context = connector.services.context
    with holding_lease(context, lease_key("people"), lambda _: None) as owner:
        answer = people["operator"].post("/jobs/people/run")
        assert "is running" in problem(answer, 409, "closed")
        with context.write() as uow:
            give_back(uow, lease_key("people"), owner)
            uow.commit()
    assert people["operator"].post("/jobs/people/run").status_code == 202


def test_a_paused_job_says_who_paused_it(lived):
    _, people, _ = lived
    root = people["administrator"]
    assert root.post("/jobs/verify/pause").json["paused_by"] == "user:administrator"
    assert root.post("/jobs/verify/resume").json["paused_by"] is None
    problem(root.get("/jobs/none"), 404, "not-found")


def test_a_file_comes_back_as_it_was_and_is_never_shown(lived):
    _, people, ids = lived
    answer = people["viewer"].get(f"/tasks/{ids['task']}/evidence/{ids['file']}")
    assert answer.data == b"%PDF-1.7"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_pages_of_users_and_events_are_complete(lived):
    connector, people, ids = lived
    robot = people["viewer"]
    users = [item["id"] for item in robot.walk("/users", limit=20)]
    total = connector.services.browser.users(UserQuery()).total
    assert len(users) == len(set(users)) == total
    with connector.services.context.read() as uow:
        total = uow.audit.head().sequence
    events = [item["sequence"] for item in robot.walk("/audit/events", limit=200)]
    assert events == sorted(events, reverse=True) and len(set(events)) >= total
    line = robot.read("/users", q=robot.read(f"/users/{ids['user']}")["email"])["items"]
    assert [item["id"] for item in line] == [ids["user"]]


def test_pages_of_deliveries_and_runs_are_complete(lived):
    connector, people, _ = lived
    robot = people["viewer"]
    found = [item["id"] for item in robot.walk("/notifications", limit=2)]
    assert len(found) == len(set(found)) == len(connector.services.notifications.list())
    connector.sync()
    runs = [item["id"] for item in robot.walk("/jobs/sync/runs", limit=1)]
    assert len(runs) == len(set(runs)) == len(connector.services.runs.history("sync"))


def test_the_audit_is_exported_as_lines_and_as_a_table(lived):
    _, people, _ = lived
    robot = people["viewer"]
    lines = robot.get("/audit/export", action="work_item.opened").get_data(as_text=True)
    table = robot.get("/audit/export", action="work_item.opened", format="csv")
    assert table.content_type.startswith("text/csv")
    assert len(table.get_data(as_text=True).splitlines()) == len(lines.splitlines()) + 1 > 2
    [event, *_] = robot.read("/audit/events", action="console.audit_exported")["items"]
    assert event["actor"] == "user:viewer"


def test_an_export_about_nobody_is_told_before_anything_is_sent(lived):
    _, people, _ = lived
    for form in ("jsonl", "csv"):
        answer = people["viewer"].get("/audit/export", person="no@body.example", format=form)
        problem(answer, 404, "not-found")


def test_a_policy_that_cannot_be_used_is_told(lived):
    _, people, _ = lived
    answer = people["viewer"].post(
        "/policy/simulation", {"entitlements": [{"match": "*", "riks": "low"}]}
    )
    assert "riks" in problem(answer, 422, "invalid")


def test_one_s_own_token_is_ended_and_nobody_else_s(lived):
    connector, people, _ = lived
    tokens = connector.application.personal_tokens
    token, text = tokens.add("default", "viewer", "leaked", ROOT)
    leaked = stranger(connector, text)
    assert leaked.read("/me")["login"] == "viewer"
    problem(people["operator"].post(f"/me/tokens/{token.token_id}/revoke"), 404, "not-found")
    ended = leaked.post(f"/me/tokens/{token.token_id}/revoke").json
    assert ended["revoked_at"]
    problem(leaked.get("/me"), 401, "unauthorized")
