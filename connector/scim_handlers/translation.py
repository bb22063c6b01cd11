"""From a SCIM User to what a client wants of a person. No input or output."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from connector.domain.plan import Person
from connector.domain.planning import (
    LONGEST_NAME_PARTS,
    ActualUser,
    DesiredUser,
    ProfileKey,
    Statement,
    held_profiles,
    person_of,
)
from connector.domain.work_items.items import Direction
from connector.scim_handlers.schemas import REASON
from connector.services.mirror.persons import desired_person
from connector.services.mirror.presentation import DOCUSIGN_USER
from mappings import UserMapping, attribute_giving
from mappings.model import CORE_USER
from scim.errors import InvalidValue, ScimError
from scim.handlers import PatchOperation, Resource

_ADDRESS = re.compile(r"[^@\s\"<>]+@[^@\s\"<>.]+(\.[^@\s\"<>.]+)+")
_LONGEST_ADDRESS = 100
"""DocuSign's limit for ``email``."""
_ENTITLEMENTS = ("entitlements", f"{CORE_USER.lower()}:entitlements")

Element = Mapping[str, Any]
"""An element of ``roles`` or ``entitlements``."""
Patch = Callable[[Resource], Resource]
"""Applies the operations of a PATCH to a copy of a resource. Raises :class:`ScimError`."""


def creation(resource: Resource, mapping: UserMapping) -> DesiredUser:
    """Return the person that a POST asks for.

    :raises InvalidValue: the userName is no address, or an entitlement is none.
    """
    person, kept = desired_person(assigned(resource), mapping)
    _check_person(person, resource, mapping)
    return DesiredUser(
        person=person,
        active=resource.get("active"),
        profiles=_profiles(resource.get("entitlements")) or None,
        roles=_roles(resource.get("roles")) or None,
        exact=True,
        external_id=resource.get("externalId"),
        kept=kept,
        reason=reason_in(resource, DOCUSIGN_USER),
    )


def replacement(
    resource: Resource,
    mapping: UserMapping,
    actual: ActualUser,
    kept: Mapping[str, Any],
    *,
    shows_requested: bool,
) -> DesiredUser:
    """Return the person that a PUT asks for.

    ``entitlements``, ``roles`` and ``active`` that are left out stay as they are: no access is lost
    because a client does not know an attribute.

    :param kept: what is kept for the client now.
    :param shows_requested: whether ``roles`` shows what is only requested.
    :raises InvalidValue: the userName is no address, or an entitlement is none.
    """
    person, wanted_kept = desired_person(
        assigned(resource), mapping, current=actual.user, kept=kept
    )
    _check_person(person, resource, mapping, actual)
    roles = _roles(resource["roles"]) if "roles" in resource else None
    if roles is not None and not shows_requested:
        roles = _beside_open_tasks(roles, actual)
    profiles = _profiles(resource["entitlements"]) if "entitlements" in resource else None
    known = held_profiles(actual.user) | actual.profiles_to_return
    return DesiredUser(
        person=person,
        active=resource.get("active"),
        profiles=profiles,
        roles=roles,
        exact=True,
        external_id=resource.get("externalId"),
        kept=wanted_kept,
        forgets=frozenset() if profiles is None else known - profiles,
        reason=reason_in(resource, DOCUSIGN_USER),
        says=Statement(profiles, active=resource.get("active"), person=True),
    )


def _beside_open_tasks(given: frozenset[str], actual: ActualUser) -> frozenset[str]:
    """Leave roles alone whose task is open: the client could not see what was asked for, so what
    it repeats says nothing about them."""
    pending = actual.pending_roles
    granted = {role for role, way in pending.items() if way is Direction.GRANT}
    return (given - pending.keys()) | granted


