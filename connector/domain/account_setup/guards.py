"""What a change of an account's set-up may never do, whoever asks for it."""

from __future__ import annotations

from connector.domain.account_setup.actual import ADMINISTRATION, ActualAccount
from connector.domain.account_setup.steps import (
    ChangeProfile,
    RemoveProfile,
    RevokeAdministration,
    SetupPlan,
)
from connector.domain.writing import counted
from connector.errors import GuardError


def require_safe(
    plan: SetupPlan,
    actual: ActualAccount,
    *,
    protect_last_admin: bool,
    limit: int,
    allow_many: bool,
) -> None:
    """Let a plan through that leaves the service user and one administrator in power, and changes
    the access of no more people than a person has agreed to.

    :param limit: how many people's access may change without a word.
    :raises GuardError: it does otherwise.
    """
    demoting = _demoting(plan, actual)
    service = next((one for one in actual.members if one.user_id == actual.service_user_id), None)
    revoked = {step.user_id for step in plan.steps if isinstance(step, RevokeAdministration)}
    if service is not None and (service.profile_id in demoting or service.user_id in revoked):
        raise GuardError(
            "The service user would administer the account no longer, and the connector with it. "
            "Give that user another administrator profile first.",
            guard="service_user",
        )
    left = [
        one
        for one in actual.members
        if one.is_admin and one.profile_id not in demoting and one.user_id not in revoked
    ]
    if (demoting or revoked) and not left and protect_last_admin:
        raise GuardError(
            "Nobody would administer the account any longer.",
            guard="last_admin",
            setting="guards.protect_last_admin",
        )
    if plan.affected > limit and not allow_many:
        raise GuardError(
            f"The access of {counted(plan.affected, 'person', 'people')} would change, more than "
            f"{limit}. Look at the plan, and say --allow-many if it is meant.",
            guard="max_affected",
            setting="guards.max_affected_pct",
        )


def _demoting(plan: SetupPlan, actual: ActualAccount) -> frozenset[str]:
    """Return the ids of the profiles whose holders are administrators no longer."""
    admin = {one.profile_id for one in actual.profiles if one.is_admin}
    found: set[str] = set()
    for step in plan.steps:
        if isinstance(step, ChangeProfile) and step.after.get(ADMINISTRATION) == "false":
            found.add(step.profile_id)
        if isinstance(step, RemoveProfile) and step.successor_id not in admin:
            found.add(step.profile_id)
    return frozenset(found & admin)
