"""Stories of people who leave and return."""

from __future__ import annotations

import pytest

from simulator.faults import Fault
from simulator.state.model import Status
from simulator.state.users import NewMember, join, set_groups
from tests.acceptance.scim.people import ADDRESS, op, values
from tests.connector import DOCUSIGN, ok, refused


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", "active", False),
        op("Replace", "active", "False"),
        op("replace", None, {"active": False}),
    ],
)
def test_disabling_and_enabling_keeps_profile_and_groups(connector, ann, operation):
    """W19, W39, W51."""
    group = connector.group()
    ok(connector.patch(f"/Users/{ann['id']}", op("add", "entitlements", connector.entitlement())))
    ok(connector.patch(f"/Groups/{group}", op("add", "members", [{"value": ann["id"]}])))

    disabled = ok(connector.patch(f"/Users/{ann['id']}", operation))
    assert disabled["active"] is False
    assert connector.membership(ann["id"]).status is Status.CLOSED

    enabled = ok(connector.patch(f"/Users/{ann['id']}", op("replace", "active", True)))
    assert enabled["active"] is True
    assert values(enabled["entitlements"]) == [connector.entitlement()]
    assert values(enabled["groups"]) == [group]
    assert connector.membership(ann["id"]).status.is_open
    assert ann["id"] in connector.group_members(group)


def test_a_deleted_user_is_gone_and_the_name_is_free(connector, ann):
    """W31."""
    path = f"/Users/{ann['id']}"
    assert connector.delete(path).status_code == 204

    for response in (
        connector.get(path),
        connector.delete(path),
        connector.patch(path, op("replace", "active", True)),
        connector.put(path, {"userName": ADDRESS}),
    ):
        refused(response, 404)
    assert connector.membership(ann["id"]).status is Status.CLOSED
    assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
    assert connector.create(ADDRESS)["id"] != ann["id"]


def on_a_recycled_address(connector):
    """Return the earlier holder of the address, closed, and who has it now."""
    earlier = connector.create(ADDRESS, name={"givenName": "Theo", "familyName": "Aoki"})
    ok(connector.patch(f"/Users/{earlier['id']}", op("replace", "active", False)))
    account = connector.world.account
    join(connector.world.state, account, NewMember(ADDRESS, "Magda Aoki"))
    connector.sync()
    (found,) = ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["Resources"]
    return earlier["id"], found["id"]


@pytest.mark.parametrize("leaves_first", [False, True])
def test_deleting_the_holder_of_a_recycled_address_brings_no_predecessor_back(
    connector, leaves_first
):
    theo, magda = on_a_recycled_address(connector)
    if leaves_first:
        ok(connector.patch(f"/Users/{magda}", op("replace", "active", False)))
        connector.sync()

    assert connector.delete(f"/Users/{magda}").status_code == 204

    for _ in range(2):
        assert ok(connector.get(f'/Users?filter=userName eq "{ADDRESS}"'))["totalResults"] == 0
        refused(connector.get(f"/Users/{theo}"), 404)
        refused(connector.patch(f"/Users/{theo}", op("replace", "active", True)), 404)
        connector.sync()
    new = connector.create(ADDRESS, externalId="e-9")
    assert new["id"] not in (theo, magda)
    assert connector.membership(theo).status is Status.CLOSED


def test_who_came_after_a_deletion_is_shown_when_inactive(connector):
    _, magda = on_a_recycled_address(connector)
    connector.delete(f"/Users/{magda}")
    new = connector.create(ADDRESS, externalId="e-9")

    ok(connector.patch(f"/Users/{new['id']}", op("replace", "active", False)))

    for _ in range(2):
        assert connector.user(new["id"])["active"] is False
        connector.sync()


def test_who_takes_a_freed_address_over_is_shown_when_inactive(connector):
    _, magda = on_a_recycled_address(connector)
    connector.delete(f"/Users/{magda}")
    lee = connector.create("lee@acme.test")
    state = connector.world.state
    state.readdress(state.user(lee["id"]), ADDRESS)
    connector.sync()

    ok(connector.patch(f"/Users/{lee['id']}", op("replace", "active", False)))

    assert connector.user(lee["id"])["active"] is False


def test_the_same_person_comes_back_under_the_same_id(connector):
    first = connector.create(ADDRESS, externalId="e-1")
    connector.delete(f"/Users/{first['id']}")

    again = connector.create(ADDRESS, externalId="e-1")

    assert again["id"] == first["id"]
    assert again["active"] is True
    assert connector.membership(first["id"]).status.is_open


def test_another_person_on_a_used_address_gets_a_new_id(connector):
    first = connector.create(ADDRESS, externalId="e-1")
    connector.delete(f"/Users/{first['id']}")

    other = connector.create(ADDRESS, externalId="e-2")

    assert other["id"] != first["id"]
    assert connector.membership(first["id"]).status is Status.CLOSED


