"""Who carries an operation out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.ledger import Fulfilment
from connector.domain.model import ORGANIZATION_ADMIN
from connector.domain.plan import GrantRole, Operation, RevokeRole
from mappings.model import EntitlementMapping, Role

VERIFY_ORGANIZATION_ADMIN = "organization_admin"
"""The Admin API shows whether it was done."""
VERIFY_ATTESTATION = "attestation"
"""No API shows it: the word of the person who completes the task counts."""


@dataclass(frozen=True)
class Policy:
    """The rules of one tenant, from ``mappings/entitlements.yaml`` and the tenant's own parts."""

    mapping: EntitlementMapping

    @property
    def roles(self) -> Mapping[str, Role]:
        """The roles that only people can give and take, by id."""
        return self.mapping.roles

    def route(self, operation: Operation) -> Fulfilment:
        """Return who carries an operation out."""
        if isinstance(operation, GrantRole | RevokeRole):
            return Fulfilment.MANUAL
        return Fulfilment.AUTOMATIC

    def visible_roles(self, *, has_organization: bool) -> tuple[Role, ...]:
        """Return the roles that can be asked for: none of the organization's without one."""
        return tuple(
            role
            for name, role in sorted(self.roles.items())
            if has_organization or name != ORGANIZATION_ADMIN
        )
