"""A connector that tells a ticket system of what people have to do."""

from __future__ import annotations

from typing import Any

import pytest

from connector.settings import ChannelSettings, NotificationSettings, Secret
from tests.acceptance.tickets.ticket_system import ISSUES, TABLE, Tickets
from tests.connector import ManualClock, connected
from tests.receivers import web_receiver
from tests.simulated import simulated
from tests.visitors import guarded


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
            channels=(channel,), allowed_networks=("127.0.0.0/8",), timeout_s=60
        ),
    )
    yield running
    running.close()
