"""Reads the profiles and groups of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog

from connector.domain.model import Account, DirectoryGroup, Profile
from connector.domain.plan import DeleteGroup
from connector.domain.policy.guards import Loss, refuse_mass_loss
from connector.logs import correlation_id
from connector.ports import GROUP, TOMBSTONE, GroupList, UnitOfWork
from connector.services.aggregation.runs import SYNC_JOB
from connector.services.bindings import bind
from connector.services.context import Actor, TenantContext
from connector.services.mirror.changes import overtaken_since, tombstone_id
from connector.services.mirror.writer import MirrorWriter

_log = structlog.get_logger(__name__)

_FEW = 2
"""So many profiles or groups of an account may always be gone at once. guards.max_affected_min is
a number of users, and accounts have fewer profiles than that."""


class CatalogueReader:
    """Fills the mirror's catalogue of one tenant."""

    def __init__(self, context: TenantContext, mirror: MirrorWriter) -> None:
        self._context = context
        self._directory = context.directory
        self._mirror = mirror

    def read(self, account: Account) -> Mapping[str, int]:
        """Write an account's profiles and groups as DocuSign has them; return how many there are,
        and as ``short_groups`` how many fewer were listed than DocuSign counts.

        :raises connector.errors.ConfigError: the account is in another organization than before.
        :raises GuardError: the lists lack so many that they are not to be believed.
        """
        profiles = self._directory.list_profiles(account.account_id)
        with self._context.read() as uow:
            marks = {kind: uow.resources.latest_change(kind) for kind in (GROUP, TOMBSTONE)}
        read = self._directory.list_groups(account.account_id)
        with self._context.write() as uow:
            listed = _with_unlisted(uow, account, read)
            groups = _with_newer(uow, account, listed, marks)
            bind(uow, self._context.settings, account)
            self._refuse_mass_loss(uow, account, profiles, groups)
            self._tell_of_gone(uow, account, groups)
            self._mirror.put_account_catalogue(uow, account, profiles, groups)
            uow.commit()
        counts = {"profiles": len(profiles), "groups": len(groups)}
        if read.missing:
            _log.warning("DocuSign counts more groups than it lists", missing=read.missing)
            counts["short_groups"] = read.missing
        return counts

    def _tell_of_gone(
        self, uow: UnitOfWork, account: Account, groups: Sequence[DirectoryGroup]
    ) -> None:
        """Write down which groups were deleted in DocuSign itself and who was in them, so that it
        stands in each member's history as a deletion over SCIM does.

        Whom a read has shown without the group already was in it as far as is expected.
        """
        shown = {item.group_id for item in groups}
        for group in uow.mirror.catalogue().groups.values():
            here = (group.account_id, group.group_id)
            if group.account_id != account.account_id or group.group_id in shown:
                continue
            members = {*uow.mirror.group_member_ids(*here), *uow.drift.expected_in_group(*here)}
            step = DeleteGroup(*here, group.name, tuple(sorted(members)))
            actor = Actor(f"job:{SYNC_JOB}", "job", correlation_id())
            facts = {"operation": step.to_dict()}
            self._context.audit(uow, actor, "group.gone", group.scim_id, **facts)

    def _refuse_mass_loss(
        self,
        uow: UnitOfWork,
        account: Account,
        profiles: Sequence[Profile],
        groups: Sequence[DirectoryGroup],
    ) -> None:
        catalogue, guards = uow.mirror.catalogue(), self._context.settings.guards
        here = account.account_id
        lists = (
            ("permission profiles", catalogue.profiles, {item.profile_id for item in profiles}),
            ("groups", catalogue.groups, {item.group_id for item in groups}),
        )
        for what, everywhere, shown in lists:
            known = {key[1]: item for key, item in everywhere.items() if key[0] == here}
            gone = [item.name for key, item in known.items() if key not in shown]
            loss = Loss(what, f"account {account.name}", len(gone), len(known), names=gone)
            refuse_mass_loss(loss, guards, at_least=_FEW, is_empty=not shown)


def _with_unlisted(uow: UnitOfWork, account: Account, read: GroupList) -> Sequence[DirectoryGroup]:
    """Return an account's groups; where DocuSign counts more than it listed, those that the mirror
    has stay."""
    if not read.missing:
        return read.groups
    known = uow.mirror.catalogue().groups
    groups = {key[1]: item for key, item in known.items() if key[0] == account.account_id}
    return list((groups | {item.group_id: item for item in read.groups}).values())


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
