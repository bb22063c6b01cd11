"""What the store keeps of credentials: SHA-256, in the one form that is compared."""

from __future__ import annotations

import hashlib
import re

from connector.domain.authentication.api_clients import Method
from connector.errors import InvalidRequestError

_FINGERPRINT = re.compile(r"[0-9a-f]{64}\Z")
_SUBJECT = re.compile(r"[!-~]{1,255}\Z")


def hash_token(token: str) -> str:
    """Return what the store keeps of a token: its SHA-256 in hexadecimal."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def hash_secret(method: Method, client_id: str, secret: str) -> str:
    """Return what the store keeps of a secret, which is good for one client and one method."""
    return hash_token(f"{method}\0{client_id}\0{secret}")


def fingerprint(text: str) -> str | None:
    """Return a SHA-256 fingerprint as 64 hexadecimal digits, or None where it is none."""
    digits = text.replace(":", "").strip().lower()
    return digits if _FINGERPRINT.match(digits) else None


def bound_form(method: Method, bound_to: str) -> str:
    """Return what a client of this method is bound to, in the one form that is compared.

    :raises InvalidRequestError: it is none, or the method's secrets are of our making.
    """
    if method is Method.MTLS:
        found = fingerprint(bound_to)
        if found is None:
            raise InvalidRequestError("Give the certificate's SHA-256 fingerprint: 64 hex digits.")
        return found
    if method is Method.JWT:
        if not _SUBJECT.match(bound_to):
            raise InvalidRequestError("Give the application's id at the identity provider.")
        return bound_to
    if bound_to:
        raise InvalidRequestError(f"A client of method {method} gets a secret of our making.")
    return ""


def stored_hash(method: Method, client_id: str, text: str) -> str:
    """Return what the store keeps of a credential of this method."""
    if method in (Method.JWT, Method.MTLS):
        return hash_secret(method, "", text)
    if method in (Method.BASIC, Method.OAUTH):
        return hash_secret(method, client_id, text)
    return hash_token(text)
