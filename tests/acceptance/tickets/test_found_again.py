"""A record that was made and never heard of is found again, so that a case has but one."""

from __future__ import annotations

import json

import pytest
import structlog

from tests.acceptance.tickets.ticket_system import TABLE, finished, is_ended, opened


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
    with structlog.testing.capture_logs() as logs:
        told_without_knowing(connector, tickets, monkeypatch, LOST[0])
        connector.services.notifications.deliver_due()
    assert len(tickets.records) == 1
    assert not warned(logs)
    assert ("/search?" in tickets.questions[-1]) is (template == "jira")


def warned(logs):
    return [item for item in logs if "does not tell whether it has a record" in item["event"]]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_who_may_not_be_asked_is_told_all_the_same_and_the_log_says_so(connector, tickets, status):
    tickets.found = lambda path: (status, {})
    with structlog.testing.capture_logs() as logs:
        opened(connector)
    assert tickets.questions
    assert len(tickets.records) == 1
    (warning,) = warned(logs)
    assert warning["channel"] == "tickets"
    assert set(warning["answered"]) == {status}


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
