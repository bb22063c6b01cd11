"""A connector with a role and groups that people see to."""

from __future__ import annotations

import pytest

from tests.approvals import ADDRESS
from tests.connector import ManualClock, connected
from tests.simulated import simulated

AUDITOR = {
    "auditor": {
        "display": "Auditor",
        "instructions": {"grant": ["Tell {email}."], "revoke": ["Tell {email} again."]},
    }
}


@pytest.fixture
def connector(tmp_path, request):
    clock = ManualClock()
    running = connected(
        tmp_path / "c.db",
        world=simulated(10, now=clock.now),
        clock=clock,
        manual_roles=getattr(request, "param", AUDITOR),
        entitlements=({"kind": "group", "match": "*", "fulfilment": "manual", "risk": "high"},),
    )
    yield running
    running.close()


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)["id"]


@pytest.fixture
def work(connector):
    return connector.services.work_items


@pytest.fixture
def tasks(connector):
    return connector.services.tasks


@pytest.fixture
def administrator_of_an_account(connector, ann):
    """Return an account administrator, as DocuSign has them, known to the connector."""
    profiles = connector.world.account.profiles.values()
    member = connector.membership(ann)
    member.profile_id = next(item.profile_id for item in profiles if item.is_admin)
    connector.clock.advance(120)
    connector.reconcile()
    return member.user
