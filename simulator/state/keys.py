"""RSA key pairs for integration keys."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulator.state.consent import Application

SCOPES = frozenset(
    {
        "signature",
        "impersonation",
        "organization_read",
        "user_read",
        "user_write",
        "permission_read",
        "group_read",
        "domain_read",
        "identity_provider_read",
        "user_data_redact",
    }
)
"""What the seeded consent of the service user covers."""
REDIRECT_URI = "http://localhost:8080/consent/callback"
_ON_THIS_MACHINE = "http://127.0.0.1:8080/consent/callback"
"""That of a connector whose configuration says nothing of its address."""


@cache
def key_pair() -> tuple[str, str]:
    """Return a private and a public key in PEM form, made once for the process."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private_pem.decode(), public_pem.decode()


def new_application(integration_key: str, service_user_id: str) -> Application:
    """Return an integration key to which the service user has consented."""
    private_pem, public_pem = key_pair()
    return Application(
        integration_key=integration_key,
        name="Identity Connector",
        public_key_pem=public_pem,
        private_key_pem=private_pem,
        redirect_uris={REDIRECT_URI, _ON_THIS_MACHINE},
        consents={service_user_id: set(SCOPES)},
    )