def modification(
    before: Resource,
    patch: Patch,
    mapping: UserMapping,
    actual: ActualUser,
    kept: Mapping[str, Any],
    *,
    operations: Sequence[PatchOperation],
    hidden: Sequence[Element] = (),
) -> DesiredUser:
    """Return the person that a PATCH asks for. What it did not touch is not asserted.

    :param before: the resource that is patched, with roles and entitlements as requested.
    :param patch: applies *operations*.
    :param hidden: the entitlements that no client is shown and enabling the person gives again.
    :raises InvalidValue: the userName is no address, or an entitlement is none.
    """
    after = patch(before)
    person, wanted_kept = desired_person(assigned(after), mapping, current=actual.user, kept=kept)
    _check_person(person, after, mapping, actual)
    exact = lists_entitlements(operations)
    taken = _taken(before, after, hidden, patch)
    return DesiredUser(
        person=person,
        active=_changed(before, after, "active"),
        profiles=_patched_profiles(before, after, actual),
        roles=_roles(after.get("roles")),
        exact=exact,
        takes_back=_taken_back(after, actual) if not exact else frozenset(),
        external_id=after.get("externalId"),
        kept=wanted_kept,
        forgets=taken & (actual.profiles_to_return | held_profiles(actual.user)),
        reason=reason_in(after, DOCUSIGN_USER),
        says=_said(before, after, operations, taken, exact=exact),
    )


def _taken(
    before: Resource, after: Resource, hidden: Sequence[Element], patch: Patch
) -> frozenset[ProfileKey]:
    """Return the entitlements that a PATCH takes, whatever words it has for them. A closed
    membership shows none, and would get them back with the next enabling: so what a PATCH takes
    there is seen in what it makes of a resource that has them."""
    shown = _profiles(before.get("entitlements"))
    taken = shown - _profiles(after.get("entitlements"))
    if not hidden:
        return taken
    listed = [*before.get("entitlements", ()), *hidden]
    try:
        rest = patch({**before, "entitlements": listed})
    except ScimError:
        return taken  # What nobody sees makes no request ambiguous.
    return taken | (_profiles(hidden) - _profiles(rest.get("entitlements")))


def _said(
    before: Resource,
    after: Resource,
    operations: Sequence[PatchOperation],
    taken: frozenset[ProfileKey],
    *,
    exact: bool,
) -> Statement:
    """Return what a PATCH speaks of, whether it changes it or not."""
    named = {name.lower() for operation in operations for name in _names(operation)}
    active = after.get("active") if any(_is_attribute(name, "active") for name in named) else None
    wanted = _profiles(after.get("entitlements"))
    changed = (wanted ^ _profiles(before.get("entitlements"))) | taken
    accounts = frozenset(account_id for account_id, _ in changed).union(
        account_id for operation in operations for account_id in _named_accounts(operation)
    )
    if not exact and not accounts:
        return Statement(active=active)
    return Statement(wanted, None if exact else accounts, active)


def _is_attribute(path: str, name: str) -> bool:
    return path.strip() in (name, f"{CORE_USER.lower()}:{name}")


_ENTITLEMENT_ID = re.compile(r"\b([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.\d+", re.IGNORECASE)


def _named_accounts(operation: PatchOperation) -> Iterable[str]:
    """Return the accounts of the entitlements that an operation names, by path or value: also of
    those that it leaves as they are."""
    names = [name.lower() for name in _names(operation)]
    if any("entitlements" in name for name in names):
        for found in _ENTITLEMENT_ID.finditer(f"{operation.path} {operation.value}"):
            yield found[1].lower()


def _changed(before: Resource, after: Resource, name: str) -> Any:
    value = after.get(name)
    return value if value != before.get(name) else None


def _patched_profiles(
    before: Resource, after: Resource, actual: ActualUser
) -> frozenset[ProfileKey] | None:
    shown, wanted = _profiles(before.get("entitlements")), _profiles(after.get("entitlements"))
    if wanted == shown:
        return None
    # What is asked for now takes the place of what waits in the same account.
    accounts = {account_id for account_id, _ in wanted - shown}
    return wanted - {item for item in actual.pending_profiles if item[0] in accounts}


