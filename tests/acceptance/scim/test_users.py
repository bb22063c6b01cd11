"""Stories of people who are there: other profiles, names and addresses, conditional changes."""

from __future__ import annotations

import pytest

from simulator.state.model import Status
from tests.acceptance.scim.people import ADDRESS, op, values
from tests.connector import DOCUSIGN, ENTERPRISE, USER, ok, refused

# moving -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape",
    [
        lambda value: op("add", "entitlements", [{"value": value}]),
        lambda value: op("Add", "entitlements", {"value": value}),
        lambda value: op("add", "ENTITLEMENTS", value),
        lambda value: op("replace", "entitlements", [{"value": value}]),
        lambda value: op("add", None, {"entitlements": [{"value": value}]}),
    ],
)
def test_another_profile_replaces_the_one_held(connector, ann, shape):
    """W26, in the shapes that clients send."""
    wanted = connector.entitlement()

    user = ok(connector.patch(f"/Users/{ann['id']}", shape(wanted)))

    assert values(user["entitlements"]) == [wanted]
    assert connector.membership(ann["id"]).profile_id == wanted.partition(".")[2]
    assert user["meta"]["version"] != ann["meta"]["version"]


def test_taking_the_profile_that_was_replaced_changes_nothing(connector, ann):
    wanted = connector.entitlement()
    moved = ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", wanted)))

    user = ok(
        connector.patch(
            f"/Users/{ann['id']}", op("remove", f'entitlements[value eq "{connector.baseline()}"]')
        )
    )

    assert user == moved


def test_taking_an_elevated_profile_falls_back_to_the_baseline(connector, ann):
    """W27."""
    wanted = connector.entitlement()
    ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", wanted)))

    user = ok(
        connector.patch(f"/Users/{ann['id']}", op("remove", f'entitlements[value eq "{wanted}"]'))
    )

    assert values(user["entitlements"]) == [connector.baseline()]
    assert connector.membership(ann["id"]).profile_id == connector.world.account.default_profile_id


def test_a_profile_of_a_second_account_adds_a_membership(connector, ann):
    second = connector.entitlement(1)

    user = ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", second)))

    assert set(values(user["entitlements"])) == {connector.baseline(), second}
    assert connector.membership(ann["id"], 1).profile_id == second.partition(".")[2]
    memberships = user[f"{DOCUSIGN}User"]["memberships"]
    assert len(memberships) == 2

    left = ok(
        connector.patch(
            f"/Users/{ann['id']}",
            op("replace", "entitlements", [{"value": connector.baseline()}]),
            op("add", "title", "Counsel"),
        )
    )
    assert connector.baseline() in values(left["entitlements"])
    assert left["title"] == "Counsel"


def test_two_new_profiles_of_one_account_contradict_each_other(connector, ann):
    both = [connector.entitlement(0, 0), connector.entitlement(0, 1)]

    refused(
        connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", both)), 400, "invalidValue"
    )

    assert connector.user(ann["id"]) == ann


def test_groups_of_a_user_are_read_only(connector, ann):
    """W29."""
    refused(
        connector.patch(f"/Users/{ann['id']}", op("add", "groups", [{"value": connector.group()}])),
        400,
        "mutability",
    )


# names and addresses ------------------------------------------------------------------


def claimed(connector):
    return next(iter(connector.world.state.organization.domains))


