"""What a loaded mapping is: immutable, checked, ready for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@dataclass(frozen=True)
class Source:
    """One place from which a field of the person gets its value."""

    attribute: str | None = None
    """SCIM attribute: ``title``, ``name.givenName`` or ``urn:…:User:department``."""
    from_fields: tuple[str, ...] = ()
    """Other fields of the person, for a value that is put together from them."""
    to_directory: tuple[str, ...] = ()
    to_scim: tuple[str, ...] = ()
    keep_when_different: bool = False


@dataclass(frozen=True)
class FieldMapping:
    """One field of the DocuSign person and its sources, the most telling first."""

    name: str
    sources: tuple[Source, ...]
    required: bool = False


@dataclass(frozen=True)
class UserMapping:
    """``user.yaml``, with a tenant's own parts over it."""

    fields: tuple[FieldMapping, ...]
    kept: Mapping[str, tuple[str, ...]]
    """Attribute names by schema URN."""


@dataclass(frozen=True)
class Instructions:
    """The steps of a manual task, for each direction."""

    grant: tuple[str, ...] = ()
    revoke: tuple[str, ...] = ()

    def steps(self, direction: str, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the steps of ``grant`` or ``revoke`` with the person's values filled in.

        :param values: by placeholder, such as ``full_name`` for ``{full_name}``.
        """
        steps = self.grant if direction == "grant" else self.revoke
        return tuple(_fill(step, values) for step in steps)


def _fill(step: str, values: Mapping[str, str]) -> str:
    # Plain replacement: str.format would let a value reach into attributes.
    for name, value in values.items():
        step = step.replace("{" + name + "}", value)
    return step


@dataclass(frozen=True)
class Meaning:
    """What an entitlement or role means and who carries a change of it out."""

    risk: str = "low"
    owner: str = ""
    fulfilment: str = "automatic"
    """``automatic`` or ``manual``."""
    instructions: Instructions = Instructions()
    deep_link: str | None = None
    due_days: int | None = None
    """None: the tenant's ``manual_task_due_days``."""
    verification: str = "attestation"
    """``organization_admin`` or ``attestation``."""


@dataclass(frozen=True)
class EntitlementRule(Meaning):
    """The meaning of all entitlements whose id or name matches."""

    match: str = "*"

    def covers(self, scim_id: str, name: str) -> bool:
        """Return whether the pattern fits the id or the name, without case."""
        pattern = self.match.casefold()
        return any(fnmatchcase(text.casefold(), pattern) for text in (scim_id, name))


@dataclass(frozen=True)
class Role(Meaning):
    """A role that people grant."""

    role_id: str = ""
    display: str = ""
    description: str = ""


@dataclass(frozen=True)
class EntitlementMapping:
    """``entitlements.yaml``, with a tenant's own roles over it."""

    rules: tuple[EntitlementRule, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    """By role id, which is the SCIM id."""

    def meaning(self, scim_id: str, name: str) -> Meaning:
        """Return what a permission profile or group means; without a rule it is automatic."""
        return next((rule for rule in self.rules if rule.covers(scim_id, name)), Meaning())
