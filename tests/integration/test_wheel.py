"""What is installed is complete: every module and data file of the packages is in the wheel, and
what the wheel installs works where there is nothing else of the project."""

import os
import shutil
import sqlite3
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PACKAGES = ("connector", "mappings", "scim", "simulator")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build from a copy: a build leaves files behind that would find their way into the next."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, source)
    for name in (*PACKAGES, "docs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", target, source], check=True, capture_output=True)
    [built] = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def wheel(built):
    with zipfile.ZipFile(built) as archive:
        yield archive


class Installed:
    """The installed wheel beside its dependencies, in a directory of its own."""

    def __init__(self, code: Path, home: Path) -> None:
        self.code = code
        self.home = home

    def python(self, *arguments: str) -> str:
        """Run Python and return what it prints. Without ``site`` no path file of the tests' own
        environment leads to the sources."""
        paths = [str(self.code), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        done = subprocess.run(
            [sys.executable, "-S", *arguments],
            cwd=self.home,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths)},
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self, *arguments: str) -> str:
        """Run the command and return what it prints."""
        return self.python(str(self.code / "bin" / "docusign-iga"), *arguments)


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    code, home = tmp_path_factory.mktemp("installed"), tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--target", code]
    subprocess.run([*command, built], check=True, capture_output=True)
    installed = Installed(code, home)
    installed.run("key", "generate", "--output", "key.pem")
    settings = {
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key_file": "key.pem",
        },
        "database": {"url": f"sqlite:///{home}/connector.db"},
        "tenants": {
            "default": {
                "user_id": "00000000-0000-4000-8000-000000000001",
                "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a1"}],
            }
        },
    }
    (home / "config.yaml").write_text(yaml.safe_dump(settings))
    return installed


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


@pytest.mark.slow
def test_nothing_of_the_sources_is_in_reach(installed):
    names = ", ".join(PACKAGES)
    script = f"import {names}\nprint(*(one.__file__ for one in ({names})))"
    files = installed.python("-c", script).split()
    assert len(files) == len(PACKAGES)
    assert all(Path(file).is_relative_to(installed.code) for file in files)


@pytest.mark.slow
def test_the_command_explains_itself(installed):
    told = installed.run("--help")
    assert "config" in told
    assert "Govern DocuSign" in told
    assert installed.run("--version").startswith("docusign-iga, version ")


@pytest.mark.slow
def test_the_configuration_is_checked_and_the_example_printed(installed):
    assert "config.yaml" in installed.run("config", "check")
    assert installed.run("config", "example") == (ROOT / "config.example.yaml").read_text("utf-8")


@pytest.mark.slow
def test_a_database_is_made_by_the_migrations(installed):
    installed.run("db", "upgrade")
    newest = max(path.name for path in (ROOT / "connector/store/migrations/versions").glob("0*.py"))
    with sqlite3.connect(installed.home / "connector.db") as database:
        [(revision,)] = database.execute("SELECT version_num FROM alembic_version")
    database.close()
    assert newest.startswith(revision)


@pytest.mark.slow
def test_a_user_is_translated(installed):
    script = (
        "from mappings import load_entitlements, load_user_mapping, to_directory\n"
        "user = {'userName': 'ann@example.net', 'name': {'familyName': 'Lee'}}\n"
        "print(to_directory(user, load_user_mapping()), load_entitlements())\n"
    )
    told = installed.python("-c", script)
    assert "ann@example.net" in told
    assert "Lee" in told


@pytest.mark.slow
@pytest.mark.parametrize("product", ["identityiq", "okta"])
def test_a_product_gets_its_document(installed, product):
    assert "REPLACE-WITH-TOKEN" in installed.run("export", product)


@pytest.mark.slow
def test_scim_console_and_rest_api_answer(installed):
    script = (
        "from pathlib import Path\n"
        "from connector.app import create_app\n"
        "from connector.bootstrap import build\n"
        "from connector.config import load_settings\n"
        "application = build(load_settings(Path('config.yaml')))\n"
        "http = create_app(application).test_client()\n"
        "for path in ('/scim/v2/ServiceProviderConfig', '/console/', '/api/v1/openapi.json'):\n"
        "    print(path, http.get(path, follow_redirects=True).status_code)\n"
        "application.close()\n"
    )
    told = installed.python("-c", script)
    assert [line.split()[-1] for line in told.splitlines()] == ["200"] * 3


@pytest.mark.slow
def test_the_manual_comes_along(installed):
    for name in ("operations", "guides/okta", "adr/README"):
        assert installed.run("docs", name) == (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert len(installed.run("docs").splitlines()) == len(list((ROOT / "docs").rglob("*.md")))