def test_a_name_is_changed_in_docusign(connector, ann):
    """W53, W57: dotted and URN keys without a path."""
    user = ok(
        connector.patch(
            f"/Users/{ann['id']}",
            op("replace", None, {"name.givenName": "Lin", f"{ENTERPRISE}:department": "Legal"}),
            op("Replace", "name.familyName", "Li"),
        )
    )

    assert user["name"]["formatted"] == "Lin Li"
    assert user[ENTERPRISE] == {"department": "Legal"}
    assert connector.membership(ann["id"]).user.user_name == "Lin Li"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("userName", "{}"),
        ("emails", [{"value": "{}"}]),
        ('emails[type eq "work"].value', "{}"),
    ],
)
def test_an_address_changes_within_a_claimed_domain(connector, path, value):
    """W18: ``userName`` and ``emails`` are one thing."""
    domain = claimed(connector)
    name = {"givenName": "Ann", "middleName": "Bo", "familyName": "Lee"}
    user = connector.create(f"ann.lee@{domain}", name=name)
    new = f"ann.new@{domain}"
    value = new if isinstance(value, str) else [{"value": new}]

    changed = ok(connector.patch(f"/Users/{user['id']}", op("replace", path, value)))

    assert changed["userName"] == new
    assert changed["emails"] == [{"value": new, "type": "work", "primary": True}]
    assert (changed["name"], changed["displayName"]) == (user["name"], "Ann Bo Lee")
    person = connector.world.state.user(user["id"])
    assert (person.email, person.user_name, person.middle_name) == (new, "Ann Bo Lee", "Bo")


def test_a_new_display_name_leaves_the_name_alone(connector, ann):
    """RFC 7644 §3.5.2: an operation changes what its path names."""
    path = f"/Users/{ann['id']}"

    shown = ok(connector.patch(path, op("replace", "displayName", "Lee, Ann (Legal)")))

    assert (shown["displayName"], shown["name"]) == ("Lee, Ann (Legal)", ann["name"])
    assert connector.membership(ann["id"]).user.user_name == "Ann Lee"
    found = ok(connector.get('/Users?filter=displayName sw "lee, ann"'))
    assert [user["id"] for user in found["Resources"]] == [ann["id"]]


@pytest.mark.parametrize("name", [{"displayName": "Ann Roe"}, {"name": {"formatted": "Ann Roe"}}])
def test_a_put_may_rename_by_the_full_name_alone(connector, ann, name):
    shown = ok(connector.put(f"/Users/{ann['id']}", {"userName": ADDRESS, **name}))

    assert shown["name"] == {"givenName": "Ann", "familyName": "Roe", "formatted": "Ann Roe"}
    assert connector.membership(ann["id"]).user.last_name == "Roe"


def test_a_put_without_any_name_leaves_it(connector, ann):
    shown = ok(connector.put(f"/Users/{ann['id']}", {"userName": ADDRESS, "title": "Counsel"}))

    assert (shown["name"], shown["title"]) == (ann["name"], "Counsel")


def test_an_address_outside_claimed_domains_stays(connector, ann):
    detail = refused(
        connector.patch(f"/Users/{ann['id']}", op("replace", "userName", "ann@elsewhere.test")),
        400,
        "invalidValue",
    )

    assert "claimed" in detail
    assert connector.world.state.user(ann["id"]).email == ADDRESS


def test_an_address_that_somebody_holds_is_refused(connector):
    domain = claimed(connector)
    connector.create(f"bob@{domain}")
    ann = connector.create(f"ann@{domain}")

    refused(
        connector.patch(f"/Users/{ann['id']}", op("replace", "userName", f"BOB@{domain}")),
        409,
        "uniqueness",
    )


# replacing ----------------------------------------------------------------------------


def test_what_was_read_can_be_put_back_without_effect(connector, ann):
    """W20, W38."""
    ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", connector.entitlement())))
    before = connector.user(ann["id"])

    assert ok(connector.put(f"/Users/{ann['id']}", before)) == before


def test_put_without_entitlements_takes_none_away(connector, ann):
    user = ok(
        connector.put(
            f"/Users/{ann['id']}",
            {"schemas": [USER], "userName": ADDRESS, "name": {"givenName": "Anna"}, "groups": []},
        )
    )

    assert values(user["entitlements"]) == [connector.baseline()]
    assert user["active"] is True
    assert user["name"]["formatted"] == "Anna"


