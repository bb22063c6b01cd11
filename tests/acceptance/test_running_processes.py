"""Which processes run, and with which version of the file: real ones, from start to end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import yaml
from click.testing import CliRunner

from connector.cli import main
from connector.config import load_settings
from connector.domain.tenants.records import INSTALLATION
from connector.store import open_database
from tests.acceptance.processes import Serving, on_socket, wait_until, write_config
from tests.ports import free_port
from tests.simulated import simulated


def test_serve_and_its_jobs_process_are_told_of_until_they_end(tmp_path: Path) -> None:
    port, world = free_port(), simulated(5)
    with on_socket(world):
        config = write_config(tmp_path, world, port)
        server = Serving(config, port, tmp_path / "serve.log")
        server.start()
        try:
            with closing(open_database(load_settings(config).database)) as store:

                def roles() -> set[str]:
                    with store.read(INSTALLATION) as uow:
                        return {process.role for process in uow.processes.list()}

                wait_until(lambda: roles() == {"serve", "jobs"}, 120)
                checked = ["config", "check", "--config", str(config)]
                assert "another version" not in CliRunner().invoke(main, checked).output
                data = yaml.safe_load(config.read_text())
                data["docusign"]["retry_attempts"] = 2
                config.write_text(yaml.safe_dump(data))
                told = CliRunner().invoke(main, checked).output
                assert told.count(f"with another version of {config}: restart it") == 2, told

                server.stop()
                assert roles() == set(), "what ended says so, to other machines as well"
        finally:
            server.stop()
