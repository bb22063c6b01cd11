"""Writes the resources of Groups: DocuSign's own, and profiles and roles that are shown as Groups.

``lastModified`` of a Group moves whenever its members or its content do, so that time stands for
the members in the version: a digest of a hundred thousand ids is never computed. It has to be
exactly the ``lastModified`` that is stored with it, or the next rendering would find a difference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial

from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import (
    Account,
    DirectoryGroup,
    Profile,
    User,
    profile_group_scim_id,
    role_group_scim_id,
)
from connector.domain.planning import confirmed_roles
from connector.ports import GROUP, ResourceRow, UnitOfWork
from connector.services.context import TenantContext
from connector.services.mirror.changes import put_settled, stamp
from connector.services.mirror.documents import row_changed
from connector.services.mirror.presentation import Presenter
from mappings.model import Role

Renderers = Mapping[str, Callable[..., ResourceRow]]
"""By SCIM id, what renders a Group once its attributes, its times and its digest are known."""


class GroupRows:
    """Renders the Groups of one tenant and writes those that changed."""

    def __init__(self, context: TenantContext, presenter: Presenter) -> None:
        self._context = context
        self._presenter = presenter

    def put_groups(
        self, uow: UnitOfWork, groups: Iterable[DirectoryGroup], *, members_changed: bool = False
    ) -> None:
        """Write DocuSign groups.

        :param members_changed: somebody joined or left each of them, so each gets a new version.
        """
        accounts = uow.mirror.catalogue().accounts
        renderers = {
            group.scim_id: partial(self._presenter.group, group, accounts.get(group.account_id))
            for group in groups
        }
        self._put(uow, renderers, members_changed=members_changed)

    def put_profiles(
        self,
        uow: UnitOfWork,
        account: Account,
        profiles: Iterable[Profile],
        *,
        members_changed: bool = False,
    ) -> None:
        """Write an account's profiles, where the tenant shows them as Groups."""
        if "profiles" in self._context.settings.scim.show_as_groups:
            renderers = {
                profile_group_scim_id(item.account_id, item.profile_id): partial(
                    self._presenter.profile_group, item, account
                )
                for item in profiles
            }
            self._put(uow, renderers, members_changed=members_changed)

    def put_roles(
        self, uow: UnitOfWork, roles: Iterable[Role], *, members_changed: bool = False
    ) -> None:
        """Write roles, where the tenant shows them as Groups."""
        if "roles" in self._context.settings.scim.show_as_groups:
            renderers = {
                role_group_scim_id(role.role_id): partial(self._presenter.role_group, role)
                for role in roles
            }
            self._put(uow, renderers, members_changed=members_changed)

    def touch_shown(
        self, uow: UnitOfWork, before: Mapping[str, User], users: Sequence[User]
    ) -> None:
        """Give profiles and roles that are shown as Groups a new version when members changed.

        :param before: the users as they were, by id; who is new is missing.
        """
        if not self._context.settings.scim.show_as_groups:
            return
        profiles: set[tuple[str, str]] = set()
        roles: set[str] = set()
        for user in users:
            known = before.get(user.user_id)
            profiles |= _profiles(known) ^ _profiles(user)
            roles |= (confirmed_roles(known) if known else frozenset()) ^ confirmed_roles(user)
        catalogue = uow.mirror.catalogue()
        for key in sorted(profiles & set(catalogue.profiles)):
            account = catalogue.accounts[key[0]]
            self.put_profiles(uow, account, [catalogue.profiles[key]], members_changed=True)
        touched = [self._context.policy.roles[role] for role in sorted(roles)]
        self.put_roles(uow, touched, members_changed=True)

    def refresh(self, uow: UnitOfWork, scim_id: str) -> None:
        """Render one Group again, for example after its external id changed."""
        catalogue = uow.mirror.catalogue()
        self.put_groups(
            uow, [item for item in catalogue.groups.values() if item.scim_id == scim_id]
        )
        for profile in catalogue.profiles.values():
            if profile_group_scim_id(profile.account_id, profile.profile_id) == scim_id:
                self.put_profiles(uow, catalogue.accounts[profile.account_id], [profile])
        roles = self._context.policy.roles.values()
        self.put_roles(uow, [role for role in roles if role_group_scim_id(role.role_id) == scim_id])

    def _put(self, uow: UnitOfWork, renderers: Renderers, *, members_changed: bool) -> None:
        if not renderers:
            return
        now = stamp(uow, GROUP, self._context.clock.now())
        old_rows = uow.resources.rows(GROUP, renderers)
        attributes: Mapping[str, ClientAttributes] = uow.attributes.get(GROUP, renderers)
        rows = []
        for scim_id, render in renderers.items():
            old = old_rows.get(scim_id)
            finish = partial(render, attributes.get(scim_id), created_at=now, last_modified_at=now)
            row = None
            if old is not None and not members_changed:
                row = finish(member_digest=old.last_modified_at.isoformat())
            if row is None or row_changed(old, row):
                row = finish(member_digest=now.isoformat())
            rows.append(row)
        put_settled(uow, rows, old_rows)


def _profiles(user: User | None) -> AbstractSet[tuple[str, str]]:
    if user is None:
        return frozenset()
    return {
        (item.account_id, item.profile_id)
        for item in user.open_memberships()
        if item.profile_id is not None
    }
