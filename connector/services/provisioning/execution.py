"""One operation against DocuSign: how it is done."""

from __future__ import annotations

from functools import singledispatchmethod

from connector.domain.plan import (
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateGroup,
    CreateMembership,
    DeleteGroup,
    EndHandOver,
    HandOverEnvelopes,
    Operation,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.services.context import TenantContext
from connector.services.mirror.actual import keep_hand_over
from connector.services.mirror.writer import MirrorWriter
from connector.services.provisioning.confirmed_facts import (
    ConfirmedFacts,
    Performed,
    has_fields,
    may_have_profile,
    with_profile,
)


class Executor:
    """Carries single operations out. Errors are those of the :class:`connector.ports.Directory`."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter, facts: ConfirmedFacts) -> None:
        self._directory = context.directory
        self._mirror = mirror
        self._facts = facts

    @singledispatchmethod
    def perform(self, step: Operation) -> Performed:
        """Do one operation and return what DocuSign confirmed."""
        raise TypeError(f"no automatic fulfilment for {step.kind}")

    @perform.register
    def _(self, step: CreateMembership) -> Performed:
        return self._facts.joined(step, self._directory.create_member(step))

    @perform.register
    def _(self, step: ReopenMembership) -> Performed:
        return self._facts.member(step, self._directory.reopen_member(step), self._facts.opened)

    @perform.register
    def _(self, step: CloseMembership) -> Performed:
        self._directory.close_member(step.account_id, step.user_id, strip=step.strip)
        return self._facts.closed(step)

    @perform.register
    def _(self, step: SetProfile) -> Performed:
        self._directory.set_profile(step.account_id, step.user_id, step.profile_id)
        seen = self._facts.confirmed(step, may_have_profile(step))
        return self._facts.member(step, with_profile(seen, step.account_id, step.profile_id))

    @perform.register
    def _(self, step: UpdatePerson) -> Performed:
        self._directory.update_person(step.account_id, step.user_id, step.changes)
        return self._facts.member(step, self._facts.confirmed(step, has_fields(step)))

    @perform.register
    def _(self, step: ChangeEmail) -> Performed:
        self._directory.change_email(step.user_id, step.email, site_id=step.site_id)
        return self._facts.address_changed(step)

    @perform.register
    def _(self, step: AddGroupMembers) -> Performed:
        self._directory.add_group_members(step.account_id, step.group_id, step.user_ids)
        return Performed(step, lambda uow: self._mirror.add_group_members(uow, step))

    @perform.register
    def _(self, step: RemoveGroupMembers) -> Performed:
        self._directory.remove_group_members(step.account_id, step.group_id, step.user_ids)
        return Performed(step, lambda uow: self._mirror.remove_group_members(uow, step))

    @perform.register
    def _(self, step: CreateGroup) -> Performed:
        group = self._directory.create_group(step.account_id, step.name)
        return self._facts.group_created(step, group)

    @perform.register
    def _(self, step: RenameGroup) -> Performed:
        self._directory.rename_group(step.account_id, step.group_id, step.name)
        return Performed(step, lambda uow: self._mirror.rename_group(uow, step))

    @perform.register
    def _(self, step: DeleteGroup) -> Performed:
        self._directory.delete_group(step.account_id, step.group_id)
        return Performed(
            step, lambda uow: self._mirror.remove_group(uow, step.account_id, step.group_id)
        )

    @perform.register
    def _(self, step: HandOverEnvelopes) -> Performed:
        rule_id = self._directory.create_transfer_rule(
            step.account_id, step.user_id, step.to_user_id
        )
        return self._facts.handed_over(step, rule_id)

    @perform.register
    def _(self, step: EndHandOver) -> Performed:
        self._directory.delete_transfer_rule(step.account_id, step.rule_id)
        return Performed(step, lambda uow: keep_hand_over(uow, step.user_id, step.account_id, None))
