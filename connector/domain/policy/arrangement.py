"""Divides a plan into what happens now and what waits for people.

What waits comes last, each operation with one entitlement that waits, so that nothing that may
happen now depends on it. Who joins or returns with a profile that has to wait comes with the
account's baseline profile now; the wanted one follows once it is approved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from connector.domain.ledger.plans import Fulfilment
from connector.domain.model import group_scim_id, profile_scim_id
from connector.domain.naming.account_book import AccountBook
from connector.domain.plan import (
    NEWCOMER,
    AddGroupMembers,
    CloseMembership,
    CreateMembership,
    GrantRole,
    Operation,
    Plan,
    ReopenMembership,
    RevokeRole,
    SetProfile,
)
from connector.domain.policy.entitlement_rules import Policy
from connector.errors import InvalidRequestError


def arrange(plan: Plan, policy: Policy, book: AccountBook) -> Plan:
    """Return the plan with what waits for people at its end.

    :raises InvalidRequestError: what has to wait cannot: somebody who is not in DocuSign yet, or
        who is not to stay active, asks for nothing that may be given now.
    """
    parts = _Parts(policy, book)
    for step in plan:
        parts.add(step)
    return parts.plan()


class _Parts:
    """What happens now, and what waits."""

    def __init__(self, policy: Policy, book: AccountBook) -> None:
        self._policy = policy
        self._book = book
        self._now: list[Operation] = []
        self._later: list[Operation] = []
        self._roles: list[Operation] = []

    def plan(self) -> Plan:
        self._refuse_closed()
        return Plan((*self._without_passage(), *self._later, *self._roles))

    def add(self, step: Operation) -> None:
        if isinstance(step, GrantRole | RevokeRole):
            self._roles.append(step)
        elif isinstance(step, CreateMembership | ReopenMembership):
            self._add_opening(step)
        elif self._waits(step):
            self._later.append(step)
        else:
            self._now.append(step)

    def _add_opening(self, step: CreateMembership | ReopenMembership) -> None:
        profile = profile_scim_id(step.account_id, step.profile_id)
        waiting = tuple(
            item
            for item in step.group_ids
            if self._entitlement_waits(group_scim_id(step.account_id, item))
        )
        now: CreateMembership | ReopenMembership = replace(
            step, group_ids=tuple(item for item in step.group_ids if item not in waiting)
        )
        if self._entitlement_waits(profile):
            baseline = self._book.baseline(step.account_id)
            is_newcomer = isinstance(step, CreateMembership) and step.user_id is None
            is_return = isinstance(step, ReopenMembership)
            if self._entitlement_waits(baseline.scim_id) or not (is_newcomer or is_return):
                if is_newcomer and not self._joins_elsewhere():
                    raise InvalidRequestError(
                        f"{self._named(step)} has to be approved first, and so has the baseline "
                        f"profile {baseline.name!r}: somebody who is not in DocuSign yet cannot "
                        "wait. Let the policy give the baseline profile automatically."
                    )
                self._later.append(step)
                return
            now = replace(now, profile_id=baseline.profile_id)
            user_id = step.user_id or NEWCOMER
            self._later.append(
                SetProfile(step.account_id, user_id, step.profile_id, baseline.profile_id)
            )
        self._now.append(now)
        user_id = step.user_id or NEWCOMER
        self._later += [
            AddGroupMembers(step.account_id, group_id, (user_id,)) for group_id in waiting
        ]

    def _named(self, step: CreateMembership | ReopenMembership | SetProfile) -> str:
        """Return the profile that a step gives, at the beginning of a sentence."""
        names = self._book.names
        profile = names.profile(step.account_id, step.profile_id)
        return f"The profile {profile} of account {names.account(step.account_id)}"

    def _joins_elsewhere(self) -> bool:
        return any(isinstance(item, CreateMembership) for item in self._now)

    def _waits(self, step: Operation) -> bool:
        return self._policy.route(step, self._book.catalogue) is not Fulfilment.AUTOMATIC

    def _entitlement_waits(self, entitlement: str) -> bool:
        fulfilment = self._policy.fulfilment_of(entitlement, self._book.catalogue)
        return fulfilment is not Fulfilment.AUTOMATIC

    def _without_passage(self) -> Iterator[Operation]:
        """Leave out the moment in which a closed person is open to join an account that waits."""
        joins_now = {_place(item)[1] for item in self._now if isinstance(item, CreateMembership)}
        joins_later = {
            _place(item)[1] for item in self._later if isinstance(item, CreateMembership)
        }
        passed = {
            _place(item)
            for item in self._now
            if isinstance(item, CloseMembership) and not item.restorable
        }
        for item in self._now:
            is_part = isinstance(item, ReopenMembership | CloseMembership)
            user_id = _place(item)[1]
            in_vain = user_id in joins_later and user_id not in joins_now
            if in_vain and is_part and _place(item) in passed:
                continue
            yield item

    def _refuse_closed(self) -> None:
        """Nobody who ends up closed can hold what is approved later."""
        closed = {_place(item) for item in self._now if isinstance(item, CloseMembership)}
        opened = {
            _place(item)
            for item in self._now
            if isinstance(item, CreateMembership | ReopenMembership)
        }
        for item in self._later:
            if isinstance(item, SetProfile) and _place(item) in closed & opened:
                raise InvalidRequestError(
                    f"{self._named(item)} has to be approved first, which takes an active user. "
                    "Create the user without it, or active."
                )


def _place(step: Operation) -> tuple[str, str]:
    """Return whose membership in which account a step is about."""
    return str(getattr(step, "account_id", "")), getattr(step, "user_id", None) or NEWCOMER