def _taken_back(after: Resource, actual: ActualUser) -> frozenset[ProfileKey]:
    return actual.pending_profiles - _profiles(after.get("entitlements"))


def as_requested(
    resource: Resource, roles: Sequence[Element], pending: Sequence[Element]
) -> Resource:
    """Return the resource with roles and entitlements as they will be once everything that waits
    for people is done: a PATCH that takes back what is still pending has to find it.

    :param roles: the roles as requested.
    :param pending: the entitlements that wait.
    """
    parts = {"roles": [*roles], "entitlements": [*resource.get("entitlements", ()), *pending]}
    others = {name: value for name, value in resource.items() if name not in parts}
    return others | {name: value for name, value in parts.items() if value}


def reason_in(resource: Resource, extension: str) -> str:
    """Return why a request asks for what it does; empty where it does not say.

    :param extension: the URN of the schema that has ``reason``.
    """
    return (resource.get(extension) or {}).get(REASON) or ""


def lists_entitlements(operations: Iterable[PatchOperation]) -> bool:
    """Return whether a PATCH gives the whole list of entitlements."""
    return any(
        operation.op == "replace" and any(_names_entitlements(name) for name in _names(operation))
        for operation in operations
    )


def _names(operation: PatchOperation) -> Sequence[str]:
    if operation.path is not None:
        return [operation.path]
    return list(operation.value) if isinstance(operation.value, Mapping) else []


def _names_entitlements(path: str) -> bool:
    return path.strip().lower() in _ENTITLEMENTS


def _profiles(elements: Sequence[Any] | None) -> frozenset[ProfileKey]:
    return frozenset(map(profile_key, _values(elements, "entitlements")))


def profile_key(value: str) -> ProfileKey:
    """Return the account and the profile that the id of an Entitlement names.

    :raises InvalidValue: it has another form.
    """
    account_id, _, profile_id = value.partition(".")
    if not account_id or not profile_id:
        raise InvalidValue(
            f"There is no entitlement {value!r}. List /Entitlements for those that can be granted."
        )
    return account_id.lower(), profile_id


def _roles(elements: Sequence[Any] | None) -> frozenset[str]:
    return frozenset(_values(elements, "roles"))


def _values(elements: Sequence[Any] | None, name: str) -> list[str]:
    values = [element.get("value") for element in elements or ()]
    if not all(values):
        raise InvalidValue(f"Each element of {name} needs its id as value.")
    return [str(value) for value in values]


def _check_person(
    person: Person,
    resource: Resource,
    mapping: UserMapping,
    actual: ActualUser | None = None,
) -> None:
    """Refuse what DocuSign is known to refuse, in the client's words.

    What a person has already is not looked at.

    :raises InvalidValue: the address is none, or a part of the name is too long.
    """
    before = vars(person_of(actual.user)) if actual is not None else {}
    for name, value in vars(person).items():
        if value == before.get(name):
            continue
        attribute = attribute_giving(assigned(resource), mapping, name, value)
        if name == "email":
            _check_address(value, attribute or "userName")
        limit = LONGEST_NAME_PARTS.get(name, len(value))
        if len(value) > limit:
            raise InvalidValue(
                f"{attribute or name} has {len(value)} characters; DocuSign takes {limit} at most."
            )


def _check_address(address: str, attribute: str) -> None:
    if len(address) > _LONGEST_ADDRESS or not _ADDRESS.fullmatch(address):
        raise InvalidValue(
            f"{attribute} must be the person's e-mail address, of {_LONGEST_ADDRESS} characters at "
            f"most: {address[:_LONGEST_ADDRESS]!r} is none. DocuSign knows people by it."
        )


def assigned(value: Any) -> Any:
    """Return JSON data without what is unassigned at any depth (RFC 7643 §2.5)."""
    if isinstance(value, Mapping):
        parts = {name: assigned(part) for name, part in value.items()}
        return {name: part for name, part in parts.items() if part not in (None, [], {})}
    if isinstance(value, list):
        return [assigned(part) for part in value]
    return value