def test_put_with_empty_entitlements_takes_all_away(connector, ann):
    user = ok(connector.put(f"/Users/{ann['id']}", {"userName": ADDRESS, "entitlements": []}))

    assert "entitlements" not in user
    assert user["active"] is False
    assert connector.membership(ann["id"]).status is Status.CLOSED


def test_put_clears_an_external_id_that_it_omits_and_patch_keeps_it(connector):
    user = connector.create(ADDRESS, externalId="e-1")

    patched = ok(connector.patch(f"/Users/{user['id']}", op("replace", "title", "Counsel")))
    assert patched["externalId"] == "e-1"

    replaced = ok(connector.put(f"/Users/{user['id']}", {"userName": ADDRESS}))
    assert "externalId" not in replaced
    assert ok(connector.get('/Users?filter=externalId eq "e-1"'))["totalResults"] == 0


# preconditions and dry runs -----------------------------------------------------------


def test_a_change_based_on_an_old_version_is_refused(connector, ann):
    """W84, W85."""
    path = f"/Users/{ann['id']}"
    version = ann["meta"]["version"]
    assert connector.get(path, if_none_match=version).status_code == 304
    ok(connector.patch(path, op("replace", "title", "Counsel"), if_match=version))

    for response in (
        connector.patch(path, op("replace", "title", "Judge"), if_match=version),
        connector.put(path, {"userName": ADDRESS}, if_match=version),
        connector.delete(path, if_match=version),
    ):
        refused(response, 412)
    assert connector.user(ann["id"])["title"] == "Counsel"
    ok(connector.patch(path, op("replace", "title", "Judge"), if_match="*"))


def test_a_write_that_changes_nothing_keeps_version_and_time(connector, ann):
    calls = len(connector.world.account.roster)

    again = ok(connector.patch(f"/Users/{ann['id']}", op("replace", "active", True)))

    assert again["meta"] == ann["meta"]
    assert len(connector.world.account.roster) == calls


def test_a_dry_run_tells_the_plan_and_changes_nothing(connector, ann):
    roster = len(connector.world.account.roster)
    profile = connector.membership(ann["id"]).profile_id

    created = ok(connector.post("/Users?dryRun=true", {"userName": "new@acme.test"}))
    moved = ok(
        connector.patch(
            f"/Users/{ann['id']}?dryRun=true",
            op("add", "entitlements", connector.entitlement()),
            op("replace", "title", "Counsel"),
        )
    )
    deleted = ok(connector.delete(f"/Users/{ann['id']}?dryRun=true"))

    assert [item["kind"] for item in created["operations"]] == ["create_membership"]
    assert [(item["kind"], item["fulfilment"]) for item in moved["operations"]] == [
        ("update_person", "automatic"),
        ("set_profile", "automatic"),
    ]
    assert moved["schemas"] == [f"{DOCUSIGN}Plan"]
    assert moved["subject"] == ann["id"]
    assert len(moved["checksum"]) == 64
    assert [item["kind"] for item in deleted["operations"]] == ["close_membership"]
    assert len(connector.world.account.roster) == roster
    assert connector.membership(ann["id"]).profile_id == profile
    assert connector.user(ann["id"]) == ann


def test_addresses_are_found_as_clients_see_them(connector):
    user = connector.create("ann@acme.test")
    group = connector.group()
    connector.patch(
        f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    )
    at, there = user["meta"]["location"], connector.user(user["id"])["groups"][0]["$ref"]
    for text in (
        f'meta.location eq "{at}"',
        f'userName eq "ann@acme.test" and not (meta.location ne "{at}")',
        f'userName eq "ann@acme.test" and groups.$ref eq "{there}"',
        f'userName eq "ann@acme.test" and groups[$ref eq "{there}"]',
    ):
        found = ok(connector.post("/Users/.search", {"filter": text}))["Resources"]
        assert [one["id"] for one in found] == [user["id"]], text
