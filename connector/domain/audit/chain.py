"""The hash chain of audit events: what it binds, and how personal data stays erasable.

Each event is bound to the one before by SHA-256 over canonical JSON. What names a person is not in
that JSON itself: the chain holds a salted digest of it, and a pseudonym of a person who acts. The
salt and the text are kept beside the chain, so that they can be erased and the chain still holds;
as long as they are there, altering them breaks it (ADR 10).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.audit.events import AuditEvent, AuditHead, Seal

PERSON = "user:"
"""How actors begin who are people."""
PSEUDONYM = "person:"
"""How what stands for a person begins, here and wherever they were erased."""
ERASED = "audit.erased"
"""The action that names, in ``events`` and ``actors``, what was erased."""

_COUNTS = "counts"
"""Numbers by name, which are kept as they are."""
# fmt: off
_NEUTRAL = frozenset({
    "account", "account_id", "accounts", "action", "activation", "actors", "attempts",
    "attestation", "auto_activate", "changed", "channel", "checksum", "class", "code", "count",
    "counts", "decision", "delivery", "digest", "direction", "due_at", "duration_ms",
    "entitlement", "entitlements", "error_code", "event", "events", "expires_at", "finding",
    "findings", "remedy", "total", "users", "admins",
    "fulfilment", "group_id", "group_ids", "hash", "item", "job", "kind", "level", "manual",
    "matches", "method", "operation", "operation_id", "operations", "organization_admin", "path",
    "plan", "policy", "position", "predecessors", "previous", "previous_profile_id", "profile_id",
    "reopen", "restorable", "result", "role", "role_id", "rule", "run", "scopes", "sequence",
    "settings", "site_id", "source", "state", "status", "step", "strip", "target", "template",
    "tenant", "trace_token", "type", "unasked", "user_id", "user_ids", "verification", "verifier",
    "version", "waits", "was", "work_item",
})
# fmt: on
"""Names whose values say nothing of a person beyond DocuSign's and our own identifiers. Everything
else counts as personal, so that a new name errs on the safe side."""

_OPERATIONS, _OPERATION = "operations", "operation"
_MEMBERS = "user_ids"
_PEOPLE = ("user_id", "to_user_id", _MEMBERS)
"""Names whose values are the ids of users, at whatever depth."""

_WRITTEN = ("reason", "comment")
"""Names whose values somebody, or DocuSign, wrote: they may name anybody."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def canonical(value: Any) -> str:
    """Return canonical JSON: sorted keys, no spaces, ASCII. Sets become sorted lists."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_plain
    )


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")


def split(data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what names no person, and the rest in the same shape."""
    neutral: dict[str, Any] = {}
    personal: dict[str, Any] = {}
    for name, value in data.items():
        if name not in _NEUTRAL:
            personal[name] = value
            continue
        if name == _COUNTS:
            neutral[name] = value
            continue
        neutral[name], rest = _split_value(value)
        if rest:
            personal[name] = rest
    return neutral, personal


def _split_value(value: Any) -> tuple[Any, Any]:
    if isinstance(value, Mapping):
        return split(value)
    if isinstance(value, list | tuple):
        parts = [_split_value(item) for item in value]
        rest = {str(place): part[1] for place, part in enumerate(parts) if part[1]}
        return [part[0] for part in parts], rest
    return value, None


def merge(neutral: Any, personal: Any) -> Any:
    """Return what :func:`split` took apart."""
    if isinstance(neutral, list) and isinstance(personal, Mapping):
        return [merge(item, personal.get(str(place))) for place, item in enumerate(neutral)]
    if isinstance(neutral, Mapping) and isinstance(personal, Mapping):
        merged = {name: merge(value, personal.get(name)) for name, value in neutral.items()}
        return {**merged, **{name: personal[name] for name in personal if name not in neutral}}
    return neutral


@dataclass(frozen=True)
class Pseudonym:
    """What stands for a person who acts."""

    pseudonym: str
    name: str
    salt: str

    @classmethod
    def of(cls, name: str, salt: str = "") -> Pseudonym:
        """Return the pseudonym that a salt, or a new one, makes of a name."""
        salt = salt or secrets.token_hex(16)
        return cls(PSEUDONYM + digest(salt, name)[:40], name, salt)


