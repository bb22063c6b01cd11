"""Writes into the audit that the configuration is another one than at the last start."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from connector.domain.audit.chain import canonical
from connector.services.context import Actor, TenantContext

_FACT = "configuration"
_SHOWN = 3
"""Hexadecimal digits of a secret's fingerprint: enough to see a change, too few to guess by."""

Flat = Mapping[str, Any]
"""Values by the path of their setting."""


def record_configuration(
    context: TenantContext, actor: Actor, describe: Callable[[Callable[[str], str]], Flat]
) -> bool:
    """Compare the settings with those of the last start; return whether they differ.

    :param describe: returns the settings, each secret as the given function shows it.
    """
    with context.read() as uow:
        last = uow.facts().get(_FACT) or {}
    # Most starts find nothing new: they wait for no turn to write.
    if last and _digest(_described(describe, last["key"])) == last["digest"]:
        return False
    with context.write() as uow:
        last = uow.facts().get(_FACT) or {}
        key = last.get("key") or secrets.token_hex(16)
        values = _described(describe, key)
        digest = _digest(values)
        if last.get("digest") == digest:
            return False
        known = last.get("values") or {}
        changed = sorted(path for path in {*known, *values} if known.get(path) != values.get(path))
        uow.put_fact(_FACT, {"key": key, "digest": digest, "values": values})
        context.audit(
            uow,
            actor,
            "configuration.changed",
            "",
            digest=digest,
            previous=last.get("digest", ""),
            settings=changed if last else [],
            values={path: [known.get(path), values.get(path)] for path in changed if last},
        )
        uow.commit()
    return True


def _described(describe: Callable[[Callable[[str], str]], Flat], key: str) -> dict[str, Any]:
    return dict(describe(lambda secret: _fingerprint(key, secret)))


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(values).encode()).hexdigest()


def _fingerprint(key: str, secret: str) -> str:
    return "secret-" + hmac.new(key.encode(), secret.encode(), hashlib.sha256).hexdigest()[:_SHOWN]
