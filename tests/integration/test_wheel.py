"""What is installed is complete: every module and data file of the packages is in the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "mappings", "scim", "simulator")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build from a copy: a build leaves files behind that would find their way into the next."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", target, source], check=True, capture_output=True)
    [built] = target.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages(wheel):
    wanted = {
        str(path.relative_to(ROOT))
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted - set(wheel.namelist()) == set()


@pytest.mark.slow
def test_the_wheel_has_mappings_migrations_and_the_command(wheel):
    names = wheel.namelist()
    assert {"mappings/user.yaml", "mappings/entitlements.yaml"} <= set(names)
    assert any(name.startswith("connector/store/migrations/versions/0") for name in names)
    [entry_points] = [name for name in names if name.endswith("entry_points.txt")]
    assert "docusign-iga = connector.cli:main" in wheel.read(entry_points).decode()
    assert not any(name.startswith("tests/") for name in names)
