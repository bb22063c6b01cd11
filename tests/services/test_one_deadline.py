"""Whatever a request waits for, and however often: it ends when its client waits no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.errors import ConflictingWriteError
from connector.patience import left_s, waiting
from connector.scim_handlers import groups
from connector.scim_handlers.shown_groups import change_shown_group
from connector.services.context import Actor
from connector.services.locks import WriteLocks, user_key
from tests.connector import connected, ok

ACTOR = Actor("iiq", "scim", "test")
ADDRESS = "one@partner.example"


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "connector.db", scim={"show_as_groups": ("profiles",)})
    yield running
    running.close()


def test_nobody_waits_for_another_writer_longer_than_for_the_answer(connector):
    user_id = connector.create(ADDRESS)["id"]
    services = connector.services
    another_process = WriteLocks(services.context)
    with another_process.hold([user_key(user_id)], wait_s=0):
        began = connector.clock.now()
        with waiting(0.2), pytest.raises(ConflictingWriteError):
            services.users.delete(user_id, lambda uow, actual: None, ACTOR)
    assert connector.clock.now() - began < timedelta(seconds=5)


def test_all_changes_of_one_request_have_one_deadline(connector, monkeypatch):
    user_id = connector.create(ADDRESS)["id"]
    change = change_shown_group
    left: list[float] = []

    def seen(*args):
        left.append(left_s() or 0.0)
        return change(*args)

    monkeypatch.setattr(groups, "change_shown_group", seen)
    shown = connector.get(f'/Groups?filter=members.value eq "{user_id}"').json
    path = f"/Groups/{shown['Resources'][0]['id']}"
    ok(connector.patch(path, {"op": "remove", "path": f'members[value eq "{user_id}"]'}), 200)
    assert len(left) == 1
    assert 0 < left[0] <= connector.services.settings.provisioning.wait_s
