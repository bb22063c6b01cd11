"""``docusign-iga plan`` tells what would be done, and does nothing."""

import json

import pytest
from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext


@pytest.fixture
def plan(connector, tmp_path, monkeypatch):
    """Run the command on a request, in front of the simulated DocuSign."""
    monkeypatch.setattr(CommandContext, "application", connector.application)

    def run(request):
        file = tmp_path / "request.json"
        file.write_text(request if isinstance(request, str) else json.dumps(request))
        return CliRunner().invoke(main, ["plan", str(file)])

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
