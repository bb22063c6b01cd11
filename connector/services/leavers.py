"""Adds to a plan what the leaver policy wants where somebody leaves an account, or comes back."""

from __future__ import annotations

from connector.domain.leavers import rule_for
from connector.domain.model import User, fold
from connector.domain.plan import (
    CloseMembership,
    EndHandOver,
    HandOverEnvelopes,
    Operation,
    Plan,
    ReopenMembership,
    TakeCustody,
)
from connector.ports import UnitOfWork
from connector.services.actual import handed_over
from connector.services.context import TenantContext
from connector.services.people import manager_of
from connector.settings import LeaverSettings


class Leavers:
    """The leaver policy of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context

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
        rules = self._context.settings.leavers
        user = uow.mirror.get_users([step.user_id]).get(step.user_id) if rules else None
        membership = user.memberships.get(step.account_id) if user else None
        if user is None or membership is None or not membership.status.is_open:
            return [], []  # Nobody leaves: the account was closed, or open for a moment only.
        rule = rule_for(rules, membership, uow.mirror.catalogue(), self._names(uow, step))
        if rule is None:
            return [], []
        heir = self._heir(uow, rule, user, step.account_id)
        before: list[Operation] = []
        if rule.transfer_rule and heir is not None:
            before = [HandOverEnvelopes(step.account_id, step.user_id, heir.user_id)]
        task = [TakeCustody(step.account_id, step.user_id, heir.email if heir else "")]
        return before, list[Operation](task) if rule.custody_task else []

    def _names(self, uow: UnitOfWork, step: CloseMembership) -> list[str]:
        account = uow.mirror.catalogue().accounts.get(step.account_id)
        aliases = [a.alias for a in self._context.settings.accounts]
        ids = [a.account_id for a in self._context.settings.accounts]
        alias = dict(zip(ids, aliases, strict=True)).get(step.account_id, "")
        return [step.account_id, alias, account.name if account else ""]

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