def test_a_closed_user_can_be_hidden(connect):
    connector = connect(provisioning={"closed_users": "none"})
    user = connector.create(ADDRESS)

    response = connector.patch(f"/Users/{user['id']}", op("replace", "active", False))

    assert response.status_code == 204
    refused(connector.get(f"/Users/{user['id']}"), 404)


def test_who_is_taken_out_of_a_group_while_inactive_does_not_come_back_into_it(connector, ann):
    path, other = f"/Users/{ann['id']}", connector.group(number=1)
    member = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    for group in (connector.group(), other):
        ok(connector.patch(f"/Groups/{group}", member))
    ok(connector.patch(path, op("replace", "active", False)))

    leaving = {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}
    ok(connector.patch(f"/Groups/{connector.group()}", leaving))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert values(again["groups"]) == [other]
    assert ann["id"] not in connector.group_members(connector.group())
    assert ann["id"] in connector.group_members(other)


def test_who_is_taken_out_of_a_group_that_docusign_shows_no_more_does_not_come_back(connector, ann):
    path, group = f"/Users/{ann['id']}", connector.group()
    member = {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}
    ok(connector.patch(f"/Groups/{group}", member))
    ok(connector.patch(path, op("replace", "active", False)))
    set_groups(connector.membership(ann["id"]), ())
    connector.sync()

    leaving = {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}
    ok(connector.patch(f"/Groups/{group}", leaving))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert "groups" not in again
    assert ann["id"] not in connector.group_members(group)


@pytest.mark.parametrize(
    "shape",
    [
        lambda value: op("remove", f'entitlements[value eq "{value}"]'),
        lambda value: op("remove", "entitlements", [{"value": value}]),
    ],
)
@pytest.mark.parametrize("together", [False, True])
def test_what_is_taken_from_somebody_inactive_does_not_come_back(connector, ann, shape, together):
    path, elevated = f"/Users/{ann['id']}", connector.entitlement()
    ok(connector.patch(path, op("add", "entitlements", [{"value": elevated}])))
    ok(connector.patch(path, op("replace", "active", False)))

    enabling, taking = op("replace", "active", True), shape(elevated)
    if together:
        again = ok(connector.patch(path, taking, enabling))
    else:
        ok(connector.patch(path, taking))
        again = ok(connector.patch(path, enabling))

    assert values(again["entitlements"]) == [connector.baseline()]
    assert connector.membership(ann["id"]).profile_id == connector.baseline().partition(".")[2]


def test_what_is_taken_by_the_request_that_disables_does_not_come_back(connector, ann):
    path, elevated = f"/Users/{ann['id']}", connector.entitlement()
    ok(connector.patch(path, op("add", "entitlements", [{"value": elevated}])))

    taking = op("remove", f'entitlements[value eq "{elevated}"]')
    ok(connector.patch(path, op("replace", "active", False), taking))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert values(again["entitlements"]) == [connector.baseline()]


def test_taking_what_somebody_inactive_never_held_leaves_the_rest(connector, ann):
    path, elevated = f"/Users/{ann['id']}", connector.entitlement()
    ok(connector.patch(path, op("add", "entitlements", [{"value": elevated}])))
    ok(connector.patch(path, op("replace", "active", False)))

    ok(connector.patch(path, op("remove", f'entitlements[value eq "{connector.baseline()}"]')))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert values(again["entitlements"]) == [elevated]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_what_a_list_left_out_on_enabling_does_not_come_back_later(connector, method):
    listed, left_out = connector.entitlement(0), connector.entitlement(1)
    both = [{"value": listed}, {"value": left_out}]
    user = connector.create("both@acme.test", entitlements=both)
    path, only = f"/Users/{user['id']}", [{"value": listed}]
    ok(connector.patch(path, op("replace", "active", False)))
    if method == "PUT":
        ok(
            connector.put(
                path, {"userName": user["userName"], "active": True, "entitlements": only}
            )
        )
    else:
        ok(connector.patch(path, op("replace", None, {"active": True, "entitlements": only})))

    ok(connector.patch(path, op("replace", "active", False)))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert values(again["entitlements"]) == [listed]


