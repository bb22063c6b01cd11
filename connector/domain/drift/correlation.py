"""Whose a DocuSign user is. Pure.

The key of a person is DocuSign's own user id; everything here only finds candidates for people to
confirm, or tells that somebody answers for a user already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connector.domain.model import User, fold


@dataclass(frozen=True)
class Identity:
    """A person as somebody else knows them: a client, an earlier user, a line of a file."""

    identity_id: str
    """What it is called where it comes from: an external id, a user id, a number of a line."""
    user_id: str = ""
    external_id: str = ""
    employee_number: str = ""
    email: str = ""
    name: str = ""


@dataclass(frozen=True)
class Match:
    """Whose a user is, and which rule says so."""

    rule: str
    identity: Identity


@dataclass(frozen=True)
class Known:
    """What the ledger knows of a user beside DocuSign's data."""

    external_ids: Mapping[str, str] = field(default_factory=dict)
    employee_number: str = ""


def owner_of(known: Known, rules: Sequence[str]) -> str:
    """Return the first rule by which somebody answers for a user already; empty for an orphan."""
    held = {"external_id": bool(known.external_ids), "employee_number": bool(known.employee_number)}
    return next((rule for rule in rules if held.get(rule)), "")


def correlate(
    user: User, identities: Iterable[Identity], rules: Sequence[str], known: Known | None = None
) -> Match | None:
    """Return whose a user is: by the user id where it is given, else by the first rule that finds
    exactly one. A rule that finds several finds nobody."""
    candidates = list(identities)
    exact = [item for item in candidates if item.user_id and item.user_id == user.user_id]
    if exact:
        return Match("user_id", exact[0]) if len(exact) == 1 else None
    known = known or Known()
    values = {
        "external_id": frozenset(known.external_ids.values()),
        "employee_number": frozenset({known.employee_number}),
        "email": frozenset({user.email_key}),
        "name": frozenset({fold(user.user_name)}),
    }
    for rule in rules:
        found = [item for item in candidates if (v := _value(item, rule)) and v in values[rule]]
        if len(found) == 1:
            return Match(rule, found[0])
    return None


def _value(identity: Identity, rule: str) -> str:
    value: str = getattr(identity, rule)
    return fold(value) if rule in ("email", "name") else value
