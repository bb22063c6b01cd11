"""What the policy says, and what another one would have said of last month's requests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from connector.domain.idle_rules import idle_rules
from connector.domain.ledger.plans import Fulfilment, PlanRecord
from connector.domain.model import Catalogue, DirectoryGroup, Profile, User, fold
from connector.domain.plan import Operation
from connector.domain.policy.entitlement_rules import PROFILE, ROLE, Policy, Ruling, Target, given
from connector.errors import InvalidRequestError, NotFoundError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.actual import load_actual
from connector.services.people import manager_of
from mappings.model import EntitlementMapping, Meaning


@dataclass(frozen=True)
class Explained:
    """Which rule counts for somebody and an entitlement, and why."""

    user: User
    ruling: Ruling
    manager: str
    """Address of the person's manager, empty if unknown; asked only where the rule says so."""
    is_held: bool
    waits: bool
    """Whether it has been asked for already."""
    passed_over: Sequence[str]
    """The rules before the one that counts, each with the condition that does not hold."""


@dataclass(frozen=True)
class Difference:
    """One grant that would have gone another way."""

    plan: PlanRecord
    user: str
    """Address, or the id of somebody who is gone."""
    target: Target
    before: str
    """Who carried it out then, in words."""
    after: str
    rule: str
    """The rule of the changed policy."""


@dataclass(frozen=True)
class Simulation:
    """What a changed policy would have done."""

    requests: int
    """Recorded requests that were replayed."""
    grants: int
    before: Mapping[str, int]
    """Grants by who carries them out, with the policy that is in force."""
    after: Mapping[str, int]
    differences: Sequence[Difference] = field(default_factory=tuple)
    unknown: int = 0
    """Grants of profiles and groups that are gone from DocuSign."""
    warnings: Sequence[str] = ()
    """Rules of the changed policy that cover nothing there is, a sentence each."""


