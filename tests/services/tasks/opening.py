"""A manual task, asked for."""

from __future__ import annotations

from connector.domain.work_items.items import WorkItemKind
from connector.services.context import Actor
from tests.connector import ok

JOB = Actor("job:verify", "job", "test")
DAY = 86_400


def open_task(connector, user_id, role="auditor"):
    value = [{"value": role}]
    ok(connector.patch(f"/Users/{user_id}", {"op": "add", "path": "roles", "value": value}))
    (item,) = connector.services.work_items.list(kind=WorkItemKind.MANUAL_TASK)
    return item.work_item_id
