"""``docusign-iga plan`` tells what would be done, and does nothing."""

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.api_clients import Scope


@pytest.fixture
def plan(connector, tmp_path, monkeypatch):
    """Run the command on a request, in front of the simulated DocuSign."""
    monkeypatch.setattr(CommandContext, "application", connector.application)

    def run(request, *options):
        file = tmp_path / "request.json"
        file.write_text(request if isinstance(request, str) else json.dumps(request))
        return CliRunner().invoke(main, ["plan", str(file), *options])

    return run


def test_a_creation_is_told_and_not_done(plan, connector):
    before = len(connector.world.state.users)
    result = plan({"userName": "new.person@northwind.example"})
    assert result.exit_code == 0, result.output
    assert "1. join new.person@northwind.example" in result.output
    assert len(connector.world.state.users) == before


def test_a_misspelled_request_is_explained(plan):
    result = plan({"method": "FETCH", "path": "/Users/x"})
    assert result.exit_code == 1
    assert "use POST, PUT, PATCH or DELETE" in result.output


def test_wrong_types_are_explained(plan):
    result = plan({"userName": {"a": 1}})
    assert result.exit_code == 1
    assert "userName" in result.output


def test_a_file_that_is_no_json_is_explained(plan):
    result = plan("{")
    assert result.exit_code == 1
    assert "JSON" in result.output


def test_a_request_is_planned_in_the_dialect_of_its_client(plan, connector):
    user = connector.create("ann@acme.test", name={"givenName": "Ann", "familyName": "Lee"})
    merging = {"put_semantics": "merge"}
    connector.application.clients.add("default", "merging", settings=merging)
    body = {"name": {"givenName": "Anna"}}
    put = {"method": "PUT", "path": f"/Users/{user['id']}", "data": body}

    assert "userName" in plan(put).output
    merged = plan(put, "--client", "merging")

    assert "change first_name" in merged.output
    assert "last_name" not in merged.output


def test_a_client_may_plan_what_it_may_do(plan, connector):
    connector.application.clients.add("default", "reader", scopes=frozenset({Scope.READ}))
    result = plan({"userName": "new@acme.test"}, "--client", "reader")
    assert result.exit_code == 1
    assert "may not change resources of the type User" in result.output


def test_an_unknown_client_is_named(plan):
    result = plan({"userName": "new@acme.test"}, "--client", "nobody")
    assert result.exit_code == 1
    assert "nobody" in result.output


def test_a_path_that_does_not_fit_its_method_is_explained(plan):
    result = plan({"method": "PUT", "path": "/Users", "data": {"userName": "new@acme.test"}})
    assert result.exit_code == 1
    assert "that of a resource" in result.output


def test_a_plan_names_account_profile_group_and_person(plan, connector):
    user = connector.create("ann@acme.test")
    account = connector.application.settings.tenants["default"].accounts[0]
    group = connector.group()
    name = connector.world.account.groups[group.partition(".g")[2]].name
    joining = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    body = {"Operations": [joining]}
    told = plan({"method": "PATCH", "path": f"/Groups/{group}", "data": body}).output
    assert name in told
    assert f"account {account.alias} ({account.account_id})" in told
    assert f"ann@acme.test ({user['id']})" in told
