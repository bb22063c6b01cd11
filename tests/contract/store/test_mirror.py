"""The mirror gives back what was put in, and its counters follow, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from connector.domain.model import Account, Membership, MembershipStatus, Profile, User
from connector.ports import UnitOfWork
from connector.store import SqlStore
from tests.contract.store import people
from tests.contract.store.people import ACCOUNT, NOW, OTHER_ACCOUNT


def _put(store: SqlStore, *users: User) -> None:
    with store.write("default") as unit:
        unit.mirror.put_users(users, NOW)
        unit.commit()


def _groups(store: SqlStore, *numbers: int) -> None:
    with store.write("default") as unit:
        unit.mirror.put_groups(ACCOUNT, [people.group(number) for number in numbers])
        unit.commit()


def _sizes(unit: UnitOfWork) -> list[int]:
    return [unit.mirror.group_size(ACCOUNT, str(number)) for number in (1, 2, 3)]


def test_the_catalogue_is_what_was_put_last(store: SqlStore) -> None:
    account = Account(ACCOUNT, "Main", "https://x", "org", 7)
    kept = Profile(ACCOUNT, "1", "Viewer", modified_at=NOW)
    with store.write("default") as unit:
        unit.mirror.put_accounts([account])
        unit.mirror.put_profiles(ACCOUNT, [kept, Profile(ACCOUNT, "2", "Old", is_admin=True)])
        unit.mirror.put_profiles(ACCOUNT, [kept])
        unit.mirror.put_groups(ACCOUNT, [people.group(1), people.group(2)])
        unit.mirror.put_group(replace(people.group(1), name="Renamed"))
        unit.mirror.remove_group(ACCOUNT, "2")
        unit.commit()
    with store.read("default") as unit:
        catalogue = unit.mirror.catalogue()
    assert catalogue.accounts == {ACCOUNT: account}
    assert catalogue.profiles == {(ACCOUNT, "1"): kept}
    assert [item.name for item in catalogue.groups.values()] == ["Renamed"]


def test_a_user_is_read_as_written(store: SqlStore) -> None:
    full = User(
        user_id="u",
        email="Ann@X.com",
        user_name="Ann Lee",
        first_name="Ann",
        last_name="Lee",
        middle_name="M",
        suffix="Jr",
        job_title="Clerk",
        company="X",
        memberships={
            ACCOUNT: Membership(
                ACCOUNT,
                MembershipStatus.ACTIVATION_SENT,
                "1",
                frozenset({"1", "2"}),
                is_admin=True,
                membership_id="m",
                created_at=NOW,
                closed_at=NOW + timedelta(microseconds=1),
                managed_by_scim=True,
                groups_written_at=NOW,
            ),
            OTHER_ACCOUNT: Membership(OTHER_ACCOUNT, MembershipStatus.CLOSED),
        },
        site_id=3,
        is_organization_admin=False,
        organization_admin_verified_at=NOW,
        managed_by_scim=True,
        created_at=NOW,
    )
    _put(store, full)
    with store.read("default") as unit:
        assert unit.mirror.get_users(["u", "unknown"]) == {"u": full}
        assert unit.mirror.users_by_email(["ann@x.com", "b"]) == {"ann@x.com": [full]}
        assert unit.mirror.fetched_at("u") == NOW
        assert unit.mirror.fetched_at("unknown") is None
        assert unit.mirror.fetched_at_of(["u", "unknown"]) == {"u": NOW}


def test_overwriting_leaves_exactly_the_new_memberships_and_groups(store: SqlStore) -> None:
    _groups(store, 1, 2, 3)
    both = {**people.member(ACCOUNT, "1", "2"), **people.member(OTHER_ACCOUNT)}
    _put(store, people.user(1, memberships=both), people.user(2, memberships=both))
    changed = people.user(1, memberships=people.member(ACCOUNT, "2", "3"))
    _put(store, changed)
    with store.read("default") as unit:
        assert unit.mirror.get_users([changed.user_id]) == {changed.user_id: changed}
        assert _sizes(unit) == [1, 2, 1]


def test_members_and_their_number_change_together(store: SqlStore) -> None:
    _groups(store, 1, 2, 3)
    with store.write("default") as unit:
        for _ in range(2):
            unit.mirror.add_group_members(ACCOUNT, "1", ["a", "b", "c"])
        for _ in range(2):
            unit.mirror.remove_group_members(ACCOUNT, "1", ["b", "unknown"])
        unit.commit()
    with store.read("default") as unit:
        assert _sizes(unit) == [2, 0, 0]
        assert unit.mirror.group_member_ids(ACCOUNT, "1") == {"a", "c"}
        assert unit.mirror.group_member_ids(ACCOUNT, "1", among=["a", "b"]) == {"a"}
        assert unit.mirror.group_size(ACCOUNT, "unknown") == 0


def test_when_we_wrote_groups_is_noted_of_memberships_that_there_are(store: SqlStore) -> None:
    _put(store, people.user(1, memberships=people.member(ACCOUNT)), people.user(2))
    (one, two) = (people.user(number).user_id for number in (1, 2))
    with store.write("default") as unit:
        unit.mirror.note_groups_written(ACCOUNT, [one, "unknown"], NOW)
        unit.commit()
    with store.read("default") as unit:
        found = unit.mirror.get_users([one, two])
    noted = {key: user.memberships[ACCOUNT].groups_written_at for key, user in found.items()}
    assert noted == {one: NOW, two: None}


def test_whose_groups_we_wrote_is_found_by_the_time_among_open_memberships(store: SqlStore) -> None:
    closed = people.member(ACCOUNT, status=MembershipStatus.CLOSED)
    _put(
        store,
        people.user(1, memberships=people.member(ACCOUNT)),
        people.user(2, memberships=closed),
        people.user(3, memberships=people.member(ACCOUNT)),
    )
    (one, two, three) = (people.user(number).user_id for number in (1, 2, 3))
    second = timedelta(seconds=1)

    def found(since: datetime, until: datetime, account_id: str = ACCOUNT) -> frozenset[str]:
        return unit.mirror.groups_written_between(account_id, [one, two, three], since, until)

    with store.write("default") as unit:
        unit.mirror.note_groups_written(ACCOUNT, [one, two], NOW)
        assert found(NOW - second, NOW + second) == {one}
        assert found(NOW, NOW + second) == found(NOW - second, NOW) == frozenset()
        assert found(NOW - second, NOW + second, "another") == frozenset()


def test_a_group_that_comes_after_its_members_counts_them(store: SqlStore) -> None:
    _put(store, people.user(1, memberships=people.member(ACCOUNT, "1")))
    _groups(store, 1)
    with store.read("default") as unit:
        assert _sizes(unit)[0] == 1


def test_groups_that_are_gone_take_their_memberships_along(store: SqlStore) -> None:
    _groups(store, 1, 2)
    _put(store, people.user(1, memberships=people.member(ACCOUNT, "1", "2")))
    _groups(store, 2)
    _groups(store, 1, 2)
    with store.read("default") as unit:
        assert _sizes(unit) == [0, 1, 0]


def test_counts_and_walks(store: SqlStore) -> None:
    admin = people.member(ACCOUNT, is_admin=True)
    closed = people.member(ACCOUNT, status=MembershipStatus.CLOSED, is_admin=True)
    _put(
        store,
        *(people.user(number) for number in range(700)),
        people.user(700, memberships=admin),
        people.user(701, memberships=closed),
        replace(people.user(703), is_organization_admin=True),
    )
    with store.read("default") as unit:
        assert unit.mirror.count_users() == 702
        assert unit.mirror.count_admins(ACCOUNT) == 1
        assert unit.mirror.organization_admins() == ["user-00703"]
        assert unit.mirror.knows_organization_admins()
        assert unit.mirror.iter_user_ids("user-00698", 2) == ["user-00699", "user-00700"]
        assert len(unit.mirror.get_users(f"user-{n:05d}" for n in range(702))) == 702


def test_a_run_knows_whom_it_did_not_see(store: SqlStore) -> None:
    _put(store, *(people.user(number) for number in range(5)))
    with store.write("default") as unit:
        unit.mirror.seen_in_run("r", ACCOUNT, ["user-00001"])
        unit.mirror.seen_in_run("r", ACCOUNT, ["user-00001", "user-00003"])
        unit.mirror.seen_in_run("r", OTHER_ACCOUNT, ["user-00000"])
        unit.commit()
    with store.write("default") as unit:
        unseen = unit.mirror.unseen_in_run
        assert unseen("r", ACCOUNT) == ["user-00000", "user-00002", "user-00004"]
        assert unseen("r", ACCOUNT, after="user-00000", limit=1) == ["user-00002"]
        unit.mirror.forget_run("r")
        assert len(unseen("r", ACCOUNT)) == 5
        assert unit.mirror.count_unseen_in_run("r", ACCOUNT) == 5


def test_an_account_goes_when_its_members_have_gone(store: SqlStore) -> None:
    with store.write("default") as unit:
        unit.mirror.put_accounts(
            [Account(key, "Name", "https://x") for key in (ACCOUNT, OTHER_ACCOUNT)]
        )
        unit.commit()
    _put(store, *(people.user(number) for number in range(3)))
    with store.read("default") as unit:
        everybody = unit.mirror.account_members(ACCOUNT, limit=10)
        assert unit.mirror.account_members(ACCOUNT, limit=2) == everybody[:2]
        assert len(everybody) == 3
    with store.write("default") as unit:
        unit.mirror.remove_account(ACCOUNT)
        assert set(unit.mirror.catalogue().accounts) == {OTHER_ACCOUNT}