def named_people(data: Any) -> frozenset[str]:
    """Return the ids of the users whom the data of an event name."""
    if isinstance(data, list | tuple):
        return frozenset[str]().union(*map(named_people, data))
    if not isinstance(data, Mapping):
        return frozenset()
    found: set[str] = set()
    for name, value in data.items():
        if name in _PEOPLE:
            found.update([value] if isinstance(value, str) else value or ())
        else:
            found |= named_people(value)
    return frozenset(found - {""})


def told_steps(event: AuditEvent, people: Collection[str] = ()) -> Sequence[Mapping[str, Any]]:
    """Return the operations that an event tells of.

    :param people: user ids. Of an event that is about somebody else, such as a group, only the
        operations are returned that name one of them, and these users come first in them.
    """
    given = (*(event.data.get(_OPERATIONS) or ()), event.data.get(_OPERATION))
    steps = [step for step in given if isinstance(step, Mapping)]
    if not people or event.subject in people:
        return steps
    if not event.subject:  # Who was to be created had no id yet, and is named by nothing.
        of_them = set(people)
        return [
            _with_first(step, people)
            for step in steps
            if not (named := named_people(step)) or named & of_them
        ]
    return [_with_first(step, people) for step in steps if named_people(step) & set(people)]


def _with_first(step: Mapping[str, Any], people: Collection[str]) -> Mapping[str, Any]:
    members = step.get(_MEMBERS)
    if not isinstance(members, list | tuple):
        return step
    return {**step, _MEMBERS: sorted(members, key=lambda user_id: user_id not in people)}


def data_about(event: AuditEvent, people: Collection[str]) -> Mapping[str, Any]:
    """Return what an event says, for the history of some users: where it is about somebody else,
    such as a group, its lists of users name these alone, with how many there are as
    ``user_count``, and what was written of all of them (``reason``, ``comment``) is left out."""
    if not people or event.subject in people:
        return event.data
    told: Mapping[str, Any] = _about(event.data, people)
    if not event.subject and named_people(event.data) <= set(people):
        return told  # Who was to be created had no id yet: it is about nobody else.
    return {name: value for name, value in told.items() if name not in _WRITTEN}


def _about(value: Any, people: Collection[str]) -> Any:
    if isinstance(value, list | tuple):
        return [_about(item, people) for item in value]
    if not isinstance(value, Mapping):
        return value
    told = {name: _about(item, people) for name, item in value.items()}
    members = value.get(_MEMBERS)
    if isinstance(members, list | tuple):
        told[_MEMBERS] = [user_id for user_id in members if user_id in people]
        told["user_count"] = len(members)
    return told


def sealed(event: AuditEvent, previous: AuditHead, stands_in: Pseudonym | None) -> AuditEvent:
    """Return the event as the next one of the chain.

    :param stands_in: for the actor, where that is a person.
    """
    # Through JSON, so that it equals what will be read.
    neutral, personal = split(json.loads(canonical(event.data)))
    salt = secrets.token_hex(16) if personal else ""
    seal = Seal(
        actor=stands_in.pseudonym if stands_in else event.actor,
        actor_salt=stands_in.salt if stands_in else "",
        data=neutral,
        personal_digest=digest(salt, canonical(personal)) if personal else "",
        personal=personal or None,
        salt=salt,
    )
    event = replace(
        event,
        data=merge(neutral, personal),
        sequence=previous.sequence + 1,
        previous_hash=previous.hash,
        seal=seal,
    )
    return replace(event, hash=event_hash(event))


def digest(salt: str, text: str) -> str:
    """Return SHA-256 over a salt and a text, in hexadecimal."""
    return hashlib.sha256(f"{salt}:{text}".encode()).hexdigest()


def event_hash(event: AuditEvent) -> str:
    """Return SHA-256 over the previous hash and what the chain binds of the event."""
    seal = event.seal or Seal(event.actor, "", event.data)
    content: dict[str, Any] = {
        "sequence": event.sequence,
        "at": (event.at - _EPOCH) // timedelta(microseconds=1),
        "actor": seal.actor,
        "action": event.action,
        "subject": event.subject,
        "correlation_id": event.correlation_id,
        "data": seal.data,
    }
    if seal.personal_digest:
        content["personal"] = seal.personal_digest
    return hashlib.sha256((event.previous_hash + canonical(content)).encode()).hexdigest()


@dataclass(frozen=True)
class Break:
    """Where a chain does not hold, and how one sees it."""

    sequence: int
    reason: str


