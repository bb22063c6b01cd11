"""A small valid configuration and keys of every kind."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@pytest.fixture(scope="session")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def pem(rsa_key):
    return rsa_key.private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    ).decode()


@pytest.fixture
def data(pem):
    """The least that must be given."""
    return {
        "docusign": {
            "integration_key": "00000000-0000-4000-8000-00000000000f",
            "private_key": pem,
        },
        "tenants": {
            "default": {
                "user_id": "00000000-0000-4000-8000-000000000001",
                "accounts": [
                    {"account_id": "00000000-0000-4000-8000-0000000000a1", "alias": "main"}
                ],
            }
        },
    }
