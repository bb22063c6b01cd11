"""Commands with a configuration of their own, run in this process."""

import pytest
import yaml
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connector.cli.main import main


@pytest.fixture(scope="module")
def pem():
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def config_file(tmp_path, pem):
    data = {
        "database": {"url": f"sqlite:///{tmp_path}/connector.db"},
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key": pem,
        },
        "tenants": {
            "default": {
                "user_id": "00000000-0000-4000-8000-000000000001",
                "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a1"}],
            }
        },
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.fixture
def run(config_file):
    def run(*arguments, config=config_file):
        return CliRunner().invoke(main, [*arguments, "--config", str(config)])

    return run
