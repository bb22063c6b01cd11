"""A connector, and the command line over its database."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner

from connector.cli.main import main
from tests.connector import connected


@pytest.fixture
def connector(tmp_path):
    connector = connected(tmp_path / "connector.db")
    yield connector
    connector.close()


@pytest.fixture
def run(connector, tmp_path):
    """The command line over the same database."""
    details = connector.world.details
    data = {
        "database": {"url": f"sqlite:///{tmp_path}/connector.db"},
        "docusign": {
            "integration_key": details["integration_key"],
            "private_key": details["private_key_pem"],
        },
        "tenants": {
            "default": {
                "user_id": details["user_id"],
                "accounts": [{"account_id": item["account_id"]} for item in details["accounts"]],
            }
        },
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))

    def run(*arguments, status=0, stream="stdout"):
        result = CliRunner().invoke(main, ["audit", *arguments, "--config", str(path)])
        assert result.exit_code == status, result.output
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.stdout if stream == "stdout" else result.stderr

    return run
