"""A sync beside changes, and one that is broken off."""

import re
from datetime import timedelta
from urllib.parse import parse_qs

import pytest

from connector.services.aggregation import members, roles
from connector.services.provisioning.execution import Executor
from connector.services.targeted_aggregation.refresh import RefreshService
from simulator.state import groups
from simulator.transport import SimulatorAdapter
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated


def running(tmp_path, n_users=10, **variants):
    clock = ManualClock()
    world = simulated(n_users, now=clock.now, **variants)
    return connected(tmp_path / "c.db", world=world, clock=clock)


def once_after(connector, monkeypatch, method, change):
    """Make *change* once, after the directory read the first page by *method*."""
    directory = connector.services.context.directory
    read, todo = getattr(directory, method), [change]

    def walk(*args):
        for page in read(*args):
            while todo:
                todo.pop()()
            yield page

    monkeypatch.setattr(directory, method, walk)


def once_read(connector, monkeypatch, method, change):
    """Make *change* once, after the directory read a whole list by *method*."""
    directory = connector.services.context.directory
    read, todo = getattr(directory, method), [change]

    def answer(*args):
        found = read(*args)
        while todo:
            todo.pop()()
        return found

    monkeypatch.setattr(directory, method, answer)


@pytest.mark.parametrize("list_groups", [True, False])
def test_a_page_never_sets_back_what_was_confirmed_after_it_was_read(
    tmp_path, monkeypatch, list_groups
):
    connector = running(tmp_path, list_groups=list_groups)
    user_id, group = connector.world.member().user.user_id, connector.group()
    joined = user_id not in connector.group_members(group)

    def change():
        ok(
            connector.patch(
                f"/Users/{user_id}",
                {"op": "replace", "path": "name.givenName", "value": "Overtaken"},
            )
        )
        operation = {"op": "add", "path": "members", "value": [{"value": user_id}]}
        if not joined:
            operation = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
        assert connector.patch(f"/Groups/{group}", operation).status_code in {200, 204}

    once_after(connector, monkeypatch, "iter_users", change)
    connector.sync()
    shown = connector.user(user_id)
    assert shown["name"]["givenName"] == "Overtaken"
    assert (group in {item["value"] for item in shown.get("groups", ())}) is joined
    connector.close()


def test_a_list_of_members_never_sets_back_what_was_confirmed_after_it_was_read(
    tmp_path, monkeypatch
):
    connector = running(tmp_path, list_groups=False)
    group = connector.group()
    user_id = next(
        item.user.user_id
        for item in connector.world.account.roster
        if str(item.status) == "Active" and item.user.user_id not in connector.group_members(group)
    )

    def change():
        operation = {"op": "add", "path": "members", "value": [{"value": user_id}]}
        assert connector.patch(f"/Groups/{group}", operation).status_code in {200, 204}

    once_read(connector, monkeypatch, "list_group_members", change)
    connector.sync()
    assert user_id in connector.group_members(group)
    members = ok(connector.get(f"/Groups/{group}"))["members"]
    assert user_id in {item["value"] for item in members}
    connector.close()


@pytest.mark.parametrize(
    ("leaves", "joins"), [((0,), (1,)), ((1,), (0,)), ((0, 1), ()), ((0, 1), (2,))], ids=str
)
def test_who_moves_between_groups_has_moved_after_one_sync(tmp_path, leaves, joins):
    connector = running(tmp_path, list_groups=False)
    user_id = connector.create("mover@partner.example")["id"]
    state, account = connector.world.state, connector.world.account
    places = sorted(connector.group(number=number).partition(".g")[2] for number in range(3))
    for number in leaves:
        groups.add_member(state, account, places[number], user_id)
    connector.sync()
    for number in leaves:
        groups.remove_member(state, account, places[number], user_id)
    for number in joins:
        groups.add_member(state, account, places[number], user_id)
    connector.clock.advance(60)
    connector.sync()
    shown = {item["value"].partition(".g")[2] for item in connector.user(user_id).get("groups", ())}
    assert shown == {places[number] for number in joins}
    connector.close()


