"""Keeps what is expected of DocuSign true to what the connector did and was told.

Three things move an expectation: an operation that was carried out, a request that says what shall
be and finds it so already, and a person (or the policy) who accepts what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connector.domain.drift.catalogue import known_entitlements
from connector.domain.drift.expected import (
    CLOSED,
    Expected,
    ExpectedMembership,
    KnownEntitlement,
    Origin,
    as_seen,
    follow,
    seen_membership,
    settled,
    unasked,
)
from connector.domain.drift.findings import FindingState
from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord
from connector.domain.ledger.resources import Provenance
from connector.domain.mirror.merge import without_membership
from connector.domain.model import DirectoryGroup, Membership, User, group_scim_id
from connector.domain.naming.account_book import AccountBook
from connector.domain.plan import (
    ChangeEmail,
    CreateGroup,
    CreateMembership,
    DeleteGroup,
    Operation,
    RenameGroup,
    ReopenMembership,
    UpdatePerson,
)
from connector.domain.planning import Remembered, Statement, person_of, profile_to_give
from connector.domain.policy.entitlement_rules import given
from connector.domain.policy.guards import touched_users
from connector.domain.work_items.items import WorkItem, WorkItemState
from connector.errors import PermanentError
from connector.ports import UnitOfWork
from connector.services.context import Actor
from connector.services.mirror.actual import remembered_memberships

BASELINE = "drift_baseline"
"""A fact of the tenant: the accounts that were compared before, and whether the organization's
administrators were."""
STATES = "states"
"""Where a plan's context keeps what the request said, as :meth:`Statement.to_dict` writes it."""
STATES_OF_MANY = "states_of_many"
"""The same by user id, of a plan about many users."""
REVIEW = "review"
"""In a plan's context: nobody asked for it; rejecting its task accepts what was found."""


@dataclass(frozen=True)
class Word:
    """Who said that something shall be."""

    by: str
    source: str
    at: datetime
    plan_id: str | None = None


def follow_plan(uow: UnitOfWork, records: Iterable[OperationRecord]) -> None:
    """Let what is expected follow the operations that were done; doing it twice changes nothing."""
    done = [item for item in records if item.state is OperationState.DONE and item.finished_at]
    if done:
        moment = max(item.finished_at for item in done if item.finished_at)
        follow_steps(uow, [item.operation for item in done], moment)


def follow_steps(uow: UnitOfWork, steps: Iterable[Operation], now: datetime) -> None:
    """Let what is expected follow these operations, in their order."""
    by_user: dict[str, list[Operation]] = {}
    for step in steps:
        _follow_group(uow, step)
        for user_id in touched_users(step):
            by_user.setdefault(user_id, []).append(step)
    users = uow.mirror.get_users(by_user)
    known = uow.drift.expected(by_user)
    compared = _compared(uow) if by_user.keys() - known.keys() else frozenset()
    changed = []
    for user_id, own in by_user.items():
        user = users.get(user_id)
        before = known.get(user_id) or _first(user, own, compared, now)
        if before is None:
            continue
        after = before
        for step in own:
            after = follow(after, step, user)
        after = settled(after)
        if after != known.get(user_id) and (user_id in known or _is_kept(after)):
            changed.append(after)
    uow.drift.put_expected(changed)


def _first(
    user: User | None, steps: Sequence[Operation], compared: frozenset[str], now: datetime
) -> Expected | None:
    """Return what was expected before the first change of ours of somebody; None where the change
    says nothing of their access."""
    if user is None or all(isinstance(step, UpdatePerson | ChangeEmail) for step in steps):
        return None
    brought = {
        step.account_id for step in steps if isinstance(step, CreateMembership | ReopenMembership)
    }
    return _begun(user, compared - brought, now)


def _begun(user: User, compared: frozenset[str], now: datetime) -> Expected:
    """Return with what an expectation begins because of a request.

    Whom a baseline passed over was created natively: nobody asked for what they hold. Others are
    new, or a baseline yet: they are taken as they are.

    :param compared: the accounts that were compared before and into which the request does not
        bring them itself.
    """
    if compared & user.memberships.keys():
        return unasked(user, now)
    return as_seen(user, Origin.PROVISIONED, now)


def _compared(uow: UnitOfWork) -> frozenset[str]:
    """Return the accounts that have a baseline."""
    return frozenset((uow.facts().get(BASELINE) or {}).get("accounts", ()))


def _is_kept(first: Expected) -> bool:
    """Whether a first expectation is worth keeping: one that wants nothing is no expectation."""
    return first.origin is not Origin.TOUCHED or first.is_stated


