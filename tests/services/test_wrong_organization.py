"""An ``organization_id`` of somebody else is told as that, and not as missing rights."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from connector.docusign.client import ApiClient
from connector.docusign.errors import PermissionLostError
from connector.domain.diagnosis.probing import Clarity
from connector.services.bindings import binding_problems
from connector.services.doctor.probe import ProbeService
from connector.settings import AggregationSettings
from simulator.faults import Fault
from simulator.state.model import OtherAdmin
from tests.connector import connected
from tests.visitors import ROOT

ORGANIZATIONS = "/v2/organizations"
WRONG = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture
def connector(tmp_path):
    running = connected(
        tmp_path / "connector.db",
        organization_id=WRONG,
        aggregation=AggregationSettings(monitor="v3"),
    )
    yield running
    running.close()


def right_id(connector):
    return connector.world.details["organization_id"]


def asked(monkeypatch):
    """Return the list to which each call of the API is added from now on."""
    seen, send = [], ApiClient.send

    def spy(self, target, call):
        seen.append(call.template)
        return send(self, target, call)

    monkeypatch.setattr(ApiClient, "send", spy)
    return seen


def test_a_refusal_names_the_setting_and_what_may_stand_there(connector, monkeypatch):
    calls = asked(monkeypatch)
    directory = connector.services.context.directory
    for ask in (directory.claimed_domains, lambda: directory.get_people("ann@acme.test")):
        with pytest.raises(PermissionLostError) as refused:
            ask()
        told = str(refused.value)
        assert "tenants.default.organization_id" in told
        assert WRONG in told
        assert right_id(connector) in told
        assert refused.value.status == 403
    assert calls.count(ORGANIZATIONS) <= 1, "which there are is not asked at each refusal"
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError):
        directory.get_people("ann@acme.test")
    assert calls[-1] == ORGANIZATIONS


@pytest.mark.parametrize(
    "trouble",
    [
        Fault("error", "GET", ORGANIZATIONS + "$", status=503),
        Fault("html", "GET", ORGANIZATIONS + "$", status=200),
    ],
    ids=["out of order", "a proxy's page"],
)
def test_what_stands_in_the_way_of_the_question_hides_no_refusal_and_is_not_remembered(
    connector, trouble
):
    directory = connector.services.context.directory
    connector.clock.advance(601)
    connector.world.faults.add(trouble)
    with pytest.raises(PermissionLostError) as refused:
        directory.claimed_domains()
    assert refused.value.status == 403
    connector.world.faults.clear()
    with pytest.raises(PermissionLostError, match=WRONG):
        directory.claimed_domains()


def test_nobody_waits_while_another_asks_which_organizations_there_are(connector, monkeypatch):
    directory = connector.services.context.directory
    account_id = connector.world.account.account_id
    connector.clock.advance(601)
    asking, answered, send = threading.Event(), threading.Event(), ApiClient.send

    def slow(self, target, call):
        if call.template == ORGANIZATIONS:
            asking.set()
            assert answered.wait(120)
        return send(self, target, call)

    def refused():
        with pytest.raises(PermissionLostError):
            directory.claimed_domains()

    monkeypatch.setattr(ApiClient, "send", slow)
    first = threading.Thread(target=refused)
    first.start()
    try:
        assert asking.wait(120)
        others = [
            threading.Thread(target=refused),
            threading.Thread(target=directory.list_groups, args=[account_id]),
        ]
        for each in others:
            each.start()
        for each in others:
            each.join(60)
        assert not any(each.is_alive() for each in others)
    finally:
        answered.set()
        first.join()


def test_a_delta_says_so(connector, logged):
    with pytest.raises(PermissionLostError) as refused:
        connector.services.delta.run()
    assert right_id(connector) in str(refused.value)
    told = [item["error"] for item in logged if item["log_level"] == "warning" and "error" in item]
    assert told
    assert all(right_id(connector) in error for error in told)


def test_a_probe_says_so(connector):
    probe: ProbeService = connector.services.probe
    account_id = connector.world.account.account_id
    answers = probe.run(ROOT, account_id=account_id, domain="iga-probe.test")
    told = [item.found for item in answers if right_id(connector) in item.found]
    assert told
    assert {item.clarity for item in answers if item.found in told} == {Clarity.UNCLEAR}


def test_it_can_be_corrected_without_further_ado(connector):
    right = replace(connector.services.settings, organization_id=right_id(connector))
    with connector.services.context.read() as uow:
        assert binding_problems(uow, right) == []


def test_an_administrator_of_no_organization_is_told_that(connector):
    connector.world.service_user.is_organization_admin = False
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError) as refused:
        connector.services.context.directory.claimed_domains()
    assert right_id(connector) not in str(refused.value)


def test_an_administrator_of_another_organization_is_told_which(connector):
    user = connector.world.service_user
    user.is_organization_admin = False
    user.other_admin.add(OtherAdmin.FOREIGN)
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError, match=r"It administers .* \(Elsewhere Ltd\.\)"):
        connector.services.context.directory.claimed_domains()


def test_lost_rights_in_the_right_organization_stay_lost_rights(tmp_path):
    connector = connected(tmp_path / "right.db")
    connector.world.service_user.is_organization_admin = False
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError, match="organization administrator") as refused:
        connector.services.context.directory.claimed_domains()
    assert "organization_id" not in str(refused.value)
    connector.close()
