"""A case has one record in ServiceNow and in Jira, which every later message carries on."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from connector.domain.work_items.approvals import Verdict
from connector.domain.work_items.items import WorkItemState
from simulator.faults import Fault
from tests.acceptance.tickets.ticket_system import (
    ISSUES,
    JOB,
    TABLE,
    finished,
    is_ended,
    opened,
    told_that_it_is_late,
)
from tests.approvals import approver, operator
from tests.visitors import ask_for_approval


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


@pytest.mark.parametrize(
    "verdict, state",
    [(Verdict.APPROVE, WorkItemState.DONE), (Verdict.DENY, WorkItemState.DENIED)],
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
