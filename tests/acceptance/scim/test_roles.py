"""Stories of roles that only people can grant."""

from __future__ import annotations

import pytest

from connector.domain.authentication.console import ConsoleRole
from connector.domain.work_items.items import WorkItemState
from connector.services.context import person
from tests.connector import DOCUSIGN, ORGANIZATION_ADMIN, USER, ok, refused

ADDRESS = "ann.lee@acme.test"
ADD = {"op": "add", "path": "roles", "value": [{"value": ORGANIZATION_ADMIN}]}
REMOVE = {"op": "remove", "path": f'roles[value eq "{ORGANIZATION_ADMIN}"]'}
PERSON = person("dora", source="cli", correlation_id="test", roles=[ConsoleRole.OPERATOR])


@pytest.fixture
def ann(connector):
    return connector.create(ADDRESS)


def pending(user):
    return [
        (item["entitlement"], item["direction"])
        for item in user[f"{DOCUSIGN}User"].get("pending", ())
    ]


def an_admin(connector):
    """Return the id of an organization admin who is not the service user."""
    return next(
        member.user.user_id
        for member in connector.world.account.roster
        if member.user.is_organization_admin and member.user is not connector.world.service_user
    )


def test_a_dry_run_opens_no_task(connector, ann):
    plan = ok(connector.patch(f"/Users/{ann['id']}?dryRun=true", ADD))

    assert [(item["kind"], item["fulfilment"]) for item in plan["operations"]] == [
        ("grant_role", "manual")
    ]
    assert connector.services.work_items.list() == []
    assert pending(connector.user(ann["id"])) == []


def test_asking_for_a_role_opens_one_task(connector, ann):
    user = ok(connector.patch(f"/Users/{ann['id']}", ADD))

    assert "roles" not in user
    assert pending(user) == [(ORGANIZATION_ADMIN, "grant")]
    assert connector.user(ann["id"]) == user
    again = ok(connector.patch(f"/Users/{ann['id']}", ADD))
    assert again == user
    (task,) = connector.services.work_items.list()
    assert user[f"{DOCUSIGN}User"]["pending"][0]["workItem"] == task.work_item_id


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "roles", "value": ORGANIZATION_ADMIN},
        {"op": "Add", "path": 'roles[primary eq "True"].value', "value": ORGANIZATION_ADMIN},
        {"op": "replace", "path": "roles.value", "value": [{"value": ORGANIZATION_ADMIN}]},
        {"op": "add", "value": {"roles": [{"value": ORGANIZATION_ADMIN, "primary": True}]}},
    ],
)
def test_a_role_is_asked_for_in_the_shapes_that_clients_send(connector, ann, operation):
    """W28, W58, W68, W70."""
    assert pending(ok(connector.patch(f"/Users/{ann['id']}", operation)))


def test_a_role_asked_for_at_creation_opens_its_task(connector):
    user = connector.create(ADDRESS, roles=[{"value": ORGANIZATION_ADMIN}])

    assert pending(user) == [(ORGANIZATION_ADMIN, "grant")]


@pytest.mark.parametrize(
    "operation",
    [
        REMOVE,
        {"op": "remove", "path": "roles", "value": []},
        {"op": "Remove", "path": 'roles[primary eq "True"]'},
        {"op": "Remove", "path": 'roles[primary eq "True"].value'},
        {"op": "remove", "path": f"{USER}:roles[primary eq true]"},
        {"op": "remove", "path": 'roles[display eq "Organization Administrator"]'},
    ],
)
def test_the_opposite_supersedes_the_open_task(connector, ann, operation):
    """W69."""
    ok(connector.patch(f"/Users/{ann['id']}", ADD))

    user = ok(connector.patch(f"/Users/{ann['id']}", operation))

    assert pending(user) == []
    assert connector.services.work_items.list() == []


INACTIVE = {"op": "replace", "path": "active", "value": False}


PRIMARY = 'roles[primary eq "True"].value'


def notary(connect):
    """Return a connector, and the path of somebody who asked to become a notary."""
    steps = {"grant": ["Tell {email}."], "revoke": ["Tell {email} again."]}
    connector = connect(manual_roles={"notary": {"display": "Notary", "instructions": steps}})
    path = f"/Users/{connector.create(ADDRESS)['id']}"
    user = ok(connector.patch(path, {"op": "Add", "path": PRIMARY, "value": "notary"}))
    assert pending(user) == [("notary", "grant")]
    return connector, path


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Replace", "path": PRIMARY, "value": ORGANIZATION_ADMIN},
        {"op": "replace", "value": {PRIMARY: ORGANIZATION_ADMIN}},
    ],
)
def test_a_role_that_is_put_in_the_place_of_another_ends_that_one(connect, operation):
    """W58: Entra ID changes a person's one app role."""
    connector, path = notary(connect)

    user = ok(connector.patch(path, operation))

    assert pending(user) == [(ORGANIZATION_ADMIN, "grant")]


def test_a_role_that_is_added_takes_none(connect):
    """Entra ID adds a role to whom it has just linked, whatever somebody else gave them."""
    connector, path = notary(connect)

    user = ok(connector.patch(path, {"op": "Add", "path": PRIMARY, "value": ORGANIZATION_ADMIN}))

    assert sorted(pending(user)) == [("notary", "grant"), (ORGANIZATION_ADMIN, "grant")]


