"""Lists of profiles, groups and members that lack much of what is known are not believed."""

import re
from contextlib import contextmanager
from dataclasses import replace

import pytest

from connector.domain.ledger.job_runs import RunState
from connector.errors import GuardError
from connector.services.aggregation import SYNC_JOB
from simulator.state import groups
from tests.approvals import operator
from tests.connector import ManualClock, connected, ok
from tests.simulated import simulated

PROFILES, GROUPS = "listing the permission profiles", "listing the groups"
MEMBERS = "listing the members of a group"


@pytest.fixture
def start(tmp_path):
    started: list = []

    def begin(prepare=lambda world: None, *, guards=None, **variants):
        clock = ManualClock()
        world = simulated(20, now=clock.now, **variants)
        prepare(world)
        path = tmp_path / f"{len(started)}.db"
        started.append(connected(path, world=world, clock=clock, guards=guards))
        started[-1].reconcile()
        clock.advance(3600)
        return started[-1]

    yield begin
    for connector in started:
        connector.close()


@contextmanager
def answering(connector, what, change):
    """Let *change* spoil the answers of these calls: it is given the answer and the query."""
    client = connector.application.connection._client
    send = client.send

    def sent(target, call):
        answer = send(target, call)
        if call.what == what:
            change(answer, call.query)
        return answer

    client.send = sent
    yield
    client.send = send


def emptied(name):
    def change(answer, _query):
        answer[name] = []
        answer.update(resultSetSize="0", totalSetSize="0", endPosition="0")
        answer.pop("nextUri", None)

    return change


def shown(connector):
    kinds = ("Groups", "Entitlements")
    return {kind: ok(connector.get(f"/{kind}?count=0"))["totalResults"] for kind in kinds}


def reasons(connector, user_id):
    with connector.services.context.read() as uow:
        return {item.entitlement for item in uow.attributes.provenance(user_id)}


def held(connector):
    """Return the members of every group, as the mirror has them."""
    with connector.services.context.read() as uow:
        places = uow.mirror.catalogue().groups
        return {place: uow.mirror.group_member_ids(*place) for place in places}


@pytest.mark.parametrize(
    ("what", "name"),
    [(PROFILES, "permissionProfiles"), (GROUPS, "groups")],
    ids=["no profile", "no group"],
)
def test_an_empty_catalogue_is_refused_and_nothing_is_gone(start, what, name):
    connector = start()
    before = shown(connector)
    with (
        answering(connector, what, emptied(name)),
        pytest.raises(GuardError, match="None was taken out"),
    ):
        connector.sync()
    run = connector.services.runs.latest(SYNC_JOB)
    assert (run.state, run.cause) == (RunState.FAILED, "GuardError")
    assert connector.reconcile(sync=False)["new"] == 0
    assert shown(connector) == before
    assert connector.reconcile()["new"] == 0


def test_profiles_that_are_fewer_than_users_are_held_against_their_own_number(start):
    connector = start()
    before = shown(connector)

    def with_one(answer, _query):
        answer["permissionProfiles"] = answer["permissionProfiles"][:1]

    assert 3 < len(connector.world.account.profiles) < 20
    with (
        answering(connector, PROFILES, with_one),
        pytest.raises(GuardError, match="permission profiles"),
    ):
        connector.sync()
    assert shown(connector) == before


@pytest.mark.parametrize(("number", "is_refused"), [(2, False), (3, True)])
def test_two_of_few_groups_may_be_gone_at_once(start, number, is_refused):
    def prepare(world):
        for place in range(4):
            groups.create(world.state, world.account, f"Group {place}")

    connector = start(prepare, guards={"max_affected_pct": 0.0})
    before = shown(connector)["Groups"]
    account = connector.world.account
    for group_id in [key for key, item in account.groups.items() if "Group " in item.name][:number]:
        account.groups.pop(group_id)
    if is_refused:
        with pytest.raises(GuardError, match="lacks 3 of"):
            connector.sync()
    else:
        connector.sync()
    assert shown(connector)["Groups"] == before - (0 if is_refused else number)


