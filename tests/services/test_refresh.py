"""A person is read again in one way, which never undoes what was changed while it read."""

from __future__ import annotations

import pytest

from connector.domain.model import fold
from connector.services.mirror.changes import READ_ROUNDS, OvertakenError
from connector.services.targeted_aggregation.reader import Found
from simulator.state import users
from tests.connector import connected, ok


@pytest.fixture
def connector(tmp_path):
    running = connected(tmp_path / "connector.db")
    yield running
    running.close()


def change_while(monkeypatch, connector, name, user_id, *, times=1):
    """Let a request change somebody after DocuSign has shown them, the first times."""
    directory = connector.services.context.directory
    ask = getattr(directory, name)
    asked = []
    changing = [False]

    def answer(*arguments):
        shown = ask(*arguments)
        if changing[0]:
            return shown  # The change itself reads back what it wrote.
        asked.append(arguments)
        if len(asked) <= times:
            changing[0] = True
            value = "Head clerk" + "!" * (len(asked) - 1)
            title = {"op": "replace", "path": "title", "value": value}
            ok(connector.patch(f"/Users/{user_id}", title))
            changing[0] = False
        return shown

    monkeypatch.setattr(directory, name, answer)
    return asked


def refresh(connector, _address, user_id):
    connector.services.delta._refresh.refresh(user_id)


def find(connector, address, _user_id):
    connector.services.delta._refresh.find_address(address)


def read_user(connector, _address, user_id):
    connector.services.delta.read_user(user_id)


@pytest.mark.parametrize(
    ("read", "asks"),
    [(refresh, "get_member"), (read_user, "get_member"), (find, "find_members")],
)
def test_what_was_changed_while_it_read_stays(connector, monkeypatch, read, asks):
    address = "ann.lee@acme.test"
    user_id = connector.create(address, title="Clerk")["id"]
    asked = change_while(monkeypatch, connector, asks, user_id)
    read(connector, address, user_id)
    assert len(asked) > 1, "it was asked once more"
    assert connector.user(user_id)["title"] == "Head clerk"


@pytest.mark.parametrize(("read", "asks"), [(refresh, "get_member"), (find, "find_members")])
def test_who_is_changed_without_a_pause_is_not_asked_for_without_end(
    connector, monkeypatch, read, asks
):
    address = "ann.lee@acme.test"
    user_id = connector.create(address, title="Clerk")["id"]
    asked = change_while(monkeypatch, connector, asks, user_id, times=100)
    with pytest.raises(OvertakenError, match="try again in a minute"):
        read(connector, address, user_id)
    rounds = [account_id for account_id, *_ in asked if account_id == asked[0][0]]
    assert len(rounds) == READ_ROUNDS
    assert connector.user(user_id)["title"] == "Head clerk" + "!" * (len(asked) - 1)


def test_one_of_many_who_is_changed_without_a_pause_is_passed_over(connector, monkeypatch):
    user_id = connector.create("ann.lee@acme.test", title="Clerk")["id"]
    change_while(monkeypatch, connector, "get_member", user_id, times=100)
    reader = connector.services.delta._refresh._reader
    account_id = connector.world.account.account_id
    assert reader.read_among(account_id, user_id) is Found.UNREADABLE


def test_all_of_the_copy_is_as_old_as_a_read_of_every_account(connector):
    user_id = connector.create("ann.lee@acme.test")["id"]
    with connector.services.context.read() as uow:
        before = uow.mirror.fetched_at(user_id)
    connector.clock.advance(300)
    began_at = connector.clock.now()
    connector.services.delta.read_user(user_id)
    with connector.services.context.read() as uow:
        after = uow.mirror.fetched_at(user_id)
    assert before < began_at <= after


def test_a_membership_that_only_docusign_has_is_found(connector):

    address = "ann.lee@acme.test"
    user_id = connector.create(address, displayName="Ann Lee")["id"]
    world = connector.world
    users.join(world.state, world.accounts[1], users.NewMember(address, "Ann Lee"))
    connector.services.delta._refresh.refresh(user_id)
    with connector.services.context.read() as uow:
        (user,) = uow.mirror.users_by_email([fold(address)])[fold(address)]
    assert world.accounts[1].account_id in user.memberships
