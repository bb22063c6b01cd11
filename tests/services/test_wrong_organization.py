"""An ``organization_id`` of somebody else is told as that, and not as missing rights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import structlog

from connector.docusign.client import ApiClient
from connector.docusign.errors import PermissionLostError
from connector.domain.diagnosis.probing import Clarity
from connector.services.bindings import binding_problems
from connector.services.doctor.probe import ProbeService
from connector.settings import AggregationSettings
from tests.connector import connected
from tests.visitors import ROOT

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
    assert calls.count("/v2/organizations") <= 1, "which there are is not asked at each refusal"
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError):
        directory.get_people("ann@acme.test")
    assert calls[-1] == "/v2/organizations"


def test_a_delta_says_so(connector):
    with structlog.testing.capture_logs() as logs, pytest.raises(PermissionLostError) as refused:
        connector.services.delta.run()
    assert right_id(connector) in str(refused.value)
    told = [item["error"] for item in logs if item["log_level"] == "warning" and "error" in item]
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


def test_lost_rights_in_the_right_organization_stay_lost_rights(tmp_path):
    connector = connected(tmp_path / "right.db")
    connector.world.service_user.is_organization_admin = False
    connector.clock.advance(601)
    with pytest.raises(PermissionLostError, match="organization administrator") as refused:
        connector.services.context.directory.claimed_domains()
    assert "organization_id" not in str(refused.value)
    connector.close()
