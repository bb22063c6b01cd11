"""What the audit holds: who asked, what DocuSign was told, and nothing personal in the chain."""

from __future__ import annotations

from connector.domain.audit.chain import find_break
from connector.domain.audit.events import AuditFilter
from simulator.faults import Fault
from tests.connector import ok, refused


def events(connector, after=0):
    with connector.application.store.read("default") as unit:
        return list(unit.audit.events(after=after, limit=10_000))


def head(connector):
    with connector.application.store.read("default") as unit:
        return unit.audit.head().sequence


def actions(found):
    return [event.action for event in found]


def test_the_calls_of_a_sync_are_in_the_record(connector):
    found = [event for event in events(connector) if event.action == "docusign.called"]
    paths = {event.data["path"] for event in found}
    assert "/oauth/token" in paths
    assert "/v2.1/accounts/{account_id}/users" in paths
    listing = next(event for event in found if event.data["path"].endswith("/users"))
    assert actions(events(connector))[-1] == "sync.done"
    assert listing.data["status"] == 200
    assert listing.data["trace_token"]
    assert listing.data["duration_ms"] >= 0
    assert find_break(events(connector)) is None


def test_a_change_is_recorded_from_the_request_to_docusigns_answer(connector):
    before = head(connector)
    user = connector.create("ada@northwind-freight.example")
    found = events(connector, before)
    said = actions(found)
    assert said[0] == "request.received"
    order = [said.index(name) for name in ("request.received", "plan.recorded", "operation.done")]
    assert order == sorted(order)
    assert {event.correlation_id for event in found} == {found[0].correlation_id}
    assert {event.actor for event in found} == {"client:iga"}
    assert found[0].data == {"method": "POST", "path": "/Users"}
    calls = [event for event in found if event.action == "docusign.called"]
    assert any(call.data["method"] == "POST" for call in calls)
    assert found[said.index("operation.done")].subject == user["id"]


def test_a_refused_request_is_recorded_with_its_reason(connector):
    before = head(connector)
    refused(connector.post("/Users", {"userName": ["x"]}), 400, "invalidValue")
    received, refusal = events(connector, before)
    assert actions([received, refusal]) == ["request.received", "request.refused"]
    assert (refusal.data["status"], refusal.data["code"]) == (400, "invalidValue")
    assert refusal.data["reason"]


def test_a_write_without_the_right_to_is_recorded(connector):
    token = connector.client_token("reader", scopes=())
    before = head(connector)
    refused(connector.send("POST", "/Users", {"userName": "x@y.example"}, token=token), 403)
    refusal = events(connector, before)[-1]
    assert (refusal.actor, refusal.action) == ("client:reader", "request.refused")


def test_reading_leaves_no_event(connector):
    before = head(connector)
    ok(connector.get("/Users?count=2"))
    assert head(connector) == before


def test_calls_that_found_no_answer_are_recorded_too(connector):
    before = head(connector)
    connector.world.faults.add(Fault("drop", "POST", "/users$", times=50))
    refused(connector.post("/Users", {"userName": "ada@northwind-freight.example"}), 503)
    found = events(connector, before)
    assert any(event.data.get("error") for event in found if event.action == "docusign.called")
    assert found[-1].data["status"] == 503
    assert find_break(events(connector)) is None


def test_nothing_personal_is_in_the_chain_itself(connector):
    before = head(connector)
    # Letters that no identifier in hexadecimal has.
    connector.create("zoltan@northwind-freight.example", displayName="Zoltan Byron")
    for event in events(connector, before):
        assert "zoltan" not in str(event.seal.data).lower()


def test_the_page_finds_what_an_export_takes_along(connector):
    user = connector.create("ada@northwind-freight.example")
    connector.create("bea@northwind-freight.example")
    audit, browser = connector.services.audit, connector.services.browser
    for somebody in (user["id"], user["id"].upper(), "Ada@northwind-freight.example"):
        taken = [event.sequence for event in audit.walk(AuditFilter(), person=somebody)]
        shown = [event.sequence for event in browser.events(AuditFilter(), person=somebody).events]
        assert shown == taken[::-1]
        assert len(shown) > 3
