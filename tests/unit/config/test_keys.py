"""A private key that cannot be used: the problem is named, the key never shown."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from marshmallow import ValidationError

from connector.config.keys import check_private_key


def complaint(text):
    with pytest.raises(ValidationError) as caught:
        check_private_key(text)
    return caught.value.messages[0]


def private(key, form=PrivateFormat.TraditionalOpenSSL, encryption=None):
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_both_pem_forms_are_good(rsa_key, form):
    check_private_key(private(rsa_key, form))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda pem: "", "is empty"),
        (lambda pem: pem.replace("\n", "\r\n"), "CRLF"),
        (lambda pem: pem[:400], "is cut off"),
        (lambda pem: pem.replace("\n", "\\n"), "characters \\n"),
        (lambda pem: pem.replace("\n", " "), "lost its line breaks"),
        (lambda pem: "MIIEpAIBAAKCAQEA", "not in PEM form"),
        (lambda pem: pem[:200] + pem[300:], "damaged or cut off"),
    ],
)
def test_damage_is_named(pem, spoil, expected):
    found = complaint(spoil(pem))
    assert expected in found
    assert pem.splitlines()[1][:20] not in found


def test_the_public_key_is_recognised(rsa_key):
    public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert "is the public key" in complaint(public.decode())


@pytest.mark.parametrize("form", [PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8])
def test_an_encrypted_key_is_recognised(rsa_key, form):
    assert "passphrase" in complaint(private(rsa_key, form, BestAvailableEncryption(b"x")))


def test_other_kinds_of_keys_are_refused():
    assert "not an RSA key" in complaint(private(ec.generate_private_key(ec.SECP256R1())))


def test_short_keys_are_refused():
    short = rsa.generate_private_key(65537, 1024)
    assert "1024 bits" in complaint(private(short))