def _follow_group(uow: UnitOfWork, step: Operation) -> None:
    if isinstance(step, CreateGroup) and step.group_id:
        scim_id = group_scim_id(step.account_id, step.group_id)
        uow.drift.put_known([KnownEntitlement(scim_id, step.name)])
    elif isinstance(step, DeleteGroup):
        uow.drift.remove_known([group_scim_id(step.account_id, step.group_id)])
    elif isinstance(step, RenameGroup):
        scim_id = group_scim_id(step.account_id, step.group_id)
        known = uow.drift.known_entitlements().get(scim_id, KnownEntitlement(scim_id, step.name))
        uow.drift.put_known([replace(known, name=step.name)])


# ------------------------------------------------------------------------- statements


def state(uow: UnitOfWork, plan: PlanRecord, book: Callable[[], AccountBook]) -> None:
    """Take for expected what a request says of people and DocuSign shows already: who asks for
    access that was given natively has it given, who takes what was lost natively wants it lost.

    :param book: returns the book of accounts: enabling gives their baselines in place of what was
        taken.
    """
    if plan.subject_id and STATES in plan.context:
        _state_user(uow, plan.subject_id, Statement.from_dict(plan.context[STATES]), plan, book)
    for user_id, said in plan.context.get(STATES_OF_MANY, {}).items():
        _state_user(uow, user_id, Statement.from_dict(said), plan, book)


def _state_user(
    uow: UnitOfWork,
    user_id: str,
    said: Statement,
    plan: PlanRecord,
    book: Callable[[], AccountBook],
) -> None:
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is None or not said:
        return
    known = uow.drift.expected([user_id]).get(user_id)
    before = known or _begun(user, _compared(uow), plan.created_at)
    is_news = said.active and any(
        not before.membership(item.account_id).is_open for item in user.open_memberships()
    )
    remembered = _to_give(uow, user, book) if is_news else {}
    after = settled(before.moved(_stated(before, user, said, remembered), user))
    if said.person and any(user.open_memberships()):
        after = replace(after, person=person_of(user))
    if after != known and (known or _is_kept(after)):
        uow.drift.put_expected([after])
        word = Word(plan.requester, plan.source, plan.created_at, plan.plan_id)
        explain(uow, user_id, after.entitlements() - before.entitlements(), word)


def _to_give(
    uow: UnitOfWork, user: User, book: Callable[[], AccountBook]
) -> Mapping[str, Remembered]:
    """Return what enabling somebody would give in the accounts where they are open."""
    remembered = remembered_memberships(uow, user.user_id)
    given = {}
    for account_id in {item.account_id for item in user.open_memberships()} & remembered.keys():
        held = remembered[account_id]
        try:
            profile_id = profile_to_give(account_id, held.profile_id, book())
        except PermanentError:  # The settings name none: what they hold was asked for by nobody.
            given[account_id] = replace(held, profile_id=None)
        else:
            given[account_id] = replace(held, profile_id=profile_id)
    return given


def _stated(
    before: Expected, user: User, said: Statement, remembered: Mapping[str, Remembered]
) -> Mapping[str, ExpectedMembership]:
    accounts = set(before.memberships) | set(user.memberships)
    spoken = accounts if said.accounts is None else accounts & said.accounts
    found = dict(before.memberships)
    for account_id in spoken:
        membership = user.memberships.get(account_id)
        known, held = before.membership(account_id), remembered.get(account_id)
        stated = _stated_membership(known, membership, said, account_id, held)
        if stated is not None:
            found[account_id] = stated
    return found


def _stated_membership(
    known: ExpectedMembership,
    membership: Membership | None,
    said: Statement,
    account_id: str,
    remembered: Remembered | None,
) -> ExpectedMembership | None:
    """Return what is expected of a membership now, None where the request says nothing of it.

    :param remembered: what the connector would give again where it opened the membership.
    """
    is_open = membership is not None and membership.status.is_open
    if not is_open:
        wants_it = said.profiles is not None and any(a == account_id for a, _ in said.profiles)
        says_so = said.active is False or (said.profiles is not None and not wants_it)
        return CLOSED if says_so else None
    seen = seen_membership(membership)
    is_named = said.profiles is not None and (account_id, seen.profile_id or "") in said.profiles
    if is_named:
        # Groups are not the request's affair: those that were joined natively stay drift.
        return replace(seen, group_ids=known.group_ids)
    is_enabled = said.profiles is None and said.active is True
    if not is_enabled or known.is_open:
        return None
    # Who enables a user says that they are in, and of what they hold nothing that enabling them
    # would not have given.
    if remembered is None:
        return ExpectedMembership(is_open=True, group_ids=known.group_ids)
    return ExpectedMembership(
        is_open=True,
        profile_id=remembered.profile_id,
        group_ids=frozenset(remembered.group_ids) & seen.group_ids | known.group_ids,
    )


