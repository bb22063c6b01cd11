"""What a plan changes besides DocuSign: the client's own attributes, tombstones, provenance.

It is carried in the plan's ``context`` and applied with the last automatic operation, so that a
plan that fails leaves it untouched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.domain.ledger.plans import OperationRecord, OperationState, PlanRecord
from connector.domain.ledger.resources import ClientAttributes, Provenance, Tombstone
from connector.domain.model import group_scim_id, profile_scim_id
from connector.domain.plan import (
    AddGroupMembers,
    CloseMembership,
    CreateMembership,
    Operation,
    RemoveGroupMembers,
    ReopenMembership,
    SetProfile,
)
from connector.domain.planning import Statement
from connector.ports import GROUP, USER, UnitOfWork
from connector.services.context import TenantContext
from connector.services.expectations import STATES, follow_plan, state
from connector.services.mirror.actual import (
    closed_memory,
    handed_over,
    keep_hand_over,
    load_attributes,
    put_remembered,
)
from connector.services.mirror.writer import MirrorWriter

FORGETS = "forgets"
"""In a plan's context: profiles, as account and profile id, that an inactive person is not given
again."""
FORGETS_OF_MANY = "forgets_of_many"
"""The same by user id, in a plan about many users."""


class Subjects:
    """Applies the part of a plan that is ours alone."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._mirror = mirror

    def conclude(self, uow: UnitOfWork, plan: PlanRecord) -> None:
        """Apply what the plan's context asks for; doing it twice changes nothing."""
        if plan.subject_id is None:
            return
        state(uow, plan, lambda: self._context.book(uow.mirror.catalogue()))
        for user_id, taken in plan.context.get(FORGETS_OF_MANY, {}).items():
            _forget(uow, user_id, plan, taken)
        if plan.subject_kind == USER:
            self._conclude_user(uow, plan.subject_id, plan)
        elif keep_attributes(uow, plan.subject_id, plan.context, kind=GROUP):
            self._mirror.refresh_group(uow, plan.subject_id)

    def _conclude_user(self, uow: UnitOfWork, user_id: str, plan: PlanRecord) -> None:
        changed = keep_attributes(uow, user_id, plan.context)
        _forget(uow, user_id, plan, plan.context.get(FORGETS, ()))
        if plan.context.get("delete"):
            self._bury(uow, user_id, plan)
            changed = True
        elif plan.context.get("return"):
            uow.attributes.remove_tombstone(USER, user_id)
            changed = True
        if changed:
            self._mirror.rerender_users(uow, [user_id])

    def show_queue(self, uow: UnitOfWork, plan: PlanRecord) -> None:
        """Render again whose list of pending changes a plan joined or left."""
        if plan.subject_kind == USER and plan.subject_id is not None:
            self._mirror.rerender_users(uow, [plan.subject_id])

    def withdraw(self, uow: UnitOfWork, plan: PlanRecord) -> None:
        """Bury somebody whose creation failed and was undone, so that the address is free for the
        next attempt; an attempt that was not undone stays visible, because it is there."""
        if not plan.context.get("create") or plan.subject_id is None:
            return
        user = uow.mirror.get_users([plan.subject_id])[plan.subject_id]
        if not any(user.open_memberships()):
            self._bury(uow, plan.subject_id, plan)
            self._mirror.rerender_users(uow, [plan.subject_id])

    def _bury(self, uow: UnitOfWork, user_id: str, plan: PlanRecord) -> None:
        """Leave a tombstone; the client's attributes go, the external ids stay to know them by."""
        if uow.attributes.is_deleted(USER, [user_id]):
            return
        user = uow.mirror.get_users([user_id])[user_id]
        external_ids = load_attributes(uow, user_id).external_ids
        uow.attributes.add_tombstone(
            Tombstone(
                USER,
                user_id,
                user.email_key,
                external_ids,
                self._context.clock.now(),
                plan.requester,
            )
        )
        hand_overs = handed_over(uow, user_id)
        uow.attributes.remove(USER, user_id)
        for account_id, rule in hand_overs.items():
            # Should the same person come back, the rule has to end.
            keep_hand_over(uow, user_id, account_id, rule)


