"""Who joins a group that asks first."""

from __future__ import annotations

from tests.approvals import (
    ADDRESS,
    APPROVE,
    DENY,
    approver,
    decide,
)
from tests.connector import ok


def test_each_new_member_of_a_group_is_approved_alone(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    group = connector.group()
    users = [connector.create(f"p{n}@acme.test")["id"] for n in range(2)]
    members = [{"value": user_id} for user_id in users]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": members})
    first, second = connector.services.approvals.list()
    assert {first.subject_id, second.subject_id} == set(users)
    assert not connector.group_members(group) & set(users)

    decide(connector, first, APPROVE, approver())
    decide(connector, second, DENY, approver(), comment="No.")

    assert connector.group_members(group) & set(users) == {first.subject_id}


def test_members_of_a_new_group_wait_for_the_approval_that_its_name_asks_for(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    user_id = connector.create(ADDRESS)["id"]
    body = {"displayName": "Legal", "members": [{"value": user_id}]}
    shown = ok(connector.post("/Groups?dryRun=true", body))["operations"]
    assert [item["fulfilment"] for item in shown] == ["automatic", "approval"]

    group = ok(connector.post("/Groups", body), 201)["id"]
    (item,) = connector.services.approvals.list()
    assert connector.group_members(group) == set()

    decide(connector, item, APPROVE, approver())
    assert connector.group_members(group) == {user_id}


def test_taking_a_pending_member_out_of_a_group_ends_the_approval(start):
    rule = {"kind": "group", "match": "*", "fulfilment": "approval"}
    connector, _ = start(rules=(rule,))
    group, user = connector.group(), connector.create(ADDRESS)
    value = [{"value": user["id"]}]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})
    assert len(connector.services.approvals.list()) == 1
    connector.patch(f"/Groups/{group}", {"op": "remove", "path": "members", "value": value})
    assert connector.services.approvals.list() == []
