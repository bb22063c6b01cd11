"""Holds plans against the guards, when they are recorded and when they are resumed."""

from __future__ import annotations

from connector.domain.model import Catalogue
from connector.domain.naming.names import Names
from connector.domain.plan import DeleteGroup, Plan
from connector.domain.policy.guards import GuardContext, check, touched_users
from connector.errors import InvalidRequestError
from connector.ports import UnitOfWork
from connector.services.context import TenantContext


def refuse_if_unsafe(uow: UnitOfWork, context: TenantContext, plan: Plan) -> None:
    """Let a plan through.

    :raises connector.errors.GuardError: a rule refuses it.
    :raises connector.errors.InvalidRequestError: an account is governed no longer.
    """
    catalogue = uow.mirror.catalogue()
    _refuse_foreign_accounts(context, catalogue, plan)
    user_ids = {user_id for step in plan for user_id in touched_users(step)}
    accounts = {getattr(step, "account_id", "") for step in plan} - {""}
    check(
        plan,
        GuardContext(
            service_user_id=context.directory.service_user_id,
            users=uow.mirror.get_users(user_ids),
            catalogue=catalogue,
            count_users=uow.mirror.count_users,
            admin_counts={account: uow.mirror.count_admins(account) for account in accounts},
            group_sizes={
                (step.account_id, step.group_id): uow.mirror.group_size(
                    step.account_id, step.group_id
                )
                for step in plan
                if isinstance(step, DeleteGroup)
            },
            attribute_names=context.attribute_names,
            accounts=context.settings.accounts,
        ),
        context.settings.guards,
    )


def _refuse_foreign_accounts(context: TenantContext, catalogue: Catalogue, plan: Plan) -> None:
    """A plan may have waited while its account was taken out of the configuration."""
    governed = {account.account_id for account in context.settings.accounts}
    foreign = {getattr(step, "account_id", "") for step in plan} - governed - {""}
    if foreign:
        called = ", ".join(Names(catalogue).account(account_id) for account_id in sorted(foreign))
        raise InvalidRequestError(
            f"Account {called} is not in the configuration "
            f"(tenants.{context.tenant}.accounts); nothing is changed there."
        )
