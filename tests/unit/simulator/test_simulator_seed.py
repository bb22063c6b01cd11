"""The seeded organizations."""

from __future__ import annotations

import csv

import pytest

from simulator.names import GROUP_NAMES
from simulator.seed import seed
from simulator.seed_export import COLUMNS, SERVICE_EMAIL, seed_from_export
from simulator.state.model import Status


def guids(state):
    return [(user.user_id, user.email, user.user_name) for user in state.users.values()]


def test_the_same_numbers_give_the_same_organization():
    assert guids(seed(80)) == guids(seed(80))
    assert guids(seed(80)) != guids(seed(80, seed=2))


@pytest.mark.parametrize("n_users", [10, 57, 300])
def test_the_number_of_users_is_exact(n_users):
    assert len(seed(n_users).users) == n_users


def test_a_small_organization_has_everything():
    state = seed(30)
    account = next(iter(state.accounts.values()))
    assert len(state.accounts) == 3
    assert {item.status for item in account.roster} == set(Status)
    assert sum(user.is_organization_admin for user in state.users.values()) == 3
    assert {group.name for group in account.groups.values()} >= {"Everyone", *GROUP_NAMES}
    assert {domain.status for domain in state.organization.domains.values()} == {"active"}


def test_the_service_user_administers_everything():
    state = seed(30)
    service_user = state.user(state.service_user_id)
    assert service_user.is_organization_admin
    for account in state.accounts.values():
        assert service_user.memberships[account.account_id].is_admin


def test_an_address_has_at_most_one_open_user():
    state = seed(2000)
    addresses = [user.email for user in state.users.values()]
    assert len(set(addresses)) < len(addresses)
    open_ones = [user.email for user in state.users.values() if user.is_open]
    assert len(set(open_ones)) == len(open_ones)
    assert all(address.isascii() for address in addresses)


def test_a_large_organization_has_the_groups_of_the_benchmark():
    state = seed(20_000)
    account = next(iter(state.accounts.values()))
    sizes = {group.name: len(group.members) for group in account.groups.values()}
    assert (sizes["Bench 10000"], sizes["Bench 10"]) == (10_000, 10)


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


ROW = {
    "SiteID": "3",
    "AccountID": "11111111-1111-4111-8111-111111111111",
    "AccountName": "Contoso Sales",
    "APIUserName": "22222222-2222-4222-8222-222222222222",
    "FullName": "Ada Byron",
    "FirstName": "Ada",
    "LastName": "Byron",
    "UserEmail": "ada@contoso.example",
    "UserStatus": "active",
    "AddedDate": "04/01/2021",
    "MembershipStatus": "Activation Sent",
    "eSignPermissionProfile": "Branch Sender",
    "eSignPermissionProfileID": "777",
    "JobTitle": "Analyst",
    "Groups": "Sales; Everyone;Harbour",
}


def test_an_export_becomes_an_organization(tmp_path):
    other = {
        **ROW,
        "AccountID": "10400",
        "AccountName": "Contoso Legal",
        "MembershipStatus": "Closed",
    }
    state = seed_from_export(write(tmp_path / "Contoso.csv", [ROW, ROW, other]))
    user = state.user(ROW["APIUserName"])
    first, second = user.memberships.values()
    assert (first.status, second.status) == (Status.ACTIVATION_SENT, Status.CLOSED)
    assert (first.profile_id, first.profile.name) == ("777", "Branch Sender")
    groups = [first.account.groups[item].name for item in first.group_ids]
    assert groups == ["Sales", "Harbour"]
    assert second.account.external_id == 10400
    assert state.claimed(user.email).identity_provider_id
    assert state.user(state.service_user_id).email == SERVICE_EMAIL


def test_profiles_have_the_ids_of_the_export(tmp_path):
    names = {"DS Viewer": "10", "ds sender": "11", "Harbour": "12"}
    rows = [
        {
            **ROW,
            "APIUserName": "",
            "UserEmail": f"{profile_id}@contoso.example",
            "eSignPermissionProfile": name,
            "eSignPermissionProfileID": profile_id,
        }
        for name, profile_id in names.items()
    ]
    state = seed_from_export(write(tmp_path / "Contoso.csv", rows))
    (account,) = state.accounts.values()
    found = {item.name: item.profile_id for item in account.profiles.values()}
    assert (found["DS Viewer"], found["DS Sender"], found["Harbour"]) == ("10", "11", "12")
    assert set(found) == {"DS Admin", "DS Sender", "DS Viewer", "Harbour"}
    assert all(key == item.profile_id for key, item in account.profiles.items())
    assert account.default_profile_id == "10"


def test_rows_without_guids_get_the_same_ones_each_time(tmp_path):
    path = write(tmp_path / "Contoso.csv", [{**ROW, "APIUserName": ""}])
    assert guids(seed_from_export(path)) == guids(seed_from_export(path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([{**ROW, "MembershipStatus": "lost"}], r"Contoso\.csv, line 2: unknown status 'lost'"),
        ([ROW, {**ROW, "UserEmail": ""}], r"Contoso\.csv, line 3: UserEmail is empty"),
        ([ROW, {**ROW, "AccountID": " "}], "line 3: AccountID is empty"),
        ([{**ROW, "UserEmail": "not an address"}], "line 2: UserEmail 'not an address' is no"),
        ([{**ROW, "APIUserName": "xx"}], "line 2: APIUserName 'xx' is no GUID"),
        ([{**ROW, "FullName": "Ada\nByron"}, {**ROW, "APIUserName": "xx"}], "line 4: APIUserName"),
    ],
)
def test_a_useless_export_is_refused(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        seed_from_export(write(tmp_path / "Contoso.csv", rows))


def test_an_export_without_addresses_is_refused(tmp_path):
    path = tmp_path / "Contoso.csv"
    path.write_text("AccountID,Name\n1,Ada\n")
    with pytest.raises(ValueError, match="UserEmail"):
        seed_from_export(path)


def test_what_refers_to_the_whole_organization_is_printed_in_a_line():
    state = seed(30)
    account = next(iter(state.accounts.values()))
    group = next(item for item in account.groups.values() if item.members)
    for thing in (account, account.roster[0], account.roster[0].user, group):
        assert len(repr(thing)) < 700