def test_a_refusal_says_what_is_missing_and_what_lets_it_pass(start):
    def prepare(world):
        for place in range(4):
            groups.create(world.state, world.account, f"Group {place}")

    connector = start(prepare, guards={"max_affected_pct": 0.0})
    before = shown(connector)["Groups"]
    account = connector.world.account
    for group_id in [key for key, item in account.groups.items() if "Group " in item.name][:3]:
        account.groups.pop(group_id)
    with pytest.raises(GuardError) as refused:
        connector.sync()
    told = str(refused.value)
    assert "'Group 0', 'Group 1', 'Group 2'" in told
    (needed,) = re.findall(r"set guards.max_affected_pct to (\d+) \(now 0\)", told)
    settings = connector.services.context.settings
    guards = replace(settings.guards, max_affected_pct=float(needed))
    object.__setattr__(settings, "guards", guards)
    connector.sync()
    assert shown(connector)["Groups"] == before - 3


def test_an_operator_can_confirm_that_they_are_gone(start):
    connector = start(guards={"max_affected_pct": 100.0})
    with answering(connector, GROUPS, emptied("groups")):
        connector.sync()
    assert connector.services.runs.latest(SYNC_JOB).state is RunState.DONE


def test_a_page_of_groups_that_is_missing_takes_no_group_out(start):
    def prepare(world):
        for number in range(110):
            groups.create(world.state, world.account, f"Group {number:03}")

    connector = start(prepare)
    before = shown(connector)
    connector.world.set_variants(list_drops=1_000)
    assert connector.reconcile()["new"] == 0
    run = connector.services.runs.latest(SYNC_JOB)
    assert run.state is RunState.DONE
    assert run.counts["short_groups"] == len(connector.world.account.groups) - 100
    assert shown(connector) == before


def test_why_somebody_was_in_a_group_stays_known_until_the_loss_is_accepted(start):
    connector = start()
    user_id = connector.create("zed@acme.test", displayName="Zed Zed")["id"]
    group = connector.group()
    member = {"op": "add", "path": "members", "value": [{"value": user_id}]}
    ok(connector.patch(f"/Groups/{group}", member))
    assert group in reasons(connector, user_id)
    account = connector.world.account
    gone = account.groups.pop(group.partition(".g")[2])
    left = [item for item in account.roster if gone.group_id in item.group_ids]
    for item in left:
        item.group_ids = tuple(one for one in item.group_ids if one != gone.group_id)

    connector.reconcile()

    assert group in reasons(connector, user_id)
    (finding,) = [item for item in connector.findings() if item.kind == "gone_entitlement"]
    connector.services.drift.desk.accept(finding.finding_id, operator(), "Ordered")
    assert group not in reasons(connector, user_id)


def test_empty_lists_of_members_take_nobody_out(start):
    connector = start(list_groups=False, guards={"max_affected_min": 3})
    before = held(connector)
    with (
        answering(connector, MEMBERS, emptied("users")),
        pytest.raises(GuardError, match="list of members"),
    ):
        connector.sync()
    assert held(connector) == before
    assert connector.reconcile()["new"] == 0


def test_who_has_left_groups_is_taken_out_where_few_have(start):
    connector = start(list_groups=False)
    account, group = connector.world.account, connector.group()
    number = group.partition(".g")[2]
    leaver = next(iter(connector.group_members(group)))
    groups.remove_member(connector.world.state, account, number, leaver)
    connector.sync()
    assert leaver not in held(connector)[account.account_id, number]


def test_members_beyond_those_that_were_listed_stay(start):
    connector = start(list_groups=False)
    before = held(connector)

    def shortened(answer, _query):
        answer["users"] = answer["users"][:-1]
        answer.pop("nextUri", None)

    with answering(connector, MEMBERS, shortened):
        connector.sync()
    assert held(connector) == before
    assert connector.services.runs.latest(SYNC_JOB).counts["short_members"] > 0
