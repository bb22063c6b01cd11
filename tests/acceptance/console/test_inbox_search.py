"""Looking for what waits: by person, by what it is about, by who asked; on the page, over the REST
API and with the commands alike."""

from __future__ import annotations

import json

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import main
from tests.acceptance.console.test_inbox import listed, plain_members, walked
from tests.approvals import approver
from tests.programs import program
from tests.visitors import ask_for_admin, ask_for_approval, guarded, signed_in


@pytest.fixture
def asked(connect):
    """A connector in which two people ask for a profile and two for a role, and their names."""
    connector = connect(**guarded())
    members = plain_members(connector)[:4]
    items = [
        *(ask_for_approval(connector, user_id) for user_id in members[:2]),
        *(ask_for_admin(connector, user_id) for user_id in members[2:]),
    ]
    people = connector.services.browser.people(members)
    return connector, items, [people[user_id].email for user_id in members]


VIEWS = ("/?", "/?view=all&")


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_finds_what_fits(asked, view):
    connector, items, emails = asked
    root = signed_in(connector, "administrator")
    assert listed(root, view) == items
    for item, email in zip(items, emails, strict=True):
        assert listed(root, f"{view}person={email.upper()}") == [item]
    assert listed(root, f"{view}what=approver") == items[:2]
    account = connector.world.account.name
    assert listed(root, f"{view}what={account}") == items[:2]
    assert listed(root, f"{view}what=organization+admin&by=iga") == items[2:]
    assert listed(root, f"{view}by=iga&person={emails[0]}&what=approver") == items[:1]
    assert listed(root, f"{view}by=somebody") == []
    page = root.get(f"{view}by=somebody").get_data(as_text=True)
    assert "No item fits" in page and 'value="somebody"' in page


@pytest.mark.parametrize("view", VIEWS)
def test_pages_and_counts_are_of_what_fits(asked, view, monkeypatch):
    connector, items, _ = asked
    root = signed_in(connector, "administrator")
    assert "4 items" in root.get(view).get_data(as_text=True)
    found = f"{view}what=approver"
    assert "2 items" in root.get(found).get_data(as_text=True)
    monkeypatch.setattr("connector.console.inbox.PAGE", 1)
    assert "More than 1 item " in root.get("/?what=approver").get_data(as_text=True)
    if view == VIEWS[0]:
        assert walked(root, found) == [[items[0]], [items[1]]]


def test_a_single_item_is_one_item(asked):
    connector, _, emails = asked
    root = signed_in(connector, "administrator")
    page = root.get(f"/?view=all&person={emails[0]}").get_data(as_text=True)
    assert "1 item<" in page or "1 item " in page
    assert "1 items" not in page


def test_the_rest_api_finds_the_same(asked):
    connector, items, emails = asked
    robot = program(connector, "administrator")

    def ids(path, **query):
        return [item["id"] for item in robot.walk(path, limit=1, **query)]

    for mine in (False, True):
        which = {"mine": "true"} if mine else {}
        assert ids("/approvals", person=emails[0], **which) == items[:1]
        assert (
            ids("/approvals", entitlement="approver", requester="client:iga", **which) == items[:2]
        )
        assert ids("/approvals", requester="nobody", **which) == []
    assert ids("/tasks", person=emails[3]) == items[3:]
    assert ids("/tasks", entitlement="organization-admin") == items[2:]
    assert ids("/tasks", entitlement="approver") == []


def test_the_commands_find_the_same(asked, tmp_path):
    connector, items, emails = asked
    details = connector.world.details
    accounts = [{"account_id": item["account_id"]} for item in details["accounts"]]
    keys = {"integration_key": details["integration_key"]}
    url = connector.application.settings.database.url
    data = {
        "database": {"url": url},
        "docusign": {**keys, "private_key": details["private_key_pem"]},
        "tenants": {"default": {"user_id": details["user_id"], "accounts": accounts}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))

    def run(*arguments):
        result = CliRunner().invoke(main, [*arguments, "--config", str(path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    def ids(*arguments):
        return [item["id"] for item in json.loads(run(*arguments, "--json"))]

    assert ids("tasks", "list", "--person", emails[2]) == items[2:3]
    assert ids("approvals", "list", "--entitlement", "approver") == items[:2]
    assert ids("approvals", "list", "--requester", "iga", "--person", emails[1]) == items[1:2]
    assert "No task fits." in run("tasks", "list", "--requester", "nobody")
    found = connector.services.approvals.inbox(approver("dora"))
    assert [item.work_item_id for item in found] == items[:2]
