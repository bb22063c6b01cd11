"""``docusign-iga export``: a document on standard output or in a file, and what to do next."""

import json
import xml.etree.ElementTree as ET

import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.cli.main import main
from connector.exports import PRODUCTS


@pytest.fixture(scope="module")
def config_file(tmp_path_factory):
    key = rsa.generate_private_key(65537, 2048)
    account = {"account_id": "00000000-0000-4000-8000-0000000000a1"}
    tenant = {"user_id": "00000000-0000-4000-8000-000000000001", "accounts": [account]}
    acme = {
        **tenant,
        "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000b1"}],
        "scim": {"show_as_groups": ["profiles"]},
    }
    data = {
        "server": {"public_url": "https://iga.example.com"},
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key": key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
        },
        "tenants": {"default": tenant, "acme": acme},
    }
    path = tmp_path_factory.mktemp("export") / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def run(config_file):
    def run(*arguments):
        return CliRunner().invoke(main, ["export", *arguments, "--config", str(config_file)])

    return run


def test_standard_output_holds_the_document_and_nothing_else(run):
    result = run("okta")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["settings"]["Unique identifier field for users"] == "userName"


def test_the_next_step_is_told_beside_the_document(run):
    result = run("entra", "--client", "entra-production")
    assert "if the client is not added yet" in result.stderr
    assert "client add entra-production --dialect entra" in result.stderr
    assert "`docusign-iga docs entra`" in result.stderr


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("tenant", ["default", "acme"])
def test_what_would_not_reach_the_product_is_told(run, product, tenant):
    warning = f"tenants.{tenant}.scim.show_as_groups is empty"
    knows_entitlements = product in ("identityiq", "isc")
    is_shown = tenant == "acme"
    result = run(product, "--tenant", tenant)
    assert result.exit_code == 0
    assert (warning in result.stderr) == (not knows_entitlements and not is_shown)


def test_a_file_gets_the_address_of_the_tenant(run, tmp_path):
    path = tmp_path / "docusign.xml"
    result = run("identityiq", "--tenant", "acme", "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    application = ET.parse(path).getroot()
    assert application.get("name") == "DocuSign acme"
    assert "https://iga.example.com/acme/scim/v2" in path.read_text()


def test_an_unknown_tenant_is_a_message(run):
    result = run("midpoint", "--tenant", "nobody")
    assert result.exit_code == 1
    assert "There is no tenant 'nobody'" in result.stderr


def test_a_file_that_cannot_be_written_is_a_message(run, tmp_path):
    result = run("isc", "--output", str(tmp_path / "none" / "source.json"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_nothing_secret_is_written(run):
    assert "PRIVATE KEY" not in run("identityiq").output