@pytest.mark.parametrize("passed_s", [1, 60])
@pytest.mark.parametrize("what", ["join", "leave"])
def test_a_list_of_members_that_lags_does_not_undo_our_own_change(
    tmp_path, monkeypatch, what, passed_s
):
    connector = running(tmp_path, list_groups=False)
    group, user_id = connector.group(), connector.create("new@partner.example")["id"]
    add = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    remove = {"op": "remove", "path": f'members[value eq "{user_id}"]'}
    if what == "leave":
        ok(connector.patch(f"/Groups/{group}", add))
        connector.clock.advance(60)
    directory = connector.services.context.directory
    old = directory.list_group_members(*group.split(".g"))
    ok(connector.patch(f"/Groups/{group}", add if what == "join" else remove))
    connector.clock.advance(passed_s)
    real = directory.list_group_members
    monkeypatch.setattr(
        directory,
        "list_group_members",
        lambda *where: old if where == tuple(group.split(".g")) else real(*where),
    )
    connector.sync()
    shown = {item["value"] for item in connector.user(user_id).get("groups", ())}
    is_ours = passed_s == 1
    assert (group in shown) is ((what == "join") is is_ours)
    connector.close()


READS = {
    "iter_users": lambda connector, user_id: connector.sync(),
    "get_member": lambda connector, user_id: connector.services.refresh.refresh(user_id),
    "find_members": lambda connector, user_id: connector.services.refresh.find_address(
        connector.user(user_id)["userName"]
    ),
}


@pytest.mark.parametrize("method", READS)
def test_a_read_of_users_that_took_long_does_not_undo_our_own_change(tmp_path, monkeypatch, method):
    connector = running(tmp_path)
    group, user_id = connector.group(), connector.create("new@partner.example")["id"]
    connector.clock.advance(60)
    directory = connector.services.context.directory
    real = getattr(directory, method)
    arguments = {
        "iter_users": (0,),
        "get_member": (user_id,),
        "find_members": ("new@partner.example",),
    }
    account_id = connector.world.account.account_id
    old = real(account_id, *arguments[method])
    old = list(old) if method == "iter_users" else old
    joining = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    ok(connector.patch(f"/Groups/{group}", joining))

    def slowly(asked, *rest):
        connector.clock.advance(10)
        return old if asked == account_id else real(asked, *rest)

    monkeypatch.setattr(directory, method, slowly)
    READS[method](connector, user_id)
    assert group in {item["value"] for item in connector.user(user_id)["groups"]}
    connector.close()


def test_a_group_that_changes_while_the_groups_are_read_stays_as_it_then_is(tmp_path, monkeypatch):
    connector = running(tmp_path)
    renamed, deleted = connector.group(number=0), connector.group(number=1)
    made = []

    def change():
        made.append(ok(connector.post("/Groups", {"displayName": "Made"}), 201)["id"])
        name = {"op": "replace", "path": "displayName", "value": "Renamed"}
        assert connector.patch(f"/Groups/{renamed}", name).status_code in {200, 204}
        assert connector.delete(f"/Groups/{deleted}").status_code == 204

    once_read(connector, monkeypatch, "list_groups", change)
    connector.sync()
    assert ok(connector.get(f"/Groups/{made[0]}"))["displayName"] == "Made"
    assert ok(connector.get(f"/Groups/{renamed}"))["displayName"] == "Renamed"
    assert connector.get(f"/Groups/{deleted}").status_code == 404
    connector.close()


def test_renaming_a_group_that_a_sync_finds_gone_meanwhile_is_no_defect(tmp_path, monkeypatch):
    connector = connected(tmp_path / "c.db", world=simulated(10))
    account, group = connector.world.account, connector.group()
    perform = vars(Executor)["perform"]

    def overtaken(self, step):
        performed = perform.__get__(self)(step)
        groups.delete(connector.world.state, account, group.partition(".g")[2])
        connector.sync()
        return performed

    monkeypatch.setattr(Executor, "perform", overtaken)
    name = {"op": "replace", "path": "displayName", "value": "Renamed"}
    assert connector.patch(f"/Groups/{group}", name).status_code < 500
    assert connector.get(f"/Groups/{group}").status_code == 404
    connector.close()


def test_a_group_that_docusign_deleted_or_renamed_itself_follows_at_the_next_sync(tmp_path):
    connector = running(tmp_path)
    renamed, deleted = connector.group(number=0), connector.group(number=1)
    state, account = connector.world.state, connector.world.account
    groups.rename(state, account, renamed.partition(".g")[2], "Native")
    groups.delete(state, account, deleted.partition(".g")[2])
    connector.sync()
    assert ok(connector.get(f"/Groups/{renamed}"))["displayName"] == "Native"
    assert connector.get(f"/Groups/{deleted}").status_code == 404
    connector.close()


