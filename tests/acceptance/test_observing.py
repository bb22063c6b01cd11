"""What monitoring sees: readiness in words, metrics, and one id from a request to DocuSign."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from connector.app import create_app
from connector.domain.budget import CallCount, hour_start
from connector.errors import ConnectorError
from connector.metrics import share_metrics
from connector.settings import ObservingSettings, Secret
from scim.direct_reads import DirectReads
from simulator.faults import Fault
from tests.connector import connected

DEPLOY = Path(__file__).parents[2] / "deploy"
TOKEN = "m3trics"


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "connector.db")
    running.application.settings = replace(
        running.application.settings, observing=ObservingSettings(Secret(TOKEN))
    )
    running.http = create_app(running.application).test_client()
    yield running
    running.close()


def metrics(connector):
    """Return the text of /metrics."""
    answer = connector.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def value(text, sample):
    """Return the value of one sample, None where there is none."""
    found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.M)
    return None if found is None else float(found[1])


def readiness(connector):
    answer = connector.http.get("/readyz")
    return answer.status_code, answer.json["checks"]


# readiness --------------------------------------------------------------------


def test_a_fresh_mirror_is_ready(connector):
    status, checks = readiness(connector)
    assert status == 200
    assert checks == {"database": "ok", "migrations": "ok", "tenant default": "ok"}


def test_an_old_mirror_is_not_ready_and_says_how_old(connector):
    connector.clock.advance(30 * 3600)
    status, checks = readiness(connector)
    assert status == 503
    assert "began 30.0 hours ago" in checks["tenant default"]


def test_a_refused_token_is_told_in_docusigns_words(connector):
    connector.world.faults.add(Fault("revoke_consent"))
    with pytest.raises(ConnectorError):
        connector.sync()
    status, checks = readiness(connector)
    assert status == 503
    assert checks["tenant default"].startswith("DocuSign gives no token: ")
    assert "consent" in checks["tenant default"].lower()


def test_an_older_database_is_not_ready(connector):
    with connector.application.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        connection.commit()
    status, checks = readiness(connector)
    assert status == 503
    assert "revision 0001" in checks["migrations"]


def test_a_bad_hour_of_docusign_leaves_the_mirror_ready(connector):
    connector.world.faults.add(Fault("error", "GET", "/users$", times=None, status=503))
    with pytest.raises(ConnectorError):
        connector.sync()
    assert readiness(connector)[0] == 200


# metrics ----------------------------------------------------------------------


def test_metrics_need_their_token(connector):
    assert connector.http.get("/metrics").status_code == 401
    wrong = connector.http.get("/metrics", headers={"Authorization": "Bearer other"})
    assert wrong.status_code == 401


def test_without_a_token_in_the_settings_there_are_no_metrics(tmp_path):
    plain = connected(tmp_path / "plain.db")
    assert plain.http.get("/metrics").status_code == 404
    plain.close()


def test_plain_reads_and_writes_are_counted_by_route_and_status(connector):
    user_id = connector.create("ann@acme.test")["id"]
    connector.get(f"/Users/{user_id}")
    connector.get("/Users/nobody")
    connector.get("/Users?count=1")
    connector.get("/no/such/thing")
    text = metrics(connector)
    counted = "docusign_iga_scim_request_duration_seconds_count"
    assert value(text, f'{counted}{{method="POST",route="/Users",status="201"}}') == 1
    assert value(text, f'{counted}{{method="GET",route="/Users/{{id}}",status="200"}}') == 1
    assert value(text, f'{counted}{{method="GET",route="/Users/{{id}}",status="404"}}') == 1
    assert value(text, f'{counted}{{method="GET",route="/Users",status="200"}}') == 1
    assert value(text, f'{counted}{{method="GET",route="other",status="404"}}') == 1


def test_calls_to_docusign_are_counted_by_purpose(connector):
    connector.create("ann@acme.test")
    text = metrics(connector)
    calls = "docusign_iga_docusign_calls_total"
    assert value(text, f'{calls}{{purpose="aggregation",status="200"}}') > 3
    assert value(text, f'{calls}{{purpose="provisioning",status="201"}}') >= 1


def test_calls_of_processes_that_nobody_scrapes_are_shown_too(connector):
    now = connector.clock.now()
    with connector.services.context.write() as uow:
        uow.budgets.add_calls([CallCount("worker", hour_start(now), "settlement", 30, 7)])
        uow.commit()
    text = metrics(connector)
    labels = '{budget="worker",purpose="settlement",tenant="default"}'
    assert value(text, f"docusign_iga_budget_calls_used{labels}") == 30
    assert value(text, f"docusign_iga_budget_calls_refused{labels}") == 7


def test_what_dashboard_and_alerts_say_of_calls_has_those_of_workers():
    deploy = Path(__file__).parents[2] / "deploy"
    alerts = (deploy / "prometheus-alerts.yaml").read_text()
    dashboard = (deploy / "grafana-dashboard.json").read_text()
    for text in (alerts, dashboard):
        assert "docusign_iga_docusign_calls_total" not in text
        assert "docusign_iga_budget_calls_refused" in text


def test_the_state_of_a_tenant_is_shown(connector):
    text = metrics(connector)
    assert value(text, "docusign_iga_ready") == 1
    assert value(text, 'docusign_iga_mirror_size{kind="users",tenant="default"}') >= 50
    assert value(text, 'docusign_iga_job_last_succeeded{job="sync",tenant="default"}') == 1
    assert 0 <= value(text, 'docusign_iga_sync_age_seconds{tenant="default"}') < 60
    assert value(text, 'docusign_iga_work_items_open{kind="manual_task",tenant="default"}') == 0


def test_reads_that_pass_by_flask_are_counted(connector):
    assert isinstance(connector.http.application.wsgi_app, DirectReads)
    user_id = next(iter(connector.world.account.members))
    connector.get(f"/Users/{user_id}")
    assert 'route="/Users/{id}",status="200"' in metrics(connector)


# dashboard and alerts ----------------------------------------------------------


def _names(text):
    return set(re.findall(r"docusign_iga_\w+", text))


def test_dashboard_and_alerts_name_metrics_that_exist(connector):
    connector.create("ann@acme.test")
    connector.application.connection._gate.flush()
    shown = _names(metrics(connector))
    asked = _names((DEPLOY / "grafana-dashboard.json").read_text())
    asked |= _names((DEPLOY / "prometheus-alerts.yaml").read_text())
    assert asked
    assert asked <= shown


def test_the_dashboard_can_be_imported():
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 0
    for panel in panels:
        assert panel["title"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert all(
            target["expr"].count("(") == target["expr"].count(")") for target in panel["targets"]
        )


def test_every_alert_says_what_to_do():
    [group] = yaml.safe_load((DEPLOY / "prometheus-alerts.yaml").read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) > 0
    for rule in group["rules"]:
        assert rule["expr"].count("(") == rule["expr"].count(")")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert rule["annotations"]["description"]


def test_prometheus_accepts_the_alerts(tmp_path):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    rules = DEPLOY / "prometheus-alerts.yaml"
    checked = subprocess.run(
        [promtool, "check", "rules", rules], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    # What must fire fires, and names whom it is about.
    (tmp_path / "cases.yaml").write_text(yaml.safe_dump(_alert_cases(rules)))
    tried = subprocess.run(
        [promtool, "test", "rules", tmp_path / "cases.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr


def _alert_cases(rules):
    def case(alert, series, values, at, labels):
        rule = next(
            item
            for item in yaml.safe_load(rules.read_text())["groups"][0]["rules"]
            if item["alert"] == alert
        )
        tenant = labels.get("tenant", "")
        told = {
            name: text.replace("{{ $labels.tenant }}", tenant)
            .replace("{{ $labels.job }}", labels.get("job", ""))
            .replace("{{ $labels.instance }}", labels.get("instance", ""))
            for name, text in rule["annotations"].items()
        }
        expected = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": told}
        return {
            "interval": "1m",
            "input_series": [{"series": series, "values": values}],
            "alert_rule_test": [
                {"alertname": alert, "eval_time": "2m", "exp_alerts": []},
                {"alertname": alert, "eval_time": at, "exp_alerts": [expected]},
            ],
        }

    return {
        "rule_files": [str(rules)],
        "tests": [
            case(
                "ConnectorNotReady",
                'docusign_iga_ready{instance="iga:443"}',
                "1 0x20",
                "15m",
                {"instance": "iga:443"},
            ),
            case(
                "MirrorIsOld",
                'docusign_iga_sync_age_seconds{tenant="acme"}',
                "90000x40",
                "30m",
                {"tenant": "acme"},
            ),
            case(
                "JobFails",
                'docusign_iga_job_last_succeeded{tenant="acme",job="sync"}',
                "0x120",
                "90m",
                {"tenant": "acme", "job": "sync"},
            ),
        ],
    }


# logs --------------------------------------------------------------------------


def test_one_id_leads_from_a_request_to_docusigns_trace_token(connector, log_lines):
    answer = connector.post("/Users", {"userName": "ann@acme.test"}, X_Correlation_Id="req-7")
    assert answer.status_code == 201
    assert answer.headers["X-Correlation-Id"] == "req-7"
    [creation] = [
        line
        for line in log_lines()
        if line["event"] == "docusign call"
        and line["method"] == "POST"
        and line["path"].endswith("/users")
    ]
    assert creation["correlation_id"] == "req-7"
    assert creation["trace_token"]


def test_what_a_killed_process_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    left, other = tmp_path / "docusign-iga-metrics-4194305-x", tmp_path / "something-else"
    left.mkdir()
    other.mkdir()
    share_metrics()
    assert not left.exists()
    assert other.exists()
    assert os.environ["PROMETHEUS_MULTIPROC_DIR"].startswith(str(tmp_path))