class PolicyService:
    """Explains and tries out the policy of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def explain(self, person: str, entitlement: str) -> Explained:
        """Return which rule counts.

        :param person: an address or a user id.
        :param entitlement: its id, or its name: with its account in brackets
            where several profiles or groups have it.
        :raises NotFoundError: nobody, or nothing, of that name is known.
        """
        policy = self._context.policy
        with self._context.read() as uow:
            user = _find_user(uow, person)
            catalogue = uow.mirror.catalogue()
            scim_id = find_entitlement(policy, catalogue, entitlement)
            ruling = policy.rule_on(scim_id, catalogue)
            actual = load_actual(uow, user.user_id)
            held = scim_id in user.entitlements() | actual.confirmed_roles
            pending = {".".join(item) for item in actual.pending_profiles}
            return Explained(
                user,
                ruling,
                manager_of(uow, user.user_id),
                held,
                scim_id in pending | set(actual.pending_roles),
                list(_passed_over(policy, ruling)),
            )

    def find_person(self, person: str) -> User:
        """Return who has an address or a user id.

        :raises NotFoundError: nobody of that name is known.
        """
        with self._context.read() as uow:
            return _find_user(uow, person)

    def simulate(self, changed: EntitlementMapping, days: int = 31) -> Simulation:
        """Return what a changed policy would have done with the requests of the last *days*.

        Both policies are held against what was asked for: what happened since, such as a decision,
        does not count.
        """
        policy = Policy(changed, self._context.policy.aliases)
        since = self._context.clock.now() - timedelta(days=days)
        before: Counter[str] = Counter()
        after: Counter[str] = Counter()
        requests = unknown = 0
        differences: list[Difference] = []
        with self._context.read() as uow:
            catalogue = uow.mirror.catalogue()
            warnings = list(idle_rules(policy, self._context.settings, catalogue))
            for plan, steps in uow.plans.since(since):
                if "after" in plan.context:
                    continue  # It came of another one, which counts.
                requests += 1
                for user_id, entitlement in _grants(steps, plan.subject_id):
                    try:
                        old = self._context.policy.rule_on(entitlement, catalogue)
                        new = policy.rule_on(entitlement, catalogue)
                    except InvalidRequestError:
                        unknown += 1
                        continue
                    before[str(old.fulfilment)] += 1
                    after[str(new.fulfilment)] += 1
                    was, would = in_words(old.meaning), in_words(new.meaning)
                    if was != would:
                        found = uow.mirror.get_users([user_id]).get(user_id)
                        name = found.email if found else user_id
                        differences.append(Difference(plan, name, new.target, was, would, new.rule))
        grants = sum(before.values())
        return Simulation(requests, grants, before, after, differences, unknown, warnings)


def in_words(meaning: Meaning) -> str:
    """Return who carries a grant out, and who is asked, in words."""
    if meaning.fulfilment != Fulfilment.APPROVAL:
        return meaning.fulfilment
    approvers = meaning.approvers
    names = [*approvers.people, *(f"group {name}" for name in approvers.groups)]
    names += ["the manager"] if approvers.manager else []
    who = ", ".join(names) or "whoever has the role approver"
    tail = ", then a manual task" if meaning.after_approval == "manual" else ""
    if meaning.reason_required:
        tail += f"; {_SAYS_WHY[meaning.reason_required]} say why"
    return f"approval by {meaning.approvals_needed} of {who}{tail}"


_SAYS_WHY = {
    "approver": "they have to",
    "requester": "the requester has to",
    "both": "they and the requester have to",
}


def find_entitlement(policy: Policy, catalogue: Catalogue, name: str) -> str:
    """Return the id of an entitlement given by id or by name.

    :raises NotFoundError: there is none.
    :raises InvalidRequestError: several have this name.
    """
    try:
        return policy.target(name, catalogue).scim_id
    except InvalidRequestError:
        pass
    items: Sequence[Profile | DirectoryGroup] = (
        *catalogue.profiles.values(),
        *catalogue.groups.values(),
    )
    found = {
        item.scim_id: catalogue.title(item) for item in items if catalogue.is_called(item, name)
    }
    found |= {
        key: role.display for key, role in policy.roles.items() if fold(role.display) == fold(name)
    }
    if not found:
        raise NotFoundError(f"There is no profile, group or role {name!r}.")
    if len(found) > 1:
        several = "; ".join(f"{title}, {key}" for key, title in sorted(found.items()))
        raise InvalidRequestError(
            f"Several are called {name!r}: {several}. Give the name with its account in brackets, "
            "or the id."
        )
    return next(iter(found))


def _find_user(uow: UnitOfWork, person: str) -> User:
    users = uow.mirror.get_users([person])
    if person in users:
        return users[person]
    found = list(uow.mirror.users_by_email([fold(person)]).get(fold(person), ()))
    if not found:
        raise NotFoundError(f"There is no user {person!r}.")
    # Of several on one address the open one is meant.
    return max(found, key=lambda user: any(user.open_memberships()))


def _passed_over(policy: Policy, ruling: Ruling) -> Iterator[str]:
    target = ruling.target
    if target.kind == ROLE:
        return
    for rule in policy.mapping.rules:
        if rule is ruling.meaning:
            return
        parts = {
            f"match: {rule.match}": rule.covers(
                target.scim_id, target.name, kind=rule.kind or PROFILE, account=(rule.account,)
            ),
            f"kind: {rule.kind}": rule.kind in ("", target.kind),
        }
        failed = [text for text, holds in parts.items() if not holds]
        reason = ", ".join(failed) or f"account: {rule.account}"
        yield f"{rule.source}: {reason} does not hold"


def _grants(steps: Sequence[Operation], subject_id: str | None) -> Iterator[tuple[str, str]]:
    """Return user and entitlement of each grant; what a later step of the plan gives again counts
    once."""
    seen: set[tuple[str, str]] = set()
    for step in steps:
        users = getattr(step, "user_ids", None) or [getattr(step, "user_id", None) or subject_id]
        for entitlement in given(step):
            for user_id in users:
                if user_id and (user_id, entitlement) not in seen:
                    seen.add((user_id, entitlement))
                    yield user_id, entitlement
