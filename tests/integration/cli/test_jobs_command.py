"""``docusign-iga jobs`` and ``budget``: run, paused, followed, and what it costs."""

import json
from datetime import datetime, timedelta


def test_a_paused_job_is_listed_as_paused_until_it_is_resumed(run):
    assert run("jobs", "pause", "sync").output == "sync is paused.\n"
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    assert listed["sync"]["paused"]["by"].startswith("user:")
    assert listed["settle"]["paused"] is None
    run("jobs", "resume", "sync")
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    assert listed["sync"]["paused"] is None


def test_a_job_runs_on_demand(run):
    result = run("jobs", "run", "settle")
    assert (result.exit_code, result.output) == (
        0,
        "settle: settled 0, waiting 0, failed 0.\n",
    )
    assert run("jobs", "history").output.startswith("No job has done anything yet")
    [kept] = json.loads(run("jobs", "history", "--all", "--json").output)
    assert (kept["job"], kept["calls"], kept["error"]) == ("settle", 0, None)
    assert kept["correlation_id"]


def test_the_list_is_followed_until_ctrl_c(run, monkeypatch):
    looks = []

    def sleep(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("connector.cli.jobs.time.sleep", sleep)
    followed = run("jobs", "list", "--watch")
    assert (followed.exit_code, looks) == (0, [1.0, 1.0])
    assert "settle" in followed.output


def test_workers_need_postgresql(run):
    refused = run("worker")
    assert (refused.exit_code, "Workers need PostgreSQL" in refused.output) == (1, True)


def test_the_list_tells_when_each_job_runs_next(run):
    run("jobs", "run", "anchor")
    run("jobs", "pause", "notify")
    listed = {item["job"]: item for item in json.loads(run("jobs", "list", "--json").output)}
    began = datetime.fromisoformat(listed["anchor"]["last"]["started_at"])
    assert datetime.fromisoformat(listed["anchor"]["next_run_at"]) == began + timedelta(hours=1)
    assert listed["notify"]["next_run_at"] is None
    assert "1 h" in run("jobs", "list").output


def test_the_budget_of_a_fresh_database_is_whole(run):
    report = json.loads(run("budget", "--json").output)
    [line] = report["budgets"]
    assert (line["limit"], line["remaining"], line["background_left"]) == (3000, None, 720)
    assert run("budget").exit_code == 0
