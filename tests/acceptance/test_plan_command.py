"""``docusign-iga plan`` tells what would be done, and does nothing."""

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.authentication.api_clients import Scope


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


def test_an_unknown_member_is_refused_with_those_that_there_are(plan):
    result = plan({"method": "POST", "path": "/Users", "body": {"userName": "new@x.example"}})
    assert result.exit_code == 1
    assert "no body: there are method, path, data, bulkId and version" in result.output


def test_the_help_shows_a_creation_that_can_be_planned(plan):
    told = CliRunner().invoke(main, ["plan", "--help"]).output
    (example,) = [line.strip() for line in told.splitlines() if '"POST"' in line]
    result = plan(example)
    assert result.exit_code == 0, result.output
    assert "join ann@example.com" in result.output


def test_a_path_that_is_no_url_is_explained(plan):
    result = plan({"method": "DELETE", "path": "http://[::1/Users/x"})
    assert result.exit_code == 1
    assert "http://[::1/Users/x is no URL" in result.output


def test_what_a_file_says_does_nothing_to_the_terminal(plan):
    result = plan({"method": "DELETE", "path": "/\x1b]0;x\x07/\u202e"})
    assert result.exit_code == 1
    assert "[U+001B]]0;x[U+0007]/[U+202E]" in result.output


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

    assert "change name.givenName 'Ann' -> 'Anna'" in merged.output
    assert "familyName" not in merged.output


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


@pytest.mark.parametrize(
    "form",
    [
        "https://scim.acme.test/scim/v2/Users/{id}",
        "https://scim.acme.test:8443/scim/v2/Users/{id}?dryRun=true",
        "/scim/v2/Users/{id}",
        "scim/v2//Users/{id}/",
        "Users/{id}?attributes=userName",
        "/Users/{id}",
    ],
)
def test_a_path_is_taken_as_it_was_sent(plan, connector, form):
    user = connector.create("ann@acme.test")
    result = plan({"method": "delete", "path": form.format(id=user["id"])})
    assert result.exit_code == 0, result.output
    assert "close the membership of ann@acme.test" in result.output
    assert connector.user(user["id"])["active"]


def test_a_request_to_another_tenant_is_no_plan_for_this_one(plan):
    result = plan({"method": "DELETE", "path": "https://scim.acme.test/acme/scim/v2/Users/x"})
    assert result.exit_code == 1
    assert "is of the tenant 'acme': give --tenant acme" in result.output


def test_the_body_of_a_bulk_request_is_planned_one_by_one(plan, connector):
    user = connector.create("ann@acme.test")
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "operations": [
            {"Method": "DELETE", "Path": f"/Users/{user['id']}"},
            {"method": "DELETE", "path": "/Users/nobody"},
            {
                "method": "PATCH",
                "path": "/Groups/bulkId:g",
                "data": {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]},
            },
        ],
    }
    result = plan(bulk)
    assert result.exit_code == 1
    done, unknown, later = result.output.strip().split("\n\n")
    assert "close the membership of ann@acme.test" in done
    assert "Refused: There is no user nobody" in unknown
    assert "Refused: it refers to g, which another request creates" in later


def test_the_body_of_a_patch_alone_lacks_what_it_is_about(plan):
    result = plan({"Operations": [{"op": "replace", "path": "title", "value": "x"}]})
    assert result.exit_code == 1
    assert "the body of a PATCH alone" in result.output
    assert '"path": "/Users/<id>"' in result.output


def test_a_bare_group_stands_for_its_creation(plan):
    result = plan({"displayName": "Night shift"})
    assert result.exit_code == 0, result.output
    assert "Night shift" in result.output