def fetched_at(connector, user_id):
    with connector.services.context.read() as uow:
        return uow.mirror.fetched_at(user_id)


def test_a_finished_sync_has_read_everybody_since_it_began(tmp_path, monkeypatch):
    connector = running(tmp_path)
    user_id = connector.world.member().user.user_id
    connector.clock.advance(3600)
    once_after(connector, monkeypatch, "iter_users", lambda: connector.clock.advance(600))
    run = connector.services.aggregation.sync()
    assert fetched_at(connector, user_id) == run.started_at
    connector.close()


def test_only_a_read_of_every_account_makes_a_copy_fresh(tmp_path):
    connector = running(tmp_path)
    user_id = connector.world.member().user.user_id
    before = fetched_at(connector, user_id)
    connector.clock.advance(3600)
    connector.services.refresh.refresh_roles(user_id)
    assert fetched_at(connector, user_id) == before
    connector.services.refresh.refresh(user_id)
    assert fetched_at(connector, user_id) > before
    connector.close()


class Killed(BaseException):
    """What no handler of errors catches."""


def list_calls(monkeypatch):
    """Return the starts of lists of users that are asked for from now on, as (account, start)."""
    calls = []
    send = SimulatorAdapter.send

    def counted(self, request, *args, **options):
        found = re.search(r"/accounts/([^/]+)/users\?(.*)", request.url)
        query = parse_qs(found[2]) if found else {}
        if found and request.method == "GET" and "email" not in query:
            calls.append((found[1], int(query.get("start_position", ["0"])[0])))
        return send(self, request, *args, **options)

    monkeypatch.setattr(SimulatorAdapter, "send", counted)
    return calls


def kill_in_second_account(connector, monkeypatch, after_pages):
    """Break a sync off after so many pages of the second account."""
    directory = connector.services.context.directory
    second = connector.world.accounts[1].account_id

    def walk(account_id, start=0):
        for number, page in enumerate(iter_users(account_id, start)):
            if account_id == second and number == after_pages:
                raise Killed
            yield page

    iter_users = directory.iter_users
    with monkeypatch.context() as patch:
        patch.setattr(directory, "iter_users", walk)
        with pytest.raises(Killed):
            connector.sync()


def pages_of(connector):
    return [(item.account_id, -(-len(item.members) // 100)) for item in connector.world.accounts]


def test_a_run_that_was_broken_off_reads_each_page_once(tmp_path, monkeypatch):
    connector = running(tmp_path, n_users=700)
    monkeypatch.setattr(members, "_BATCH", 100)
    pages = pages_of(connector)
    assert pages[1][1] >= 2
    calls = list_calls(monkeypatch)
    kill_in_second_account(connector, monkeypatch, after_pages=1)
    assert len(calls) == pages[0][1] + 2
    calls.clear()
    connector.sync()
    # The page under way when it was killed is read again, and nothing else.
    assert len(calls) == sum(number for _, number in pages[1:]) - 1
    assert calls[0] == (pages[1][0], 100)
    connector.close()


def test_a_run_that_was_broken_off_long_ago_is_begun_anew(tmp_path, monkeypatch):
    connector = running(tmp_path)
    kill_in_second_account(connector, monkeypatch, after_pages=0)
    connector.clock.advance(7 * 3600)
    calls = list_calls(monkeypatch)
    run = connector.services.aggregation.sync()
    assert len(calls) == sum(number for _, number in pages_of(connector))
    assert connector.clock.now() - run.started_at < timedelta(hours=1)
    connector.close()


def test_each_run_looks_at_other_administrators_until_all_had_their_turn(tmp_path, monkeypatch):
    connector = connected(tmp_path / "c.db", world=simulated(10))
    looked, refresh = [], RefreshService.refresh_roles

    def noted(self, user_id):
        looked.append(user_id)
        refresh(self, user_id)

    monkeypatch.setattr(RefreshService, "refresh_roles", noted)
    connector.sync()
    everybody = list(looked)
    looked.clear()
    assert len(everybody) > 1

    monkeypatch.setattr(roles, "ROLE_CHECKS", 1)
    for _ in everybody:
        connector.sync()
    assert looked == everybody
    connector.close()
