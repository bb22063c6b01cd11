"""Reverts that lead DocuSign to make a second user of somebody known."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.cli.audit_words import happened
from connector.console import words
from connector.domain.audit.events import AuditFilter
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.expected import Origin
from connector.errors import ConnectorError, PermanentError
from simulator.faults import Fault
from simulator.state.model import Status
from tests.acceptance.drift.native import BOB
from tests.acceptance.drift.stranger import DATABASE, REPORT, expected_of
from tests.approvals import operator
from tests.connector import ok
from tests.services.test_crash import settled


def second_user(native) -> str:
    """Bob is gone from DocuSign, and somebody has him brought back; return the new user's id."""
    connector = native.connector
    native.remove(native.bob)
    connector.reconcile()
    (gone,) = connector.findings(DriftKind.VANISHED_USER)
    with pytest.raises(PermanentError, match="as a second user") as caught:
        connector.services.drift.desk.revert(gone.finding_id, operator("olga"), "He works here")
    (second,) = native.state.on_address(BOB)
    assert f"If {native.bob} is gone for good: go on with the second user" in str(caught.value)
    assert f"If not: send active=false for {second.user_id}" in str(caught.value)
    return second.user_id


@DATABASE
@pytest.mark.parametrize("is_answer_lost", [False, True])
def test_a_second_user_counts_as_made_by_the_connector(start, database, is_answer_lost):
    native = start(database, drift=REPORT)
    connector = native.connector
    if is_answer_lost:
        connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))

    second = second_user(native)

    connector.reconcile()
    (finding,) = connector.findings()
    assert (finding.kind, finding.subject_id) == (DriftKind.VANISHED_USER, native.bob)
    assert "as a second user" in (finding.problem or "")
    expected = expected_of(connector, second)
    assert expected is not None
    assert expected.origin is Origin.PROVISIONED
    with connector.services.context.read() as uow:
        held = {item.entitlement: item.granted_by for item in uow.attributes.provenance(second)}
        (doubled,) = uow.audit.walk(AuditFilter(subjects=(second,), action="user.doubled"))
        told = [*uow.audit.walk(AuditFilter(people=(native.bob,), action="user.doubled"))]
    assert held == {connector.baseline(): operator("olga").name}
    assert doubled.data["user_id"] == native.bob
    page = connector.services.browser.events(
        AuditFilter(subjects=(second,), action="user.doubled"), calls=False, limit=1
    )
    assert happened(doubled, page).endswith(f": instead of {native.bob}")
    assert [str(detail) for _, _, detail in words.told(page)] == [f"instead of {native.bob}"]
    assert told == [doubled]


def test_who_accepts_that_the_first_is_gone_goes_on_with_the_second(start):
    native = start(drift=REPORT)
    connector = native.connector
    second = second_user(native)

    (gone,) = connector.findings()
    connector.services.drift.desk.accept(gone.finding_id, operator("olga"), "He has another id")

    connector.reconcile()
    assert connector.findings() == []
    assert connector.user(second)["active"] is True
    ok(connector.patch(f"/Users/{second}", {"op": "replace", "path": "active", "value": False}))
    connector.reconcile()
    assert connector.findings() == []


ZED = "zed@northwind-freight.example"
NO_READING = Fault("drop", "GET", "/users", times=50)


def vanished(native, user_id: str):
    """Let DocuSign forget somebody; return the finding."""
    native.remove(user_id)
    native.connector.reconcile()
    (gone,) = native.connector.findings(DriftKind.VANISHED_USER)
    return gone


def revert(connector, finding) -> None:
    connector.services.drift.desk.revert(finding.finding_id, operator("olga"), "He works here")


def doubled(connector) -> list:
    with connector.services.context.read() as uow:
        return [*uow.audit.walk(AuditFilter(action="user.doubled"))]


def invited_natively(native) -> tuple[str, str]:
    """Somebody whom nobody asked for, deleted by a client, and who has the address since."""
    first = native.invite(ZED, "Zed Stone").user_id
    native.close(first)
    native.connector.reconcile()
    native.connector.clock.advance(3600)
    return first, "Zed Stone"


def created_by_a_request(native) -> tuple[str, str]:
    return native.bob, "Bob Stone"


@pytest.mark.parametrize("is_answer_lost", [False, True])
@pytest.mark.parametrize("first_of", [invited_natively, created_by_a_request])
def test_who_was_deleted_is_closed_again_where_docusign_opens_them_instead(
    start, first_of, is_answer_lost
):
    native = start(drift=REPORT)
    connector = native.connector
    first, name = first_of(native)
    address = native.user(first).email
    connector.delete(f"/Users/{first}")
    connector.clock.advance(3600)
    other = connector.create(address, displayName=name, externalId="other")["id"]
    connector.reconcile()
    connector.clock.advance(61)
    gone = vanished(native, other)
    connector.world.set_variants(recreate_closed="reopens")
    if is_answer_lost:
        connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))

    with pytest.raises(PermanentError, match=f"re-opened the earlier user {first}"):
        revert(connector, gone)

    assert [item.status for item in native.user(first).memberships.values()] == [Status.CLOSED]
    assert doubled(connector) == []
    assert connector.get(f"/Users/{first}").status_code == 404
    connector.reconcile()
    (finding,) = connector.findings()
    assert (finding.kind, finding.subject_id) == (DriftKind.VANISHED_USER, other)
    assert f"instead of joining {other}" in (finding.problem or "")
    expected = expected_of(connector, first)
    assert expected is None or not any(item.is_open for item in expected.memberships.values())


