"""What is done with what was changed in DocuSign itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DriftRule:
    """What is done with drift of a kind. Patterns have * and ? and are compared without case."""

    kind: str = "*"
    """A class of drift, such as ``native_grant`` (docs/reconciliation.md lists them)."""
    account: str = "*"
    """Id, alias or name of the account."""
    entitlement: str = "*"
    """Id or name of the permission profile, group or role."""
    attribute: str = "*"
    """For ``changed_attribute``: name, email, job_title or company; for grants: membership,
    profile, group or role."""
    then: str = "report"
    """``report``, ``accept`` or ``revert``."""


@dataclass(frozen=True)
class DriftSettings:
    """What is done with what was changed in DocuSign itself."""

    policy: tuple[DriftRule, ...] = ()
    """The first rule that fits counts; what none covers is reported."""
    dormant_after_days: int = 90
    """Active users who have not signed in for so many days are reported; 0: never."""
    pending_after_days: int = 14
    """Memberships that wait so many days for their person are reported; 0: never."""
    orphan_after_days: int = 0
    """Users from before the connector whom no client has linked within so many days are reported;
    0: never. Needs a client that sends ``externalId``, or ``docusign-iga adopt``."""
    after_delta: bool = True
    """Whether those whom a delta has read are compared at once. What the policy reverts waits for
    the next whole run in any case: that sees how much it is."""
    correlation: tuple[str, ...] = ("external_id", "employee_number", "email")
    """By what a user's owner is found, the surest first: ``external_id``, ``employee_number``,
    ``email``, ``name``."""
