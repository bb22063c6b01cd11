"""Turns the declared entitlements into the domain's policy."""

from __future__ import annotations

from connector.domain.policy import Policy, RoleRule
from mappings import EntitlementMapping, Role


def policy_of(mapping: EntitlementMapping) -> Policy:
    """Return the rules by which changes are routed."""
    return Policy({role_id: _rule(role) for role_id, role in mapping.roles.items()})


def _rule(role: Role) -> RoleRule:
    return RoleRule(
        role=role.role_id,
        display=role.display,
        description=role.description,
        risk=role.risk,
        owner=role.owner,
        grant_steps=role.instructions.grant,
        revoke_steps=role.instructions.revoke,
        deep_link=role.deep_link,
        due_days=role.due_days,
        verification=role.verification,
    )