def deleted_and_replaced(native) -> tuple[str, object]:
    """Bob was deleted, another one got his address and is gone from DocuSign: return who that is
    and the finding."""
    connector = native.connector
    connector.delete(f"/Users/{native.bob}")
    connector.clock.advance(3600)
    other = connector.create(BOB, displayName="Bob Stone", externalId="other")["id"]
    connector.reconcile()
    connector.clock.advance(61)
    return other, vanished(native, other)


@pytest.mark.parametrize("is_seen", [True, False], ids=["seen by a sync", "unseen"])
def test_whom_people_opened_again_stays_open_where_the_change_never_arrived(
    start, monkeypatch, is_seen
):
    native = start(drift=REPORT)
    connector = native.connector
    other, gone = deleted_and_replaced(native)
    native.reopen(native.bob)
    if is_seen:
        connector.sync()
    else:
        connector.clock.advance(301)
    directory, looks = connector.services.context.directory, []
    real = directory.find_members

    def find(*asked):
        looks.append(asked)
        return real(*asked)

    monkeypatch.setattr(directory, "find_members", find)
    connector.world.faults.add(Fault("drop", "POST", "/users$"))

    with pytest.raises(ConnectorError, match="taken by somebody else"):
        revert(connector, gone)

    assert looks == [(native.account().account_id, BOB)]
    assert native.place(native.bob).status.is_open
    connector.reconcile()
    assert native.place(native.bob).status.is_open
    found = {(item.kind, item.subject_id) for item in connector.findings()}
    assert (DriftKind.VANISHED_USER, other) in found
    assert native.bob in {subject for _, subject in found}


@pytest.mark.parametrize("hides", ["date", "name"])
def test_who_may_have_been_opened_by_people_is_left_to_reconciliation(start, hides):
    native = start(drift=REPORT)
    connector = native.connector
    _, gone = deleted_and_replaced(native)
    connector.world.set_variants(recreate_closed="reopens")
    connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))
    connector.world.faults.add(NO_READING)
    with pytest.raises(ConnectorError):
        revert(connector, gone)
    connector.world.faults.clear()
    bob = native.user(native.bob)
    if hides == "date":
        bob.modified_at = connector.clock.now() - timedelta(hours=1)
    else:
        native.rename_user(native.bob, "Robert", "Stone")

    settled(connector)

    assert native.place(native.bob).status.is_open
    connector.reconcile()
    assert native.bob in {item.subject_id for item in connector.findings()}


def test_closing_whom_docusign_opened_instead_is_settled_where_it_does_not_answer(start):
    native = start(drift=REPORT)
    connector = native.connector
    connector.delete(f"/Users/{native.bob}")
    connector.clock.advance(3600)
    other = connector.create(BOB, displayName="Bob Stone", externalId="other")["id"]
    connector.reconcile()
    gone = vanished(native, other)
    connector.world.set_variants(recreate_closed="reopens")
    connector.world.faults.add(Fault("drop", "DELETE", "/users$", times=50))
    with pytest.raises(ConnectorError):
        revert(connector, gone)
    assert native.place(native.bob).status.is_open
    connector.world.faults.clear()
    connector.sync()

    settled(connector)

    assert not native.place(native.bob).status.is_open
    assert connector.get(f"/Users/{native.bob}").status_code == 404


@pytest.mark.parametrize(
    ("name", "hours_before"), [("Somebody Else", 0), ("Bob Stone", 1)], ids=["name", "time"]
)
def test_whom_people_invited_meanwhile_is_no_second_user(start, name, hours_before):
    native = start(drift=REPORT)
    connector = native.connector
    gone = vanished(native, native.bob)
    stranger = native.invite(BOB, name).user_id
    connector.clock.advance(hours_before * 3600)
    connector.world.faults.add(Fault("drop", "POST", "/users$"))

    with pytest.raises(ConnectorError):
        revert(connector, gone)

    assert doubled(connector) == []
    assert expected_of(connector, stranger) is None
    connector.reconcile()
    found = {(item.kind, item.subject_id) for item in connector.findings()}
    assert (DriftKind.UNMANAGED_USER, stranger) in found


def second_in_doubt(native):
    """Return whom DocuSign made of somebody it forgot, in an answer that nobody got."""
    connector = native.connector
    gone = vanished(native, native.bob)
    connector.world.faults.add(Fault("lose_answer", "POST", "/users$"))
    connector.world.faults.add(NO_READING)
    with pytest.raises(ConnectorError):
        revert(connector, gone)
    connector.world.faults.clear()
    (second,) = native.state.on_address(BOB)
    return second


def test_a_second_user_whom_a_sync_has_seen_is_known_when_the_change_is_settled(start):
    native = start(drift=REPORT)
    connector = native.connector
    second = second_in_doubt(native)
    connector.sync()

    settled(connector)

    (event,) = doubled(connector)
    assert (event.subject, event.data["user_id"]) == (second.user_id, native.bob)
    connector.reconcile()
    (finding,) = connector.findings()
    assert (finding.kind, finding.subject_id) == (DriftKind.VANISHED_USER, native.bob)


def test_of_a_second_user_only_what_the_change_gave_is_expected(start):
    native = start(drift=REPORT)
    connector = native.connector
    second = second_in_doubt(native)
    native.set_profile(second.user_id, native.other_profile(is_admin=True))

    settled(connector)

    connector.reconcile()
    found = {(item.kind, item.subject_id) for item in connector.findings()}
    assert (DriftKind.NATIVE_GRANT, second.user_id) in found