def state_members(
    uow: UnitOfWork,
    group: DirectoryGroup,
    joined: frozenset[str],
    left: frozenset[str],
    word: Word,
) -> None:
    """Take for expected that users are in a group, or are not, as a request says and the mirror
    shows already."""
    known = uow.drift.expected(joined | left)
    strangers = uow.mirror.get_users(joined - known.keys())
    compared = _compared(uow) if strangers else frozenset()
    first = {key: _begun(user, compared, word.at) for key, user in strangers.items()}
    changed = []
    for user_id, before in {**known, **first}.items():
        held = before.membership(group.account_id)
        groups = held.group_ids - {group.group_id}
        if user_id in joined:
            groups |= {group.group_id}
        if groups != held.group_ids:
            place = {group.account_id: replace(held, group_ids=groups)}
            changed.append(settled(replace(before, memberships={**before.memberships, **place})))
            if user_id in joined:
                explain(uow, user_id, [group.scim_id], word)
    uow.drift.put_expected(changed)


def state_brought(uow: UnitOfWork, user: User, step: CreateMembership, word: Word) -> None:
    """Take for expected that somebody of whom nothing was expected has what a change of ours
    brought them, and nothing else that DocuSign shows of them."""
    if user.user_id not in uow.drift.expected([user.user_id]):
        brought = follow(as_seen(user, Origin.PROVISIONED, word.at), step, user)
        uow.drift.put_expected([brought])
        explain(uow, user.user_id, given(step), word)


def lost_members(uow: UnitOfWork, group: DirectoryGroup) -> frozenset[str]:
    """Return who is expected in a group and was taken out natively."""
    expected = uow.drift.expected_in_group(group.account_id, group.group_id)
    return frozenset(expected) - uow.mirror.group_member_ids(
        group.account_id, group.group_id, among=frozenset(expected)
    )


def explain(uow: UnitOfWork, user_id: str, entitlements: Iterable[str], word: Word) -> None:
    """Write down on whose word somebody holds what they held already."""
    for entitlement in entitlements:
        uow.attributes.put_provenance(
            Provenance(user_id, entitlement, word.plan_id, word.by, word.source, word.at)
        )


# ------------------------------------------------------------------------- the rest


def settle_review(uow: UnitOfWork, item: WorkItem, actor: Actor, now: datetime) -> None:
    """End the finding for which a task was opened: what the task asked for puts it right, and who
    rejects a review accepts what was found.

    Whoever rejects another task refuses to do it, which makes nothing expected: the next
    reconciliation opens the finding again, as after a denied approval.
    """
    is_review = uow.plans.get(item.plan_id)[0].context.get(REVIEW)
    if item.state is WorkItemState.DONE:
        state = FindingState.REVERTED
    elif item.state is WorkItemState.REJECTED and is_review:
        state = FindingState.ACCEPTED
    else:
        return
    ended = [
        replace(
            finding,
            state=state,
            decided_by=actor.name,
            decided_at=now,
            reason=item.comment or finding.reason,
            closed_at=now,
        )
        for finding in uow.drift.standing([item.subject_id])
        if finding.plan_id == item.plan_id
    ]
    uow.drift.save(ended)


def forget_account(uow: UnitOfWork, account_id: str, user_ids: Iterable[str]) -> None:
    """Expect nothing of people in an account that is governed no longer."""
    ids = list(user_ids)
    for user_id in ids:
        for known in uow.attributes.provenance(user_id):
            if known.entitlement.startswith(f"{account_id}."):
                uow.attributes.remove_provenance(user_id, known.entitlement)
    users = uow.mirror.get_users(ids)
    uow.drift.put_expected(
        before.moved(
            {key: item for key, item in before.memberships.items() if key != account_id},
            without_membership(users[user_id], account_id) if user_id in users else None,
        )
        for user_id, before in uow.drift.expected(ids).items()
    )


def forget_baseline(uow: UnitOfWork, account_id: str) -> None:
    """Let an account that is governed again some day be new then: as it is found, it is a
    baseline. Nothing else takes an account out of what was compared before."""
    known = uow.facts().get(BASELINE)
    if known is None or account_id not in known["accounts"]:
        return
    rest = [item for item in known["accounts"] if item != account_id]
    uow.put_fact(BASELINE, {**known, "accounts": rest})


def know_account(uow: UnitOfWork, account_id: str) -> None:
    """Take an account's profiles and groups as they are: a person has just set them up so."""
    seen = known_entitlements(uow.mirror.catalogue())
    uow.drift.put_known(
        item for scim_id, item in seen.items() if scim_id.startswith(f"{account_id}.")
    )
    known = uow.drift.known_entitlements()
    uow.drift.remove_known(
        scim_id for scim_id in known if scim_id.startswith(f"{account_id}.") and scim_id not in seen
    )