def test_groups_and_users_agree_about_who_is_inactive(connector, ann):
    group = connector.group()
    path, place = f"/Users/{ann['id']}", f"/Groups/{group}"
    ok(connector.patch(place, {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}))
    seen = [ok(connector.get(place))]

    for active in (False, True):
        user = ok(connector.patch(path, op("replace", "active", active)))
        seen.append(ok(connector.get(place)))
        found = ok(connector.get(f'/Groups?filter=members.value eq "{ann["id"]}"'))

        assert (group in values(user.get("groups"))) is active
        assert (ann["id"] in values(seen[-1].get("members"))) is active
        assert found["totalResults"] == int(active)

    before, inactive, after = seen
    assert len({one["meta"]["version"] for one in seen}) == 3
    assert before["members"] == after["members"]
    assert before["meta"]["lastModified"] < inactive["meta"]["lastModified"]
    assert inactive["meta"]["lastModified"] < after["meta"]["lastModified"]


def test_a_list_from_before_somebody_was_disabled_takes_them_nothing(connector, ann):
    group, path = connector.group(), f"/Users/{ann['id']}"
    place = f"/Groups/{group}"
    ok(connector.patch(place, {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}))
    old, inactive = ok(connector.get(place)), op("replace", "active", False)
    ok(connector.patch(path, inactive))

    without = ok(connector.get(place))
    for body in (old, without):
        shown = ok(connector.put(place, body))
        assert ann["id"] not in values(shown.get("members"))
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert group in values(again["groups"])
    assert ann["id"] in connector.group_members(group)


def test_adding_somebody_inactive_who_is_in_the_group_asks_for_nothing(connector, ann):
    """Entra ID looks whether a member is shown, and adds whoever is not (W61)."""
    group, path = connector.group(), f"/Users/{ann['id']}"
    place, bob = f"/Groups/{group}", connector.create("bob@acme.test")
    ok(connector.patch(place, {"op": "add", "path": "members", "value": [{"value": ann["id"]}]}))
    ok(connector.patch(path, op("replace", "active", False)))
    there = {"value": ann["id"]}, {"value": bob["id"]}

    for _ in range(2):
        shown = ok(connector.patch(place, {"op": "add", "path": "members", "value": [*there]}))
        assert bob["id"] in values(shown["members"])
        assert ann["id"] not in values(shown["members"])
    again = ok(connector.patch(path, op("replace", "active", True)))

    assert group in values(again["groups"])
    assert connector.group_members(group) >= {ann["id"], bob["id"]}


@pytest.mark.parametrize("reaction", ["done", "ignored", "refused"])
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_who_is_enabled_under_another_title_and_name_has_them(connector, ann, reaction, method):
    connector.world.set_variants(put_pending=reaction)
    path = f"/Users/{ann['id']}"
    ok(connector.patch(path, op("replace", "active", False)))
    changed = {"title": "Counsel", "name": {"givenName": "Anna", "familyName": "Lee"}}

    if method == "PATCH":
        again = ok(connector.patch(path, op("replace", None, {"active": True, **changed})))
    else:
        body = {"userName": ann["userName"], "active": True, **changed}
        again = ok(connector.put(path, body))

    assert again["active"] is True
    pending = again[f"{DOCUSIGN}User"]["memberships"][0]["status"] != "active"
    if reaction == "done" or not pending:
        assert again["title"] == "Counsel"
        assert again["name"]["formatted"] == "Anna Lee"
    else:
        # DocuSign changes nobody who has not accepted the invitation: they are in, as they were.
        assert again["name"]["formatted"] == "Ann Lee"
    shown = connector.world.state.user(ann["id"])
    assert shown.user_name == again["name"]["formatted"]


@pytest.mark.parametrize(
    ("status", "code"), [(403, "USER_LACKS_PERMISSIONS"), (400, "INVALID_REQUEST_PARAMETER")]
)
def test_who_is_enabled_under_a_name_that_docusign_refuses_is_not_told_to_have_it(
    connector, ann, status, code
):
    path = f"/Users/{ann['id']}"
    ok(connector.patch(path, op("replace", "active", False)))
    name = {"givenName": "Anna", "familyName": "Lee"}
    # The membership is opened by the list of users, the name changed at the user.
    refusal = Fault(
        "error", "PUT", f"/users/{ann['id']}$", times=None, status=status, error_code=code
    )
    connector.world.faults.add(refusal)

    answer = connector.patch(path, op("replace", None, {"active": True, "name": name}))

    assert answer.status_code >= 400, answer.json
    assert code in answer.json["detail"]
    assert not connector.user(ann["id"])["active"]


def test_a_name_that_waits_for_the_invitation_is_written_down_as_skipped(connector, ann):
    connector.world.set_variants(put_pending="refused")
    path = f"/Users/{ann['id']}"
    ok(connector.patch(path, op("replace", "active", False)))
    ok(connector.patch(path, op("replace", None, {"active": True, "title": "Counsel"})))
    with connector.services.context.read() as uow:
        (skipped,) = [
            one for one in uow.audit.events(limit=1000) if one.action == "operation.skipped"
        ]
    assert "not activated" in skipped.data["reason"]
