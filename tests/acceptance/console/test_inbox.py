"""*For you*: what one person has claimed, can decide or could take up, in pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from itertools import chain

from sqlalchemy.event import listen

from connector.services.inbox.personal import _CHUNK
from tests.approvals import approver, operator
from tests.visitors import (
    ask_for_admin,
    ask_for_approval,
    guarded,
    signed_in,
)


def plain_members(connector):
    """Return the ids of active users who are no organization administrators."""
    roster = [item for item in connector.world.account.roster if item.status.name == "ACTIVE"]
    return [item.user.user_id for item in roster if not item.user.is_organization_admin]


def walked(who, path="/"):
    """Return the ids of the items on each page, following *Show more*."""
    pages = []
    while path:
        answer = who.get(path)
        assert answer.status_code == 200
        page = answer.get_data(as_text=True)
        found = re.findall(r'class="lead"><a href="/console/(?:approvals|tasks)/([0-9a-f-]+)', page)
        pages.append(found)
        follows = re.search(r'href="/console(/\?[^"]*after=[^"]*)"', page)
        path = unescape(follows[1]) if follows else ""
    return pages


def listed(who, path="/"):
    """Return the same without saying on which page they stand."""
    return list(chain(*walked(who, path)))


def many_tasks(connector, number, **changes):
    """Add so many tasks like one that was asked for, an hour apart; return their ids."""
    first = ask_for_admin(connector, plain_members(connector)[0])
    with connector.services.context.write() as uow:
        item = uow.work_items.get(first)
        for place in range(number):
            task_id = f"{place:08x}-0000-4000-8000-000000000000"
            at = item.created_at + timedelta(hours=place + 1)
            changed = replace(
                item, work_item_id=task_id, entitlement=f"role-{place}", created_at=at, **changes
            )
            uow.work_items.add(changed)
        uow.commit()
    return [f"{place:08x}-0000-4000-8000-000000000000" for place in range(number)]


def test_every_task_is_found_on_one_of_the_pages(connector, monkeypatch):
    monkeypatch.setattr("connector.console.inbox.PAGE", 3)
    tasks = many_tasks(connector, 7)
    ann = signed_in(connector, "operator")
    for task in tasks[2:6]:
        connector.services.tasks.claim(task, operator("ann"))
    pages = walked(ann)
    first = connector.services.work_items.list()[0].work_item_id
    assert [len(page) for page in pages] == [3, 3, 2]
    assert list(chain(*pages)) == [*tasks[2:6], first, *tasks[:2], tasks[6]]


def test_tasks_of_others_hide_none_behind_them(connector, monkeypatch):
    monkeypatch.setattr("connector.console.inbox.PAGE", 2)
    others = many_tasks(connector, _CHUNK + 5, assignee="user:ben")
    free = ask_for_admin(connector, plain_members(connector)[3])
    with connector.services.context.write() as uow:
        latest = uow.work_items.get(others[-1]).created_at + timedelta(hours=1)
        uow.work_items.save(replace(uow.work_items.get(free), created_at=latest))
        uow.commit()
    assert free in listed(signed_in(connector, "operator"))


def test_approvals_and_tasks_share_the_pages(connect, monkeypatch):
    monkeypatch.setattr("connector.console.inbox.PAGE", 2)
    connector = connect(**guarded())
    members = plain_members(connector)
    asked = [ask_for_approval(connector, user_id) for user_id in members[:3]]
    tasks = [ask_for_admin(connector, user_id) for user_id in members[3:5]]
    assert listed(signed_in(connector, "administrator")) == [*asked, *tasks]
    assert listed(signed_in(connector, "approver", login="bob")) == asked
    assert listed(signed_in(connector, "operator", login="cid")) == tasks
    assert walked(signed_in(connector, "viewer", login="dee")) == [[]]


def test_accounts_are_read_once_however_many_people_asked(connect):
    connector = connect(**guarded())
    reads = []

    def note(_connection, _cursor, statement, *_):
        if statement.startswith("SELECT") and "FROM console_accounts" in statement:
            reads.append(statement)

    listen(connector.application.store.database.engine, "before_cursor_execute", note)
    counts = []
    for user_id in plain_members(connector)[:3]:
        item_id = ask_for_approval(connector, user_id)
        with connector.services.context.write() as uow:
            uow.work_items.save(replace(uow.work_items.get(item_id), requester="user:rita"))
            uow.commit()
        reads.clear()
        found, _ = connector.services.inbox.page(approver("dora"))
        counts.append((len(found), len(reads)))
    assert counts == [(1, 1), (2, 1), (3, 1)]
    assert connector.services.inbox.page(approver("rita")) == ([], None)


def test_a_second_person_attests_what_somebody_has_claimed(connect):
    roles = {
        "auditor": {
            "display": "Auditor",
            "instructions": {"grant": ["Tell {email}."], "revoke": ["Tell {email}."]},
        }
    }
    connector = connect(manual_roles=roles)
    user_id = plain_members(connector)[0]
    add = {"op": "add", "path": "roles", "value": [{"value": "auditor"}]}
    assert connector.patch(f"/Users/{user_id}", add).status_code == 200
    task = connector.services.work_items.list()[0].work_item_id
    ann, ben = (signed_in(connector, "operator", login=login) for login in ("ann", "ben"))
    ann.post(f"/tasks/{task}/claim", page=f"/tasks/{task}")
    assert walked(ben) == [[]]
    ann.post(f"/tasks/{task}/complete", page=f"/tasks/{task}")
    assert walked(ben) == [[task]]
    assert "I have seen that it is done" in ben.get(f"/tasks/{task}").get_data(as_text=True)
    seen = {"comment": "Seen in the list."}
    assert ben.post(f"/tasks/{task}/attest", page=f"/tasks/{task}", **seen).status_code == 303
    assert connector.services.work_items.get(task).state == "done"


def test_a_place_that_is_none_begins_anew(connector):
    task = ask_for_admin(connector, plain_members(connector)[0])
    ann = signed_in(connector, "operator")
    for after in ("nonsense", "rest:nonsense", "claimed:", "rest:%00", "%F0%9F%98%80:x"):
        assert listed(ann, f"/?after={after}") == [task]