_ANEW = "an anchor knows it with another hash: the chain was written anew"
_ALTERED = "its content was altered"


def _cut_off(anchored: int) -> str:
    return f"an anchor knows event {anchored}: events at the end were deleted"


def break_at_anchor(
    anchor: AuditHead, head: AuditHead, anchored: AuditEvent | None
) -> Break | None:
    """Return where a chain is not the one that an anchor knows; None where it is. Without a walk:
    the hash of an event binds all that came before it, so that who writes one of them anew has to
    write this one too.

    :param head: where the chain ends.
    :param anchored: the event that has the anchor's number, if there is one.
    """
    if anchor.sequence > head.sequence:
        return Break(head.sequence + 1, _cut_off(anchor.sequence))
    if anchored is None:
        return Break(anchor.sequence, "an anchor knows it, and it is missing")
    if anchored.hash != anchor.hash:
        return Break(anchor.sequence, _ANEW)
    return None if event_hash(anchored) == anchor.hash else Break(anchor.sequence, _ALTERED)


@dataclass
class ChainCheck:
    """Walks a chain, event by event; :attr:`broken` is its first broken link."""

    anchors: Mapping[int, str] = field(default_factory=dict)
    """Hashes by sequence, as they were noted elsewhere."""
    last: AuditHead = field(default_factory=lambda: AuditHead(0, ""))
    """The event before the next one."""
    broken: Break | None = None
    count: int = 0
    _unexplained: dict[int | str, int] = field(default_factory=dict)
    """Events without their personal part and pseudonyms without a name, each with the first event
    that shows it, as long as no recorded erasure explains it."""

    def take(self, event: AuditEvent) -> None:
        """Check one more event."""
        self.count += 1
        if self.broken is None and (reason := self._fault(event)):
            self.broken = Break(event.sequence, reason)
        self.last = AuditHead(event.sequence, event.hash)
        if event.is_erased:
            self._unexplained[event.sequence] = event.sequence
        if event.actor.startswith(PSEUDONYM):
            self._unexplained.setdefault(event.actor, event.sequence)
        if event.action == ERASED:
            for erased in (*event.data.get("events", ()), *event.data.get("actors", ())):
                self._unexplained.pop(erased, None)

    def finish(self, head: AuditHead) -> Break | None:
        """Return the first broken link once all events were taken.

        :param head: what the database says of the chain's end.
        """
        if self.broken is not None:
            return self.broken
        after = self.last.sequence + 1
        if self.last != head:
            reason = f"the chain ends at {self.last.sequence}, but its head says {head.sequence}"
            return Break(
                after, f"{reason}: events at the end were deleted, or the head was altered"
            )
        known = max(self.anchors, default=0)
        if known > self.last.sequence:
            return Break(after, _cut_off(known))
        if self._unexplained:
            first = min(self._unexplained.values())
            return Break(first, "its personal data is gone, and no erasure is recorded")
        return None

    def _fault(self, event: AuditEvent) -> str:
        """Return what is wrong with an event, nothing where all is well."""
        if event.sequence != self.last.sequence + 1:
            return f"it follows {self.last.sequence}: events are missing or out of order"
        if event.previous_hash != self.last.hash:
            return "it does not continue the event before, which was altered or exchanged"
        if event.hash != event_hash(event):
            return _ALTERED
        if not _opens(event):
            return "its personal data was altered"
        if self.anchors.get(event.sequence, event.hash) != event.hash:
            return _ANEW
        return ""


def _opens(event: AuditEvent) -> bool:
    """Whether what is kept beside the chain is what the chain's digests were made of."""
    seal = event.seal
    if seal is None:
        return True
    # Whatever name is shown for the actor has to open the pseudonym; nobody but a person has one.
    if event.actor != seal.actor and not (
        seal.actor_salt and Pseudonym.of(event.actor, seal.actor_salt).pseudonym == seal.actor
    ):
        return False
    if seal.personal is None:
        return True
    return digest(seal.salt, canonical(seal.personal)) == seal.personal_digest


def find_break(events: Iterable[AuditEvent], previous: AuditEvent | None = None) -> int | None:
    """Return the sequence of the first event that was altered or follows a missing one.

    :param previous: the event before the first one given, when the walk is done in parts.
    """
    check = ChainCheck()
    if previous is not None:
        check.last = AuditHead(previous.sequence, previous.hash)
    for event in events:
        check.take(event)
    return check.broken.sequence if check.broken else None