def _forget(
    uow: UnitOfWork, user_id: str, plan: PlanRecord, taken: Iterable[Sequence[str]]
) -> None:
    """Let enabling the person some day give nothing that was taken from them.

    In place of a profile comes the baseline. Accounts that a list of what they shall hold leaves
    out are not opened again; so it is with whoever comes back by a creation, which says the whole.

    :param taken: profiles, as account and profile id.
    """
    profiles = {(account_id, profile_id) for account_id, profile_id in taken}
    listed = _listed(uow, user_id, plan)
    if not profiles and listed is None:
        return
    user = uow.mirror.get_users([user_id]).get(user_id)
    if user is None:
        return
    before = closed_memory(uow, user).to_return
    after = {
        account_id: replace(held, profile_id=None)
        if (account_id, held.profile_id) in profiles
        else held
        for account_id, held in before.items()
        if listed is None or account_id in listed
    }
    if after != before:
        # Of whom nothing was remembered, what is left of the last known profiles is from now on.
        put_remembered(uow, user_id, after)


def _listed(uow: UnitOfWork, user_id: str, plan: PlanRecord) -> Collection[str] | None:
    """Return the accounts outside of which a request wants nobody; None where it says no such
    thing. A list without any element takes the profiles, and leaves where the person was."""
    if plan.context.get("return"):
        user = uow.mirror.get_users([user_id])[user_id]
        opened = {item.account_id for item in user.open_memberships()}
        _, records = uow.plans.get(plan.plan_id)
        for step in (record.operation for record in records):
            if isinstance(step, CreateMembership | ReopenMembership):
                opened.add(step.account_id)
        return opened
    said = Statement.from_dict(plan.context.get(STATES, {}))
    if not said.profiles or said.accounts is not None:
        return None
    return {account_id for account_id, _ in said.profiles}


def keep_attributes(
    uow: UnitOfWork, scim_id: str, context: Mapping[str, Any], *, kind: str = USER
) -> bool:
    """Keep what a request said and DocuSign cannot hold; return whether anything changed.

    Entries whose name starts with ``_`` are the connector's own and stay.
    """
    if "external_id_scope" not in context:
        return False
    before = uow.attributes.get(kind, [scim_id]).get(scim_id) or ClientAttributes(kind, scim_id)
    scope = context["external_id_scope"]
    external_ids = {key: value for key, value in before.external_ids.items() if key != scope}
    if context.get("external_id"):
        external_ids[scope] = context["external_id"]
    own = {key: value for key, value in before.kept.items() if key.startswith("_")}
    after = replace(before, external_ids=external_ids, kept={**context.get("kept", {}), **own})
    if after == before:
        return False
    uow.attributes.put(after)
    return True


def record_provenance(
    uow: UnitOfWork, plan: PlanRecord, records: Sequence[OperationRecord]
) -> None:
    """Write down who gave what, and forget what was taken, by the operations that were done; what
    is expected of DocuSign follows them.

    Called at the end of a plan: what is undone before never happened. Doing it twice changes
    nothing.
    """
    for record in records:
        if record.state is not OperationState.DONE or record.finished_at is None:
            continue
        for user_id, entitlement in _taken(uow, record.operation):
            uow.attributes.remove_provenance(user_id, entitlement)
        for user_id, entitlement in _given(record.operation):
            uow.attributes.put_provenance(
                Provenance(
                    user_id,
                    entitlement,
                    plan.plan_id,
                    plan.requester,
                    plan.source,
                    record.finished_at,
                )
            )
    follow_plan(uow, records)


def _given(step: Operation) -> Iterator[tuple[str, str]]:
    """Return user id and entitlement for each that a step gives."""
    if isinstance(step, AddGroupMembers):
        for user_id in step.user_ids:
            yield user_id, group_scim_id(step.account_id, step.group_id)
    elif isinstance(step, CreateMembership | ReopenMembership) and step.user_id:
        yield step.user_id, profile_scim_id(step.account_id, step.profile_id)
        for group_id in step.group_ids:
            yield step.user_id, group_scim_id(step.account_id, group_id)
    elif isinstance(step, SetProfile):
        yield step.user_id, profile_scim_id(step.account_id, step.profile_id)


def _taken(uow: UnitOfWork, step: Operation) -> Iterator[tuple[str, str]]:
    """Return user id and entitlement for each that a step takes."""
    if isinstance(step, RemoveGroupMembers):
        for user_id in step.user_ids:
            yield user_id, group_scim_id(step.account_id, step.group_id)
    elif isinstance(step, SetProfile) and step.previous_profile_id:
        yield step.user_id, profile_scim_id(step.account_id, step.previous_profile_id)
    elif isinstance(step, CloseMembership):
        for known in uow.attributes.provenance(step.user_id):
            if known.entitlement.startswith(f"{step.account_id}."):
                yield step.user_id, known.entitlement