def test_disabling_a_person_ends_what_was_asked_for(connector, ann):
    ok(connector.patch(f"/Users/{ann['id']}", ADD))

    user = ok(connector.patch(f"/Users/{ann['id']}", INACTIVE))

    assert pending(user) == []
    assert connector.services.work_items.list() == []
    (task,) = connector.services.work_items.list(every=True)
    assert task.state is WorkItemState.SUPERSEDED


def test_leaving_one_of_two_accounts_leaves_the_role_pending(connector):
    first, second = connector.baseline(0), connector.baseline(1)
    wanted = [{"value": first}, {"value": second}]
    ann = connector.create(ADDRESS, entitlements=wanted, roles=[{"value": ORGANIZATION_ADMIN}])

    leaving = {"op": "remove", "path": f'entitlements[value eq "{second}"]'}
    user = ok(connector.patch(f"/Users/{ann['id']}", leaving))

    assert pending(user) == [(ORGANIZATION_ADMIN, "grant")]


@pytest.mark.parametrize("query", ["", "?dryRun=true"])
def test_a_role_cannot_be_asked_for_somebody_inactive(connector, ann, query):
    path = f"/Users/{ann['id']}"
    assert "active=true" in refused(
        connector.patch(f"{path}{query}", INACTIVE, ADD), 400, "invalidValue"
    )
    ok(connector.patch(path, INACTIVE))
    assert "active=true" in refused(connector.patch(f"{path}{query}", ADD), 400, "invalidValue")
    assert connector.services.work_items.list() == []

    user = ok(connector.patch(path, {**INACTIVE, "value": True}, ADD))
    assert pending(user) == [(ORGANIZATION_ADMIN, "grant")]


def test_nobody_is_created_inactive_with_a_role(connector):
    body = {"userName": ADDRESS, "active": False, "roles": [{"value": ORGANIZATION_ADMIN}]}
    refused(connector.post("/Users", body), 400, "invalidValue")


def test_the_role_is_shown_once_docusign_confirms_it(connector, ann):
    ok(connector.patch(f"/Users/{ann['id']}", ADD))
    (task,) = connector.services.work_items.list()
    connector.services.tasks.complete(task.work_item_id, PERSON)
    assert "roles" not in connector.user(ann["id"])

    connector.world.state.user(ann["id"]).is_organization_admin = True
    connector.services.verification.verify_all(PERSON)

    user = connector.user(ann["id"])
    assert [role["value"] for role in user["roles"]] == [ORGANIZATION_ADMIN]
    assert user[f"{DOCUSIGN}User"]["organizationAdmin"]["value"] is True
    assert pending(user) == []
    removed = ok(connector.patch(f"/Users/{ann['id']}", REMOVE))
    assert pending(removed) == [(ORGANIZATION_ADMIN, "revoke")]
    assert [role["value"] for role in removed["roles"]] == [ORGANIZATION_ADMIN]


def test_echoing_what_was_read_supersedes_no_grant(connector, ann):
    before = ok(connector.patch(f"/Users/{ann['id']}", ADD))

    for body in (before, {**before, "roles": []}):
        assert ok(connector.put(f"/Users/{ann['id']}", body)) == before


def test_echoing_what_was_read_supersedes_no_revoke(connector):
    admin_id = an_admin(connector)
    before = ok(connector.patch(f"/Users/{admin_id}", REMOVE))

    assert ok(connector.put(f"/Users/{admin_id}", before)) == before
    assert pending(before) == [(ORGANIZATION_ADMIN, "revoke")]


def test_requested_roles_can_be_shown_at_once(connect):
    connector = connect(provisioning={"report": "requested"})
    ann = connector.create(ADDRESS)

    user = ok(connector.patch(f"/Users/{ann['id']}", ADD))
    assert [role["value"] for role in user["roles"]] == [ORGANIZATION_ADMIN]

    taken = ok(connector.put(f"/Users/{ann['id']}", {**user, "roles": []}))
    assert "roles" not in taken
    assert pending(taken) == []


def test_a_member_of_the_roles_group_asks_for_the_role(connect):
    """W25."""
    connector = connect(scim={"show_as_groups": ("roles",)})
    ann = connector.create(ADDRESS)
    path = f"/Groups/role.{ORGANIZATION_ADMIN}"

    group = ok(
        connector.patch(path, {"op": "add", "path": "members", "value": [{"value": ann["id"]}]})
    )

    assert ann["id"] not in [item["value"] for item in group["members"]]
    assert pending(connector.user(ann["id"])) == [(ORGANIZATION_ADMIN, "grant")]
    ok(connector.patch(path, {"op": "remove", "path": f'members[value eq "{ann["id"]}"]'}))
    assert pending(connector.user(ann["id"])) == []


def test_the_catalogues_are_read_only(connector):
    roles = ok(connector.get("/Roles"))
    entitlements = ok(connector.get(f'/Entitlements?filter=value eq "{connector.entitlement()}"'))

    assert [role["id"] for role in roles["Resources"]] == [ORGANIZATION_ADMIN]
    assert entitlements["totalResults"] == 1
    response = connector.post("/Entitlements", {"displayName": "Sender"})
    refused(response, 405)
    assert "GET" in response.headers["Allow"]
