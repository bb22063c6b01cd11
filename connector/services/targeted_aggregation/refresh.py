"""Reads single users again from DocuSign, so that a change is planned against what is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connector.domain.mirror.merge import merge_member, merge_person
from connector.domain.model import User
from connector.errors import ConnectorError, TemporaryError
from connector.ports import USER
from connector.services.context import TenantContext
from connector.services.mirror.changes import READ_ROUNDS, OvertakenError, overtaken_since
from connector.services.mirror.writer import MirrorWriter
from connector.services.targeted_aggregation.reader import TargetedReader, is_about_one

_log = structlog.get_logger(__name__)

_CONFIRM_AFTER = timedelta(days=7)
"""A role that is read again without a change is noted so often: each time moves the resource."""


class RefreshService:
    """Targeted reads of one tenant."""

    def __init__(
        self, context: TenantContext, mirror: MirrorWriter, reader: TargetedReader
    ) -> None:
        self._context = context
        self._mirror = mirror
        self._reader = reader

    def claimed_domains(self) -> frozenset[str] | None:
        """Return the organization's claimed domains; None if unknown."""
        try:
            return self._context.directory.claimed_domains()
        except TemporaryError:
            return None

    def refresh_if_stale(self, user_id: str) -> None:
        """Read a user again where the copy is older than ``fresh_for_s``.

        :raises TemporaryError: DocuSign cannot be asked.
        """
        settings = self._context.settings.provisioning
        with self._context.read() as uow:
            fetched_at = uow.mirror.fetched_at(user_id)
        if fetched_at is None:
            return
        if self._context.clock.now() - fetched_at <= timedelta(seconds=settings.fresh_for_s):
            return
        self.refresh(user_id)

    def refresh(self, user_id: str) -> None:
        """Read a user's memberships in every governed account, one call each."""
        with self._context.read() as uow:
            is_known = user_id in uow.mirror.get_users([user_id])
        if is_known:
            self._reader.read_everywhere(user_id)

    def refresh_roles(self, user_id: str) -> None:
        """Read again whether a user is an organization administrator (one Admin API call)."""
        if not self._context.directory.has_organization:
            return
        with self._context.read() as uow:
            known = uow.mirror.get_users([user_id]).get(user_id)
        if known is None:
            return
        people = self._context.directory.get_people(known.email)
        person = next((item for item in people if item.user_id == user_id), None)
        if person is None:
            return
        now = self._context.clock.now()
        with self._context.write() as uow:
            current = uow.mirror.get_users([user_id])[user_id]
            if is_confirmed(current, person, now):
                return
            confirmed = replace(person, organization_admin_verified_at=now)
            self._mirror.put_users(uow, [merge_person(current, confirmed)])
            uow.commit()

    def refresh_roles_among(self, user_id: str) -> bool:
        """Read one of many as :meth:`refresh_roles` does, and return whether DocuSign showed them.
        One whom it cannot show keeps nobody else from being read.

        :raises connector.errors.ConnectorError: DocuSign stood in the way, and shows nobody.
        """
        try:
            self.refresh_roles(user_id)
        except ConnectorError as error:
            if not is_about_one(error, lambda: self._shows_others(user_id), if_final=True):
                raise
            _log.warning("an organization role cannot be read", user=user_id, error=str(error))
            return False
        return True

    def _shows_others(self, user_id: str) -> bool:
        """Return whether the organization shows the service user."""
        other = self._context.directory.service_user_id
        with self._context.read() as uow:
            known = uow.mirror.get_users([other]).get(other)
        if known is None or other == user_id:
            return False
        try:
            self._context.directory.get_people(known.email)
        except ConnectorError:
            return False
        return True

    def find_address(self, email: str) -> Sequence[User]:
        """Read who is on an address in every governed account, write it and return it.

        :raises OvertakenError: others write these people without a pause.
        """
        for _ in range(READ_ROUNDS):
            asked_at = self._context.clock.now()
            with self._context.read() as uow:
                mark = uow.resources.latest_change(USER)
            found = self._on_address(email)
            if not found:
                return ()
            with self._context.write() as uow:
                if overtaken_since(uow, found, mark):
                    continue
                known = uow.mirror.get_users(found)
                merged = [_joined(known.get(user_id), user) for user_id, user in found.items()]
                self._mirror.put_users(uow, merged, asked_at=asked_at)
                uow.commit()
            return merged
        raise OvertakenError(f"the users of {email}")

    def _on_address(self, email: str) -> Mapping[str, User]:
        found: dict[str, User] = {}
        for account in self._context.settings.accounts:
            for seen in self._context.directory.find_members(account.account_id, email):
                found[seen.user_id] = merge_member(found.get(seen.user_id), seen)
        return found


def is_confirmed(known: User, person: User, now: datetime) -> bool:
    """Return whether there is nothing to note: the same was read not long ago."""
    noted_at = known.organization_admin_verified_at
    is_same = known.is_organization_admin == person.is_organization_admin
    has_site = person.site_id in (None, known.site_id)
    is_recent = noted_at is not None and timedelta(0) <= now - noted_at < _CONFIRM_AFTER
    return is_same and has_site and is_recent


def _joined(known: User | None, seen: User) -> User:
    for membership in seen.memberships.values():
        known = merge_member(known, replace(seen, memberships={membership.account_id: membership}))
    return known or seen
