"""Reads the profiles and groups of an account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import TypeVar

import structlog

from connector.domain.ledger.plans import OperationState
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

_Item = TypeVar("_Item", Profile, DirectoryGroup)

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
            self._compare(uow, account, profiles, groups)
            self._mirror.put_account_catalogue(uow, account, profiles, groups)
            uow.commit()
        counts = {"profiles": len(profiles), "groups": len(groups)}
        if read.missing:
            _log.warning("DocuSign counts more groups than it lists", missing=read.missing)
            counts["short_groups"] = read.missing
        return counts

    def _compare(
        self,
        uow: UnitOfWork,
        account: Account,
        profiles: Sequence[Profile],
        groups: Sequence[DirectoryGroup],
    ) -> None:
        """Hold the lists against what is known: refuse those that lack too much, and tell of the
        groups that are gone.

        :raises GuardError: a list lacks so many that it is not to be believed.
        """
        catalogue = uow.mirror.catalogue()
        listed = {item.profile_id for item in profiles}
        self._gone(account, "permission profiles", _here(account, catalogue.profiles), listed)
        listed = {item.group_id for item in groups}
        gone = self._gone(account, "groups", _here(account, catalogue.groups), listed)
        self._tell_of_gone(uow, gone)

    def _gone(
        self,
        account: Account,
        what: str,
        known: Mapping[str, _Item],
        listed: AbstractSet[str],
    ) -> Sequence[_Item]:
        """Return what of an account is known and no longer listed."""
        gone = [item for key, item in known.items() if key not in listed]
        names = [item.name for item in gone]
        loss = Loss(what, f"account {account.name}", len(gone), len(known), names=names)
        guards = self._context.settings.guards
        refuse_mass_loss(loss, guards, at_least=_FEW, is_empty=not listed)
        return gone

    def _tell_of_gone(self, uow: UnitOfWork, gone: Sequence[DirectoryGroup]) -> None:
        """Write down which groups are gone and who was in them, so that it stands in each member's
        history as a deletion over SCIM does.

        Whom a read has shown without the group already was in it as far as is expected.
        """
        for group in gone:
            if _is_being_deleted(uow, group):
                continue
            here = (group.account_id, group.group_id)
            members = {*uow.mirror.group_member_ids(*here), *uow.drift.expected_in_group(*here)}
            step = DeleteGroup(*here, group.name, tuple(sorted(members)))
            actor = Actor(f"job:{SYNC_JOB}", "job", correlation_id())
            facts = {"operation": step.to_dict()}
            self._context.audit(uow, actor, "group.gone", group.scim_id, **facts)


def _here(account: Account, everywhere: Mapping[tuple[str, str], _Item]) -> Mapping[str, _Item]:
    return {key[1]: item for key, item in everywhere.items() if key[0] == account.account_id}


def _is_being_deleted(uow: UnitOfWork, group: DirectoryGroup) -> bool:
    """Whether DocuSign was asked to delete a group, and what became of that is not recorded yet:
    the deletion is told as what was asked for then."""
    plans = [plan.plan_id for plan in uow.plans.open_for_subject(GROUP, group.scim_id)]
    return any(
        isinstance(item.operation, DeleteGroup) and item.state is OperationState.IN_FLIGHT
        for items in uow.plans.operations_of(plans).values()
        for item in items
    )


def _with_unlisted(uow: UnitOfWork, account: Account, read: GroupList) -> Sequence[DirectoryGroup]:
    """Return an account's groups; where DocuSign counts more than it listed, those that the mirror
    has stay."""
    if not read.missing:
        return read.groups
    known = _here(account, uow.mirror.catalogue().groups)
    return list({**known, **{item.group_id: item for item in read.groups}}.values())


def _with_newer(
    uow: UnitOfWork,
    account: Account,
    read: Sequence[DirectoryGroup],
    marks: Mapping[str, datetime | None],
) -> list[DirectoryGroup]:
    """Return an account's groups as they were read, save what somebody made, changed or deleted
    meanwhile: of that the mirror knows more."""
    here = _here(account, uow.mirror.catalogue().groups)
    known = {item.scim_id: item for item in here.values()}
    groups = {item.scim_id: item for item in read}
    for scim_id in overtaken_since(uow, known, marks[GROUP], GROUP):
        groups[scim_id] = known[scim_id]
    places = {tombstone_id(GROUP, scim_id): scim_id for scim_id in groups}
    for place in overtaken_since(uow, places, marks[TOMBSTONE], TOMBSTONE):
        del groups[places[place]]
    return list(groups.values())
