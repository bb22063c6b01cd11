"""Reads the profiles and groups of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from connector.domain.model import Account, DirectoryGroup
from connector.ports import GROUP, TOMBSTONE, UnitOfWork
from connector.services.bindings import bind
from connector.services.changes import overtaken_since, tombstone_id
from connector.services.context import TenantContext
from connector.services.mirror import MirrorWriter


class CatalogueReader:
    """Fills the mirror's catalogue of one tenant."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror

    def read(self, account: Account) -> tuple[int, int]:
        """Write an account's profiles and groups as DocuSign has them; return how many there are.

        :raises connector.errors.ConfigError: the account is in another organization than before.
        """
        profiles = self._directory.list_profiles(account.account_id)
        with self._context.read() as uow:
            marks = {kind: uow.resources.latest_change(kind) for kind in (GROUP, TOMBSTONE)}
        read = self._directory.list_groups(account.account_id)
        with self._context.write() as uow:
            groups = _with_newer(uow, account, read, marks)
            bind(uow, self._context.settings, account)
            self._mirror.put_account_catalogue(uow, account, profiles, groups)
            uow.commit()
        return len(profiles), len(groups)


def _with_newer(
    uow: UnitOfWork,
    account: Account,
    read: Sequence[DirectoryGroup],
    marks: Mapping[str, datetime | None],
) -> list[DirectoryGroup]:
    """Return an account's groups as they were read, save what somebody made, changed or deleted
    meanwhile: of that the mirror knows more."""
    known = {
        item.scim_id: item
        for item in uow.mirror.catalogue().groups.values()
        if item.account_id == account.account_id
    }
    groups = {item.scim_id: item for item in read}
    for scim_id in overtaken_since(uow, known, marks[GROUP], GROUP):
        groups[scim_id] = known[scim_id]
    places = {tombstone_id(GROUP, scim_id): scim_id for scim_id in groups}
    for place in overtaken_since(uow, places, marks[TOMBSTONE], TOMBSTONE):
        del groups[places[place]]
    return list(groups.values())
