"""A group that is gone from DocuSign stands in the history of whoever was in it."""

from __future__ import annotations

from connector.domain.audit.events import AuditFilter
from connector.settings import DriftSettings
from tests.acceptance.drift.native import Native
from tests.acceptance.drift.stranger import DATABASE, REPORT
from tests.connector import ok
from tests.services.test_crash import killed_during, settled

GONE = "group.gone"


def told(native: Native, user_id: str) -> list[str]:
    """Return the groups that a person's history says to be gone."""
    wanted = AuditFilter(people=(user_id,), action=GONE)
    with native.connector.services.context.read() as uow:
        return [event.subject for event in uow.audit.walk(wanted)]


@DATABASE
def test_a_sync_that_finds_a_group_gone_tells_its_members(start, database):
    native = start(database, drift=REPORT)
    connector = native.connector
    group, other = connector.group(), connector.group(0, 1)
    member = {"op": "add", "path": "members", "value": [{"value": native.bob}]}
    ok(connector.patch(f"/Groups/{other}", member))
    connector.clock.advance(61)
    name = native.group().name
    before = connector.group_members(group)
    native.delete_group(native.group())

    connector.sync()
    connector.sync()

    assert native.ann in before
    assert {user_id: told(native, user_id) for user_id in before} == {
        user_id: [group] for user_id in before
    }
    assert told(native, native.bob) == []
    with connector.services.context.read() as uow:
        (event,) = uow.audit.walk(AuditFilter(action=GONE))
    assert (event.actor, event.data["operation"]["name"]) == ("job:sync", name)
    assert event.data["operation"]["user_ids"] == sorted(before)
    assert connector.services.audit.verify().broken is None


def test_whom_a_read_showed_without_the_group_is_told_too(start):
    native = start(drift=DriftSettings(pending_after_days=0, dormant_after_days=0))
    connector, group = native.connector, native.connector.group()
    native.delete_group(native.group())
    native.state.touch(native.user(native.ann))

    connector.services.delta.run()
    assert connector.user(native.ann).get("groups", []) == []
    connector.sync()

    assert told(native, native.ann) == [group]


@DATABASE
def test_what_a_killed_request_deleted_is_told_as_what_was_asked_for(start, database, monkeypatch):
    """The sync comes between DocuSign's answer, which nobody recorded, and the settlement."""
    native = start(database, drift=REPORT)
    connector, group = native.connector, native.connector.group()
    sent = ("executor", "perform", True, 1)
    killed_during(connector, sent, monkeypatch, lambda: connector.delete(f"/Groups/{group}"))
    assert group.partition(".g")[2] not in native.account().groups
    connector.clock.advance(61)

    connector.sync()
    settled(connector)
    connector.sync()

    assert told(native, native.ann) == []
    with connector.services.context.read() as uow:
        *_, last = uow.audit.walk(AuditFilter(people=(native.ann,), action="operation.done"))
    assert (last.subject, last.data["operation"]["kind"]) == (group, "delete_group")


def test_a_group_that_goes_during_another_change_of_it_is_told_as_gone(start, monkeypatch):
    native = start(drift=REPORT)
    connector, group = native.connector, native.connector.group()
    body = {"op": "replace", "path": "displayName", "value": "Weavers"}
    killed_during(
        connector,
        ("executor", "perform", False, 1),
        monkeypatch,
        lambda: connector.patch(f"/Groups/{group}", body),
    )
    native.delete_group(native.group())
    connector.clock.advance(61)
    connector.sync()
    assert told(native, native.ann) == [group]
