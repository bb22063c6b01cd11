"""Who holds a role that people alone give is found by it."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.approvals import operator
from tests.connector import connected, ok

STEPS = {"grant": ["Tell {email}."], "revoke": ["Tell {email} again."]}
NOTARY = {"notary": {"display": "Notary", "instructions": STEPS, "verification": "attestation"}}
ASKED = ('roles.value eq "notary"', 'roles[value eq "notary"]', 'roles eq "notary"')


@pytest.fixture(params=["confirmed", "requested"])
def connector(request, tmp_path):
    running = connected(
        tmp_path / "connector.db",
        manual_roles=NOTARY,
        provisioning={"report": request.param},
    )
    yield running
    running.close()


def holders(connector):
    """Return who is found by the role, in whatever way it is asked for."""
    found = [
        {user["id"] for user in ok(connector.get(f"/Users?filter={quote(text)}"))["Resources"]}
        for text in ASKED
    ]
    assert found == found[:1] * len(found)
    return found[0]


def carry_out(connector):
    (task,) = connector.services.work_items.list()
    connector.services.tasks.complete(task.work_item_id, operator("olga"), "Told her")
    connector.services.tasks.attest(task.work_item_id, operator("paul"), "Seen her")


def test_holders_are_found_from_the_day_on_that_they_show_it(connector):
    shown_early = connector.services.settings.provisioning.report == "requested"
    ann = connector.create("ann@acme.test")["id"]
    assert holders(connector) == set()

    role = {"op": "add", "path": "roles", "value": [{"value": "notary"}]}
    ok(connector.patch(f"/Users/{ann}", role))
    assert holders(connector) == ({ann} if shown_early else set())
    carry_out(connector)
    assert holders(connector) == {ann}

    ok(connector.patch(f"/Users/{ann}", {"op": "replace", "path": "title", "value": "Clerk"}))
    assert holders(connector) == {ann}

    ok(connector.patch(f"/Users/{ann}", {**role, "op": "remove", "path": "roles"}))
    assert holders(connector) == (set() if shown_early else {ann})
    carry_out(connector)
    assert holders(connector) == set()


def test_a_role_that_is_shown_as_a_group_has_its_holders_for_members(tmp_path):
    connector = connected(
        tmp_path / "c.db", manual_roles=NOTARY, scim={"show_as_groups": ("roles",)}
    )
    ann = connector.create("ann@acme.test")["id"]
    path = "/Groups/role.notary"
    before = ok(connector.get(path))
    add = {"op": "add", "path": "members", "value": [{"value": ann}]}
    assert connector.patch(path, add).status_code in (200, 204)
    assert "members" not in ok(connector.get(path))
    carry_out(connector)

    group = ok(connector.get(path))
    assert [member["value"] for member in group["members"]] == [ann]
    assert group["meta"]["version"] != before["meta"]["version"]
    text = f'members.value eq "{ann}"'
    found = ok(connector.get(f"/Groups?filter={quote(text)}"))
    assert path.rpartition("/")[2] in [item["id"] for item in found["Resources"]]
    (shown,) = [item for item in connector.user(ann)["groups"] if item["value"] == "role.notary"]
    assert shown["type"] == "direct"

    ok(connector.put(path, {**group, "members": []}))
    carry_out(connector)
    assert "members" not in ok(connector.get(path))
    assert "roles" not in connector.user(ann)
    connector.close()
