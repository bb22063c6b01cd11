"""Events of the append-only, hash-chained record, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

SHELL_OF = "shell of "
"""How the address begins in an event of somebody who acted from a shell: its user follows."""


@dataclass(frozen=True)
class Seal:
    """What the chain binds of an event, and what opens the rest of it (:mod:`.chain`)."""

    actor: str
    """The actor, or of a person the pseudonym."""
    actor_salt: str
    """What proves whose pseudonym it is; empty where it is none, or where the name was erased."""
    data: Mapping[str, Any]
    """What names no person."""
    personal_digest: str = ""
    """Of the rest of the data; empty where there is none."""
    personal: Mapping[str, Any] | None = None
    """The rest of the data; None where there is none, or where it was erased."""
    salt: str = ""
    """What the digest was made with."""


@dataclass(frozen=True)
class AuditEvent:
    """One fact of the append-only, hash-chained record."""

    at: datetime
    actor: str
    action: str
    """``plan.recorded``, ``operation.done``, ``work_item.opened`` ..."""
    subject: str
    correlation_id: str
    data: Mapping[str, Any] = field(default_factory=dict)
    sequence: int = 0
    previous_hash: str = ""
    hash: str = ""
    seal: Seal | None = None
    """None for one that is not appended yet."""

    @property
    def is_erased(self) -> bool:
        """Whether what it said of a person was erased."""
        seal = self.seal
        return seal is not None and bool(seal.personal_digest) and seal.personal is None


@dataclass(frozen=True)
class AuditHead:
    """Where a chain ends: whoever keeps it elsewhere proves what came before."""

    sequence: int
    hash: str


@dataclass(frozen=True)
class AuditFilter:
    """Which events are asked for; everything given has to hold."""

    subjects: tuple[str, ...] = ()
    """SCIM ids; none: any."""
    people: tuple[str, ...] = ()
    """User ids: what is about one of them, or names one, such as a change of a group's members."""
    with_requests: bool = False
    """Beside *people* also what led to it: the requests, and what is about nobody in them."""
    correlation_ids: tuple[str, ...] = ()
    """Events of these requests and job runs; none: any."""
    request: str = ""
    """Correlation id of the request or job run."""
    actor: str = ""
    """As it is shown, or the beginning of it that ends with ``*``."""
    action: str = ""
    """Such as ``plan.recorded``, or a beginning that ends with ``*``: ``plan.*``."""
    since: datetime | None = None
    until: datetime | None = None
    """Exclusive."""
