"""Consent that is lost is seen everywhere at once, and heals by itself once it is granted."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from connector.app import create_app
from connector.domain.audit.events import AuditFilter
from connector.domain.consent.links import ADMIN_SCOPES
from connector.domain.consent.state import ConsentState
from connector.errors import ConnectorError
from connector.settings import ChannelSettings, NotificationSettings, ObservingSettings, Secret
from simulator.faults import Fault
from simulator.state.keys import SCOPES
from simulator.state.model import Status
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated
from tests.visitors import ROOT, add_account, visitor

CHANNEL = ChannelSettings("all", "email", ("*",), ("ops@acme.test",))


@pytest.fixture
def connector(tmp_path):
    channels = NotificationSettings(channels=(CHANNEL,))
    clock = ManualClock()
    running = connected(
        tmp_path / "connector.db",
        world=simulated(50, now=clock.now),
        clock=clock,
        notifications=channels,
    )
    settings = replace(running.application.settings, observing=ObservingSettings(Secret("m")))
    running.application.settings = settings
    running.http = create_app(running.application).test_client()
    yield running
    running.close()


@pytest.fixture
def ann(connector):
    add_account(connector, "ann", "administrator")
    person = visitor(connector)
    person.sign_in("ann")
    return person


def application_of(connector):
    return next(iter(connector.world.state.applications.by_key.values()))


def revoke(connector):
    connector.world.app.extensions["simulator"].revoke_consent()


def grant(connector, scopes=SCOPES):
    consents = application_of(connector).consents
    consents[connector.world.state.service_user_id] = set(scopes)


def try_a_change(connector):
    """Ask for something that needs DocuSign, an hour later."""
    connector.clock.advance(7200)
    user_id = connector.world.member().user.user_id
    answer = connector.patch(f"/Users/{user_id}", {"op": "replace", "path": "title", "value": "x"})
    connector.application.consent_watch.flush()
    return answer


def readiness(connector):
    return connector.http.get("/readyz").json["checks"]["tenant default"]


def metric(connector, state):
    text = connector.http.get("/metrics", headers={"Authorization": "Bearer m"}).text
    sample = rf'docusign_iga_connection{{state="{state}",tenant="default"}} (\S+)'
    return float(re.search(sample, text)[1])


def notices(connector):
    """Return what waits for people to hear of it, oldest first."""
    found = connector.services.notifications.list()
    return [item.notice for item in found][::-1]


def events(connector, action):
    with connector.application.store.read("default") as uow:
        return [item.data for item in uow.audit.events(wanted=AuditFilter(action=action))]


def test_a_revoked_consent_is_seen_in_readiness_metric_audit_and_notice(connector):
    revoke(connector)
    assert try_a_change(connector).status_code == 502
    record = connector.services.consents.connection()
    assert (record.state, record.cause) == (ConsentState.MISSING, "consent_required")
    assert "DocuSign: consent_required" in record.said
    assert readiness(connector).startswith("DocuSign gives no token: ")
    assert metric(connector, "missing") == 1.0
    (event,) = events(connector, "consent.lost")
    assert (event["state"], event["was"]) == ("missing", "granted")
    assert notices(connector) == ["consent.lost"]


def test_the_message_carries_a_link_that_works(connector):
    revoke(connector)
    try_a_change(connector)
    (delivery,) = connector.services.notifications.list()
    message = connector.services.notifications._writer.write(delivery)
    assert "/oauth/auth?" in message.steps[0]
    assert message.link.endswith("/console/connection")


def test_it_heals_by_itself_once_consent_is_granted(connector):
    revoke(connector)
    try_a_change(connector)
    with pytest.raises(ConnectorError):
        connector.sync()
    grant(connector)
    assert try_a_change(connector).status_code == 200
    assert connector.services.consents.connection().state is ConsentState.GRANTED
    assert readiness(connector) == "ok", "although the last sync was refused"
    assert events(connector, "consent.granted")
    assert notices(connector) == ["consent.lost", "consent.granted"]


def test_a_scope_that_was_never_granted_is_told_apart(connector):
    grant(connector, ADMIN_SCOPES - {"domain_read"})
    connector.clock.advance(7200)
    assert connector.services.consent.verify() == ("partial", "It is missing for domain_read.")
    connector.application.consent_watch.flush()
    record = connector.services.consents.connection()
    assert (record.state, record.missing) == (ConsentState.PARTIAL, {"domain_read"})
    words = readiness(connector)
    assert (
        words == "ok, but consent is missing for domain_read: `docusign-iga doctor` gives the link"
    )
    assert connector.http.get("/readyz").status_code == 200


def test_a_closed_service_user_is_told_with_its_own_cause(connector):
    for membership in connector.world.service_user.memberships.values():
        membership.status = Status.CLOSED
    assert try_a_change(connector).status_code == 502
    record = connector.services.consents.connection()
    assert (record.state, record.cause) == (ConsentState.REFUSED, "subject_unknown")
    assert notices(connector) == ["connection.refused"]
    assert "not an active user" in readiness(connector)


def test_docusign_being_down_is_no_lost_consent(connector):
    connector.world.faults.add(Fault("error", "POST", "/oauth/token", times=None, status=503))
    assert try_a_change(connector).status_code == 503
    assert connector.services.consents.connection().state is ConsentState.GRANTED
    assert notices(connector) == []


def test_the_console_says_so_on_every_page_and_gives_the_link(connector, ann):
    assert "See the connection" not in ann.get("/").text
    revoke(connector)
    try_a_change(connector)
    ann.sign_in("ann")
    assert "consent is missing or was revoked" in ann.get("/users").text
    page = ann.get("/connection").text
    assert "DocuSign gives the connector no token" in page
    link = ann.post("/connection/link", page="/connection", way="individual").text
    assert "response_type=code" in link
    grant(connector)
    answer = ann.post("/connection/verify", page="/connection")
    assert answer.status_code == 303
    assert "Consent works" in ann.get("/connection").text
    assert "See the connection" not in ann.get("/users").text


def test_a_viewer_makes_no_links(connector):
    add_account(connector, "vera", "viewer")
    vera = visitor(connector)
    vera.sign_in("vera")
    assert vera.post("/connection/link", page="/connection").status_code == 403


def test_a_way_that_does_not_exist_is_a_bad_request(connector, ann):
    assert ann.post("/connection/link", page="/connection", way="by post").status_code == 400


def test_an_erasure_asks_for_its_scope_too(connector):
    plain = connector.services.consent.scopes
    assert "user_data_redact" not in plain
    closed = connector.world.member(status=Status.CLOSED).user.user_id
    connector.clock.advance(48 * 3600)
    connector.services.erasures.request(closed, "asked", ROOT)
    assert connector.services.consent.scopes == plain | {"user_data_redact"}


def test_nothing_of_it_stands_in_a_users_resource(connector):
    user = ok(connector.get(f"/Users/{connector.world.state.service_user_id}"))
    assert "consent" not in user["urn:ietf:params:scim:schemas:extension:docusign:2.0:User"]
