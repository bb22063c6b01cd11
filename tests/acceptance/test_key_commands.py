"""``docusign-iga key``: pairs are made, shown, and replaced without a gap."""

import json
import stat
from dataclasses import replace

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from connector.bootstrap import build
from connector.cli import main
from connector.cli.context import CommandContext
from connector.config.keys import private_key_problem
from connector.settings import Secret


def run(*arguments):
    return CliRunner().invoke(main, ["key", *map(str, arguments)])


def public_of(pem):
    key = load_pem_private_key(pem.encode(), None).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_generated_key_can_be_configured_and_its_public_half_is_shown(tmp_path):
    path = tmp_path / "key.pem"
    result = run("generate", "--output", path)
    assert result.exit_code == 0, result.output
    pem = path.read_text()
    assert private_key_problem(pem) is None
    assert result.stdout == public_of(pem)
    assert "PRIVATE" not in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("command", ["generate", "rotate"])
def test_a_key_is_never_overwritten(tmp_path, command):
    path = tmp_path / "key.pem"
    path.write_text("precious")
    result = run(command, "--output", path)
    assert result.exit_code == 1
    assert "choose another name" in result.output
    assert path.read_text() == "precious"


def test_the_directory_of_a_key_is_made_for_its_owner_alone(tmp_path):
    path = tmp_path / "secrets" / "key.pem"
    assert run("generate", "--output", path).exit_code == 0
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_key_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    result = run("generate", "--output", tmp_path / "file" / "key.pem")
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def rotated(connector, tmp_path, monkeypatch):
    """Return a connector in the midst of a rotation, and its new private key."""
    path = tmp_path / "new.pem"
    result = run("rotate", "--output", path)
    assert "previous_private_key_file" in result.output
    old, new = connector.application.settings.docusign.private_key, Secret(path.read_text())
    settings = connector.application.settings
    docusign = replace(settings.docusign, private_key=new, previous_private_key=old)
    settings = replace(settings, docusign=docusign)
    application = build(settings, clock=connector.clock, session=connector.world.session())
    monkeypatch.setattr(CommandContext, "settings", settings)
    return application, new.reveal()


def warnings(application):
    findings = application.tenant("default").doctor.examine().findings
    return [item.problem.code for item in findings if item.problem]


def test_the_key_before_is_used_until_docusign_knows_the_new_one(connector, tmp_path, monkeypatch):
    application, new = rotated(connector, tmp_path, monkeypatch)
    try:
        application.tenant("default").aggregation.sync()
        assert warnings(application) == ["new_key_not_registered"]

        registered = next(iter(connector.world.state.applications.by_key.values()))
        registered.public_key_pem = public_of(new)
        assert warnings(application) == ["old_key_configured"]
    finally:
        application.close()


def test_both_public_keys_are_shown_in_a_rotation(connector, tmp_path, monkeypatch):
    application, new = rotated(connector, tmp_path, monkeypatch)
    application.close()
    result = run("show", "--json")
    shown = json.loads(result.stdout[result.stdout.index("{\n") :])
    assert shown["private_key"]["public_key"] == public_of(new)
    assert set(shown) == {"private_key", "previous_private_key"}
    assert "PRIVATE" not in result.output
