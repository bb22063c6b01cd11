"""``docusign-iga key``: the RSA key pair with which the connector shows DocuSign who it is."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from connector.cli.context import CommandContext, handle_errors, tenant_options
from connector.cli.groups import Commands
from connector.errors import PermanentError
from connector.settings import Secret

_BITS = 2048
"""What DocuSign itself generates."""
_ENCRYPTION_BYTES = 32
_STEPS = """\
Now, in this order; nothing stops working in between:
  1. At DocuSign, under Apps and Keys, open the app and add the public key above with "Upload RSA".
     The app then has two key pairs.
  2. In the configuration, give the key that is used now as docusign.previous_private_key_file, and
     docusign.private_key_file: {path}
  3. Restart `serve`, then run `docusign-iga doctor`: it says whether DocuSign accepts the new key.
  4. Remove docusign.previous_private_key_file, and the old pair at DocuSign."""
_OUTPUT = click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file for the private key; it must not exist yet.",
)


@click.group(cls=Commands)
def key() -> None:
    """Make, show and replace the RSA key pair of the integration key; make a key for secrets."""


@key.command()
def encryption() -> None:
    """Make a key for secrets in the database, and print it.

    Give it as database.encryption_key, best through an environment variable or a file, and keep it
    apart from the database and its backups. To replace it, name the old one as
    database.previous_encryption_key, restart, then let `tenant reseal` seal everything anew.

    \b
    Example:
      docusign-iga key encryption > secrets/encryption-key
    """
    click.echo(secrets.token_urlsafe(_ENCRYPTION_BYTES))


@key.command()
@_OUTPUT
@handle_errors
def generate(output: Path) -> None:
    """Make a key pair: the private key into a file, the public key on the screen.

    Register the public key at DocuSign (Apps and Keys, the app, "Upload RSA"), and name the file in
    docusign.private_key_file. Only its owner can read it.

    \b
    Example:
      docusign-iga key generate --output secrets/docusign-private-key.pem
    """
    click.echo(_generate(output), nl=False)
    click.echo(f"The private key is in {output}. Register the public key at DocuSign.", err=True)


@key.command()
@_OUTPUT
@handle_errors
def rotate(output: Path) -> None:
    """Make the pair that replaces the one in use, and say how to change over without a gap.

    \b
    Example:
      docusign-iga key rotate --output secrets/docusign-private-key-2027.pem
    """
    click.echo(_generate(output), nl=False)
    click.echo(_STEPS.format(path=output), err=True)


@key.command()
@tenant_options
@handle_errors
def show(context: CommandContext) -> None:
    """Show the public half of each configured key, with its fingerprint.

    DocuSign is not asked: `docusign-iga doctor` tells which key it accepts.

    \b
    Example:
      docusign-iga key show
    """
    docusign = context.settings.docusign
    named = {
        "private_key": docusign.private_key,
        "previous_private_key": docusign.previous_private_key,
    }
    shown = {name: _public(secret) for name, secret in named.items() if secret}
    lines = [
        f"docusign.{name}\nSHA-256 {fingerprint}\n{pem}"
        for name, (pem, fingerprint) in shown.items()
    ]
    data = {
        name: {"public_key": pem, "sha256": fingerprint}
        for name, (pem, fingerprint) in shown.items()
    }
    context.output(data, "\n".join(lines).rstrip())


def _generate(path: Path) -> str:
    """Write a new private key to a file that nobody else can read; return the public half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise PermanentError(
            f"{path} exists. It may be the only copy of a key: choose another name."
        ) from error
    except OSError as error:
        raise PermanentError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    return _public(Secret(pem.decode()))[0]


def _public(secret: Secret) -> tuple[str, str]:
    """Return the public half in PEM form and the SHA-256 of its DER form."""
    public = load_pem_private_key(secret.reveal().encode(), password=None).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return pem, hashlib.sha256(der).hexdigest()
