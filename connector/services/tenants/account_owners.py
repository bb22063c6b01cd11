"""Which tenant holds a DocuSign account: an id belongs to one of them, for life."""

from __future__ import annotations

from collections.abc import Sequence

from connector.ports import UnitOfWork
from connector.settings import TenantSettings


def account_problems(uow: UnitOfWork, settings: TenantSettings) -> Sequence[str]:
    """Return one line for each account of a tenant that another one holds.

    :param uow: of the installation.
    """
    owners = uow.tenants.owners(item.account_id for item in settings.accounts)
    return [
        _problem(settings.name, place, item.account_id, owners[item.account_id])
        for place, item in enumerate(settings.accounts)
        if owners.get(item.account_id, settings.name) != settings.name
    ]


def _problem(name: str, place: int, account_id: str, owner: str) -> str:
    return (
        f"tenants.{name}.accounts[{place}].account_id: {account_id} belongs to the tenant "
        f"{owner!r}, for life. It is free again when that one lets go of it (`docusign-iga sync "
        f"--tenant {owner} --forget-account {account_id}`) or is removed"
    )


def claim_accounts(uow: UnitOfWork, settings: TenantSettings) -> bool:
    """Let a tenant hold its accounts, which no other holds; return whether any was free."""
    ids = {item.account_id for item in settings.accounts}
    free = sorted(ids - set(uow.tenants.owners(ids)))
    if free:
        uow.tenants.claim(free, settings.name)
    return bool(free)
