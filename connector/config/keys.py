"""Says what exactly is wrong with a private key, without ever showing it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from marshmallow import ValidationError

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_END = re.compile(r"-----END ([A-Z0-9 ]+)-----")
_MIN_BITS = 2048
"""DocuSign generates 2,048-bit keys; shorter ones are not safe for RS256 (RFC 7518 §3.3)."""


def check_private_key(text: str) -> None:
    """Check that *text* is an RSA private key in PEM form.

    :raises ValidationError: naming the problem and the remedy.
    """
    problem = private_key_problem(text)
    if problem:
        raise ValidationError(problem)


def private_key_problem(text: str) -> str | None:
    """Return what is wrong with a private key, to follow "the key", or None."""
    return next(_form_problems(text), None) or _content_problem(text)


def public_fingerprint(text: str) -> str:
    """Return the SHA-256 of the public half in DER form, empty where the key cannot be read."""
    try:
        public = load_pem_private_key(text.strip().encode(), password=None).public_key()
    except (ValueError, TypeError, UnicodeEncodeError):
        return ""
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _form_problems(text: str) -> Iterator[str]:
    begin, end = _BEGIN.search(text), _END.search(text)
    label = begin.group(1) if begin else ""
    if not text.strip():
        yield "is empty; paste the private key that DocuSign showed with the integration key"
    if "\r" in text:
        yield "has Windows line endings (CRLF); convert the file, for example with dos2unix"
    if not label:
        yield "is not in PEM form; it must start with -----BEGIN [RSA] PRIVATE KEY-----"
    if "PUBLIC" in label:
        yield "is the public key; the private one of the pair is needed"
    if "CERTIFICATE" in label:
        yield "is a certificate; an RSA private key is needed"
    if "ENCRYPTED" in label or "Proc-Type: 4,ENCRYPTED" in text:
        yield "is encrypted with a passphrase; decrypt it, for example with openssl rsa"
    if end is None or end.group(1) != label:
        yield f"is cut off: the line -----END {label}----- is missing"
    if "\\n" in text:
        yield "has the characters \\n where lines should end; write it with real line breaks"
    if "\n" not in text.strip():
        yield "has lost its line breaks; write it as a block (|) or use private_key_file"


def _content_problem(text: str) -> str | None:
    try:
        key = load_pem_private_key(text.strip().encode(), password=None)
    except (ValueError, TypeError, UnicodeEncodeError):
        # The library's own words could repeat parts of the key.
        return "cannot be read: the text between its first and last line is damaged or cut off"
    if not isinstance(key, RSAPrivateKey):
        return "is not an RSA key; DocuSign accepts RS256 only"
    if key.key_size < _MIN_BITS:
        return f"has {key.key_size} bits; at least {_MIN_BITS} are needed"
    return None
