"""Adds to a plan what the leaver policy wants where somebody leaves an account, or comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connector.domain.model import Membership, User, fold
from connector.domain.plan import (
    CloseMembership,
    EndHandOver,
    HandOverEnvelopes,
    Operation,
    Plan,
    ReopenMembership,
    TakeCustody,
)
from connector.domain.policy.leaver_rules import in_words, rule_for
from connector.ports import UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.actual import handed_over
from connector.services.people import manager_of
from connector.settings import LeaverSettings


@dataclass(frozen=True)
class Succession:
    """What the policy does where somebody leaves an account, or did."""

    heir: User | None
    """Who takes over; None: nobody is named who could."""
    transfer_rule: bool
    """Whether DocuSign hands each envelope over once it is completed."""
    custody_task: bool
    """Whether a person moves what lies there."""
    rule: str = ""
    """What the rule of the policy fits, in words; once they have left: DocuSign's id of the rule
    in force."""
    is_over: bool = False
    """Whether they have left."""

    def in_words(self) -> str:
        """Return it as people read it."""
        heir = f"{self.heir.user_name} ({self.heir.email})" if self.heir else ""
        if self.is_over:
            return (
                f"Their envelopes go to {heir or 'somebody who is gone'}, each once it is "
                f"completed (DocuSign's transfer rule {self.rule})."
            )
        parts = [f"{heir} gets each envelope once it is completed"] if self.transfer_rule else []
        if self.custody_task:
            to = f" to {heir}" if heir else ""
            parts.append(f"a task opens for a person who moves what lies there{to}")
        nothing = "nothing is moved" + ("" if heir else ": nobody is known who could take over")
        told = ", and ".join(parts) or nothing
        return f"When they leave, {told} (rule: {self.rule})."


class Leavers:
    """The leaver policy of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

    def successions(self, user_id: str) -> Mapping[str, Succession]:
        """Return, by account, what becomes of what somebody owns there when they leave, and who
        has it by a transfer rule since they left; accounts without either are left out."""
        with self._context.read() as uow:
            user = uow.mirror.get_users([user_id]).get(user_id)
            if user is None:
                return {}
            found = {}
            for membership in user.open_memberships():
                if (rule := self._rule(uow, membership)) is not None:
                    heir = self._heir(uow, rule, user, membership.account_id)
                    by_rule = rule.transfer_rule and heir is not None
                    found[membership.account_id] = Succession(
                        heir, by_rule, rule.custody_task, in_words(rule)
                    )
            given = handed_over(uow, user_id)
            heirs = uow.mirror.get_users({to for _, to in given.values()})
            for account_id, (rule_id, to) in given.items():
                if account_id not in found:
                    found[account_id] = Succession(heirs.get(to), True, False, rule_id, True)
            return found

    def with_custody(self, uow: UnitOfWork, plan: Plan) -> Plan:
        """Return the plan with the transfer rule before each closing, the task for a person at the
        end, and the end of the rule before somebody comes back."""
        steps: list[Operation] = []
        tasks: list[Operation] = []
        for step in plan:
            if isinstance(step, CloseMembership) and step.user_id:
                before, task = self._for_leaver(uow, step)
                steps += before
                tasks += task
            elif isinstance(step, ReopenMembership):
                rule = handed_over(uow, step.user_id).get(step.account_id)
                if rule is not None:
                    steps.append(EndHandOver(step.account_id, step.user_id, *rule))
            steps.append(step)
        return Plan((*steps, *tasks))

    def _for_leaver(
        self, uow: UnitOfWork, step: CloseMembership
    ) -> tuple[list[Operation], list[Operation]]:
        has_rules = bool(self._context.settings.leavers)
        user = uow.mirror.get_users([step.user_id]).get(step.user_id) if has_rules else None
        membership = user.memberships.get(step.account_id) if user else None
        if user is None or membership is None or not membership.status.is_open:
            return [], []  # Nobody leaves: the account was closed, or open for a moment only.
        rule = self._rule(uow, membership)
        if rule is None:
            return [], []
        heir = self._heir(uow, rule, user, step.account_id)
        before: list[Operation] = []
        if rule.transfer_rule and heir is not None:
            before = [HandOverEnvelopes(step.account_id, step.user_id, heir.user_id)]
        task = [TakeCustody(step.account_id, step.user_id, heir.email if heir else "")]
        return before, list[Operation](task) if rule.custody_task else []

    def _rule(self, uow: UnitOfWork, membership: Membership) -> LeaverSettings | None:
        if not self._context.settings.leavers:
            return None
        catalogue, account_id = uow.mirror.catalogue(), membership.account_id
        account = catalogue.accounts.get(account_id)
        aliases = {item.account_id: item.alias for item in self._context.settings.accounts}
        names = [account_id, aliases.get(account_id, ""), account.name if account else ""]
        return rule_for(self._context.settings.leavers, membership, catalogue, names)

    def _heir(
        self, uow: UnitOfWork, rule: LeaverSettings, leaver: User, account_id: str
    ) -> User | None:
        """Return who takes over: an open member of the account other than the leaver."""
        wanted = rule.hand_over_to
        address = manager_of(uow, leaver.user_id) if wanted == "manager" else wanted
        for user in uow.mirror.users_by_email([fold(address)]).get(fold(address), ()):
            membership = user.memberships.get(account_id)
            if user.user_id != leaver.user_id and membership and membership.status.is_open:
                return user
        return None
