"""A case has one record in ServiceNow and in Jira, which every later message carries on."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from connector.services.context import Actor
from connector.settings import ChannelSettings, NotificationSettings, Secret
from simulator.faults import Fault
from tests.approvals import approver, operator
from tests.connector import ManualClock, connected
from tests.receivers import web_receiver
from tests.simulated import simulated
from tests.visitors import ask_for_admin, ask_for_approval, guarded

JOB = Actor("job:verify", "job", "c1")
TABLE, ISSUES = "/api/now/table/sc_task", "/rest/api/2/issue"


@dataclass
class Tickets:
    """A ticket system: records by name, each with what was written to it."""

    port: int = 0
    records: dict[str, list[Any]] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=dict)
    """Status by the end of a path."""
    calls: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    is_cut_off: bool = False
    """Whether it does what it is told and never says so."""

    def answer(self, handler: Any, received: Any) -> None:
        path = received.path.partition("?")[0]
        if received.method == "GET":
            self.questions.append(received.path)
        else:
            self.calls.append(f"{received.method} {received.path}")
        status = next((code for end, code in self.refuses.items() if path.endswith(end)), 0)
        name = next((key for key in self.records if f"/{key}" in path), "")
        headers: dict[str, str] = {}
        body: dict[str, Any] = {}
        if status:
            pass
        elif received.method == "GET":
            status, body = self.found(received.path)
        elif name:
            self.records[name].append(json.loads(received.body))
            status = 200
        elif path in (TABLE, ISSUES):
            is_jira = path == ISSUES
            number = 10_000 + len(self.calls)
            name = str(number) if is_jira else f"{number:032x}"
            self.records[name] = [json.loads(received.body)]
            status, body = 201, {"id": name, "key": f"IAM-{number}"} if is_jira else {"result": {}}
            headers = {} if is_jira else {"Location": f"https://x.example{path}/{name}"}
        else:
            status = 404
        if self.is_cut_off and received.method == "POST":
            handler.close_connection = True
            return
        text = json.dumps(body).encode()
        handler.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(text))}.items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(text)

    def found(self, path: str) -> tuple[int, dict[str, Any]]:
        """Return what a search finds: as both do, one record or none."""
        asked = {key: value for key, (value,) in parse_qs(urlsplit(path).query).items()}
        if urlsplit(path).path == TABLE:
            field_, _, key = asked["sysparm_query"].partition("=")
            found = [
                {"sys_id": name, "correlation_id": made["correlation_id"]}
                for name, (made, *_) in self.records.items()
                if made[field_] == key
            ]
            return 200, {"result": found[: int(asked["sysparm_limit"])]}
        match = re.fullmatch('labels = "(.+)"', asked["jql"])
        assert match is not None, asked
        issues = [
            {"id": name, "key": f"IAM-{name}", "fields": {"labels": made["fields"]["labels"]}}
            for name, (made, *_) in self.records.items()
            if match[1] in made["fields"]["labels"]
        ]
        return 200, {"issues": issues[: int(asked["maxResults"])]}


@pytest.fixture
def tickets():
    with web_receiver() as web:
        system = Tickets(web.port)
        web.answer = lambda handler: system.answer(handler, web.received[-1])
        yield system


@pytest.fixture(params=["servicenow", "jira"])
def template(request):
    return request.param


@pytest.fixture
def connector(tmp_path, tickets, template):
    paths = {"servicenow": f"{TABLE}?sysparm_view=api", "jira": ISSUES}
    options: dict[str, dict[str, Any]] = {
        "servicenow": {"assignment_group": "IAM", "done": {"state": "3", "close_notes": "Done."}},
        "jira": {"project": "IAM", "done_transition": 31},
    }
    url = Secret(f"http://127.0.0.1:{tickets.port}{paths[template]}")
    channel = ChannelSettings(
        "tickets",
        "webhook",
        ("approval.*", "task.*"),
        url=url,
        template=template,
        options=options[template],
    )
    clock = ManualClock()
    running = connected(
        tmp_path / "c.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        **guarded(),
        notifications=NotificationSettings(
            channels=(channel,), allowed_networks=("127.0.0.0/8",), timeout_s=2
        ),
    )
    yield running
    running.close()


def opened(connector):
    """Return a task of which the ticket system has been told."""
    task = ask_for_admin(connector, connector.world.member().user.user_id)
    connector.services.notifications.deliver_due()
    return task


def finished(connector, task):
    user_id = connector.services.work_items.get(task).subject_id
    connector.world.state.user(user_id).is_organization_admin = True
    connector.services.verification.verify_all(JOB)
    connector.services.notifications.deliver_due()
    deliveries = connector.services.notifications.list()
    assert {str(item.state) for item in deliveries} <= {"delivered"}, deliveries
    return deliveries


def test_a_case_has_one_record_that_ends_with_it(connector, tickets, template):
    task = opened(connector)
    ((name, (made,)),) = tickets.records.items()
    deliveries = finished(connector, task)
    ((_, (_, *added)),) = tickets.records.items()
    if template == "servicenow":
        assert (made["correlation_id"], made["assignment_group"]) == (task, "IAM")
        assert "done" not in made
        (update,) = added
        assert {"state": "3", "close_notes": "Done."}.items() <= update.items()
        assert update["work_notes"].startswith("Done: Grant Organization Administrator")
        assert tickets.calls[-1] == f"PATCH {TABLE}/{name}?sysparm_view=api"
    else:
        assert f"docusign-iga-{task}" in made["fields"]["labels"]
        moved, comment = added
        assert moved == {"transition": {"id": "31"}}
        assert comment["body"].startswith("{noformat}\nDone: Grant Organization Administrator")
        assert tickets.calls[1:] == [
            f"POST {ISSUES}/{name}/transitions",
            f"POST {ISSUES}/{name}/comment",
        ]
    assert {item.record for item in deliveries} == {
        f"http://127.0.0.1:{tickets.port}{TABLE if template == 'servicenow' else ISSUES}/{name}"
    }


def test_a_message_on_the_way_ends_nothing(connector, tickets, template):
    task = opened(connector)
    connector.services.tasks.claim(task, operator("olga"))
    told_that_it_is_late(connector)
    ((_, (_, *added)),) = tickets.records.items()
    assert added
    assert not [one for one in added if "state" in one or "transition" in one]


def told_that_it_is_late(connector):
    connector.clock.advance(6 * 86_400)
    connector.services.due.run(Actor("job:people", "job", "c2"))
    connector.services.notifications.deliver_due()


def test_a_record_that_was_deleted_there_is_made_anew(connector, tickets, template):
    task = opened(connector)
    tickets.records.clear()
    told_that_it_is_late(connector)
    ((name, _),) = tickets.records.items()
    finished(connector, task)
    assert list(tickets.records) == [name]
    assert is_ended(tickets.records[name], template)


def test_a_record_that_was_deleted_there_is_not_made_anew_for_a_finished_case(connector, tickets):
    task = opened(connector)
    tickets.records.clear()
    finished(connector, task)
    assert tickets.records == {}


def is_ended(written, template):
    """Whether something that was written to a record ended it."""
    if template == "servicenow":
        return any(one.get("state") == "3" for one in written)
    return {"transition": {"id": "31"}} in written


@pytest.mark.parametrize(
    "verdict, state",
    [(Verdict.APPROVE, WorkItemState.DONE), (Verdict.DENY, WorkItemState.REJECTED)],
)
def test_an_approval_has_one_record_that_ends_once_it_is_decided(
    connector, tickets, template, verdict, state
):
    item_id = ask_for_approval(connector, connector.create("new.hire@acme.test")["id"])
    connector.services.notifications.deliver_due()
    ((name, (made,)),) = tickets.records.items()
    assert item_id in json.dumps(made)

    view = connector.services.approvals.decide(item_id, verdict, approver(), comment="Looked")
    connector.services.notifications.deliver_due()

    assert view.item.state is state
    ((found, written),) = tickets.records.items()
    assert found == name
    assert is_ended(written, template)
    assert "Decided: " in (written[-1].get("work_notes") or written[-1]["body"])


def test_an_approval_that_docusign_keeps_waiting_ends_its_record_once_it_is_done(
    connector, tickets, template
):
    """Approved, and not yet carried out: the case is not over."""
    item_id = ask_for_approval(connector, connector.create("new.hire@acme.test")["id"])
    connector.services.notifications.deliver_due()
    ((_, written),) = tickets.records.items()
    connector.world.faults.add(Fault("error", "PUT", "/users", times=None, status=503))

    view = connector.services.approvals.decide(item_id, Verdict.APPROVE, approver())
    connector.services.notifications.deliver_due()
    assert view.item.state is WorkItemState.APPROVED
    assert not is_ended(written, template)

    connector.world.faults.clear()
    connector.clock.advance(3_600)
    connector.services.settlement.settle_all(JOB)
    connector.services.notifications.deliver_due()
    assert connector.services.approvals.get(item_id).item.state is WorkItemState.DONE
    assert is_ended(written, template)
    assert len(tickets.records) == 1


def test_a_record_of_another_installation_is_left_alone(connector, tickets, template):
    task = opened(connector)
    (name,) = tickets.records
    tickets.records[name][0] = {"correlation_id": "theirs", "fields": {"labels": ["theirs"]}}
    with connector.services.context.write() as uow:
        (delivery,) = uow.notifications.search()
        elsewhere = re.sub(r":\d+/", ":1/", delivery.record)
        uow.notifications.save(replace(delivery, record=elsewhere))
        uow.commit()
    finished(connector, task)
    assert len(tickets.records) == 2
    assert len(tickets.records[name]) == 1


class Killed(BaseException):
    """The process ends here."""


LOST = ["the answer is lost", "the process dies"]


def told_without_knowing(connector, tickets, monkeypatch, how):
    """Open a task of which the ticket system makes a record, and nobody hears what it is called."""
    if how == "the answer is lost":
        tickets.is_cut_off = True
        task = opened(connector)
        tickets.is_cut_off = False
        connector.clock.advance(60)
        return task
    notifier = connector.services.notifications._notifier
    deliver = notifier.deliver

    def dying(*arguments):
        deliver(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(notifier, "deliver", dying)
        with pytest.raises(Killed):
            opened(connector)
    connector.clock.advance(3_600)
    return connector.services.work_items.list()[0].work_item_id


@pytest.mark.parametrize("how", LOST)
def test_a_record_that_nobody_heard_of_is_found_and_not_made_twice(
    connector, tickets, template, monkeypatch, how
):
    task = told_without_knowing(connector, tickets, monkeypatch, how)
    connector.services.notifications.deliver_due()
    ((name, _),) = tickets.records.items()
    (delivery,) = connector.services.notifications.list()
    assert (str(delivery.state), delivery.record.rpartition("/")[2]) == ("delivered", name)
    finished(connector, task)
    assert list(tickets.records) == [name]
    assert is_ended(tickets.records[name], template)


def test_jira_data_center_is_asked_in_its_own_way(connector, tickets, template, monkeypatch):
    if template == "jira":
        tickets.refuses["/search/jql"] = 404
    told_without_knowing(connector, tickets, monkeypatch, LOST[0])
    connector.services.notifications.deliver_due()
    assert len(tickets.records) == 1
    assert ("/search?" in tickets.questions[-1]) is (template == "jira")


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_who_may_not_be_asked_is_told_all_the_same(connector, tickets, status):
    tickets.found = lambda path: (status, {})
    opened(connector)
    assert tickets.questions
    assert len(tickets.records) == 1


def test_who_cannot_answer_now_is_asked_again_before_anything_is_made(connector, tickets):
    real = tickets.found
    tickets.found = lambda path: (503, {})
    opened(connector)
    assert tickets.records == {}
    tickets.found = real
    connector.clock.advance(60)
    connector.services.notifications.deliver_due()
    assert len(tickets.records) == 1


@pytest.mark.parametrize(
    "lie",
    [
        {"result": [{"sys_id": "a" * 32}], "issues": [{"id": "1"}]},
        {"result": [{"sys_id": "a" * 32, "correlation_id": "x"}], "issues": [{"id": "1"}, 7]},
        {"result": {}, "issues": [{"id": "1", "fields": []}]},
        {"result": [None], "issues": {"id": "1"}},
    ],
)
def test_a_record_without_the_key_is_another_one(connector, tickets, lie):
    """ServiceNow passes over a condition that it does not understand, and shows any record."""
    tickets.found = lambda path: (200, lie)
    opened(connector)
    (call,) = tickets.calls
    assert call.startswith("POST")
    assert len(tickets.records) == 1


def test_an_issue_that_a_person_has_closed_is_commented_on(connector, tickets, template):
    task = opened(connector)
    tickets.refuses["/transitions"] = 400
    finished(connector, task)
    assert len(tickets.records) == 1


def test_a_record_that_cannot_be_written_now_is_written_later(connector, tickets, template):
    task = opened(connector)
    end = "/comment" if template == "jira" else next(iter(tickets.records))
    tickets.refuses[end] = 503
    user_id = connector.services.work_items.get(task).subject_id
    connector.world.state.user(user_id).is_organization_admin = True
    connector.services.verification.verify_all(JOB)
    connector.services.notifications.deliver_due()
    assert "waiting" in {str(item.state) for item in connector.services.notifications.list()}
    tickets.refuses.clear()
    connector.clock.advance(60)
    finished(connector, task)
    assert len(tickets.records) == 1


@pytest.mark.parametrize("lie", ["../../x", "10001/comment", "1?x=", "", "A" * 32])
def test_a_name_that_leads_elsewhere_is_no_record(connector, tickets, monkeypatch, lie):
    real = tickets.answer

    def lying(handler, received):
        body = json.dumps({"id": lie}).encode()
        handler.send_response(201)
        handler.send_header("Location", f"https://x.example{TABLE}/{lie}")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    monkeypatch.setattr(tickets, "answer", lying)
    task = opened(connector)
    monkeypatch.setattr(tickets, "answer", real)
    assert [item.record for item in connector.services.notifications.list()] == [""]
    finished(connector, task)
    assert len(tickets.records) == 1
