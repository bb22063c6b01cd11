"""What people see of users, accounts and groups: read models for pages, from the mirror and the
ledger. Nothing here asks DocuSign, and nothing loads a table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from connector.domain.audit.chain import told_steps
from connector.domain.audit.events import AuditEvent, AuditFilter
from connector.domain.authentication.api_clients import ApiClient
from connector.domain.ledger.job_runs import JobRun
from connector.domain.ledger.resources import Provenance
from connector.domain.model import ORGANIZATION_ADMIN, Account, Catalogue, User, fold
from connector.domain.plan import Operation, operation_from_dict
from connector.domain.work_items.items import CLOSED_STATES, OPEN_STATES
from connector.errors import InvalidFilterError, InvalidRequestError, NotFoundError
from connector.ports import USER, ResourceQuery, UnitOfWork
from connector.services.browsing.accounts import AccountReader
from connector.services.browsing.client_facts import client_facts
from connector.services.browsing.search import holding, user_filter, user_line
from connector.services.browsing.views import (
    AccountDetail,
    AccountLine,
    EventPage,
    Held,
    HeldMembership,
    ItemPage,
    ItemQuery,
    Labels,
    RoleLine,
    UserDetail,
    UserPage,
    UserQuery,
)
from connector.services.context import TenantContext
from connector.services.inbox.colleagues import Colleague, colleagues
from connector.services.inbox.search import resolved
from connector.services.mirror.actual import load_attributes
from connector.services.naming import names_for
from connector.services.people import user_ids_of
from mappings.model import Meaning

PAGE = 50
"""Lines of a page: what fits a few screens, and costs milliseconds."""
_NAMED_AT_MOST = 10
"""Of several who may be meant: what somebody picks from."""
_UNSEEN_IN_TIMELINE = ("docusign.called", "request.received")


class Browser:
    """Read models of one tenant."""

    def __init__(self, context: TenantContext) -> None:
        self._context = context
        self._accounts = AccountReader(context)

    # users --------------------------------------------------------------------

    def users(self, query: UserQuery) -> UserPage:
        """Return a page of the users whom SCIM shows, or of those whom it no longer shows.

        :raises InvalidRequestError: no database can hold what is searched for.
        """
        wanted = ResourceQuery(
            USER,
            user_filter(query),
            holding=holding(query),
            deleted=query.deleted,
            count=query.limit,
            after=query.after,
        )
        deleted: Collection[str] = ()
        try:
            with self._context.read() as uow:
                page = uow.resources.search(wanted)
                if query.deleted is not False:
                    ids = [item.scim_id for item in page.resources]
                    deleted = uow.attributes.is_deleted(USER, ids)
        except InvalidFilterError as error:
            raise InvalidRequestError(f"Search for something else: {error}") from error
        lines = [
            user_line(orjson.loads(item.document), deleted=item.scim_id in deleted)
            for item in page.resources
        ]
        return UserPage(lines, None if query.after else page.total, page.next_after)

    def user(self, user_id: str) -> UserDetail:
        """Return everything known of one user, seen by SCIM or not.

        :raises NotFoundError: the mirror has no such user.
        """
        with self._context.read() as uow:
            user = uow.mirror.get_users([user_id]).get(user_id)
            if user is None:
                raise NotFoundError(f"There is no user {user_id}.")
            catalogue = uow.mirror.catalogue()
            reasons = {item.entitlement: item for item in uow.attributes.provenance(user_id)}
            same_address = uow.mirror.get_users(user_ids_of(uow, user.email)).values()
            attributes = load_attributes(uow, user_id)
            items = uow.work_items.search(subject_ids=[user_id])[::-1]
            shown = {item.plan_id for item in items if item.state.is_open}
            plans = uow.plans.open_for_subject(USER, user_id)
            return UserDetail(
                user=user,
                memberships=self._memberships(user, catalogue, reasons),
                roles=self._roles(user, attributes.attested_roles, reasons),
                items=items,
                others=[item for item in same_address if item.user_id != user_id],
                fetched_at=uow.mirror.fetched_at(user_id),
                deleted=user_id in uow.attributes.is_deleted(USER, [user_id]),
                said=client_facts(uow, attributes),
                expected=uow.drift.expected([user_id]).get(user_id),
                waiting=[plan for plan in plans if plan.plan_id not in shown],
            )

    def get_user_id(self, person: str) -> str:
        """Return the id of the user whom an address, an id, or the beginnings of names mean.

        Of several who have or had an address, it is who has it now; of several or none of these,
        who has access; and of these who was not deleted through SCIM. Of names, who was
        deleted is found where nobody else is called so.

        :raises NotFoundError: nobody is known who is called so.
        :raises InvalidRequestError: several are.
        """
        with self._context.read() as uow:
            found = list(uow.mirror.get_users(user_ids_of(uow, person.strip())).values())
            for is_rather in (
                lambda user: user.email_key == fold(person.strip()),
                lambda user: any(user.open_memberships()),
                lambda user: user.user_id not in uow.attributes.is_deleted(USER, [user.user_id]),
            ):
                found = [user for user in found if is_rather(user)] or found
        lines: Sequence[tuple[str, str]] = [(user.email, user.user_id) for user in found]
        if not lines:
            lines = self._called(person) if person.strip() else []
        if not lines:
            raise NotFoundError(
                f"Nobody is known as {person!r}. Give an address, a user id, or the beginning of a "
                "name. Who is new in DocuSign is known after a sync."
            )
        if len(lines) > 1:
            raise InvalidRequestError(_several(person, lines))
        return lines[0][1]

    def _called(self, text: str) -> Sequence[tuple[str, str]]:
        for deleted in (False, None):
            page = self.users(UserQuery(text, deleted=deleted, limit=_NAMED_AT_MOST + 1))
            if page.lines:
                return [(line.email, line.user_id) for line in page.lines]
        return []

    def _memberships(
        self, user: User, catalogue: Catalogue, reasons: Mapping[str, Provenance]
    ) -> Sequence[HeldMembership]:
        found = []
        for account_id, membership in user.memberships.items():
            account = catalogue.accounts.get(account_id) or Account(account_id, account_id)
            profile = catalogue.profiles.get((account_id, membership.profile_id or ""))
            groups = [
                catalogue.groups[account_id, group_id]
                for group_id in membership.group_ids
                if (account_id, group_id) in catalogue.groups
            ]
            found.append(
                HeldMembership(
                    account,
                    membership,
                    self._held(profile.scim_id, catalogue, reasons) if profile else None,
                    [
                        self._held(group.scim_id, catalogue, reasons)
                        for group in sorted(groups, key=lambda item: fold(item.name))
                    ],
                )
            )
        # Where somebody is comes before where they were.
        return sorted(
            found, key=lambda item: (not item.membership.status.is_open, fold(item.account.name))
        )

    def _held(self, scim_id: str, catalogue: Catalogue, reasons: Mapping[str, Provenance]) -> Held:
        ruling = self._context.policy.rule_on(scim_id, catalogue)
        target = ruling.target
        return Held(scim_id, target.name, target.kind, ruling.meaning, reasons.get(scim_id))

    def _roles(
        self, user: User, attested: frozenset[str], reasons: Mapping[str, Provenance]
    ) -> Sequence[Held]:
        held = set(attested)
        if user.is_organization_admin:
            held.add(ORGANIZATION_ADMIN)
        roles = self._context.policy.roles
        return [
            Held(
                role_id,
                roles[role_id].display if role_id in roles else role_id,
                "role",
                roles.get(role_id, Meaning()),
                reasons.get(role_id),
                user.organization_admin_verified_at if role_id == ORGANIZATION_ADMIN else None,
            )
            for role_id in sorted(held)
        ]

    # accounts -----------------------------------------------------------------

    def accounts(self) -> Sequence[AccountLine]:
        """Return the governed accounts by name."""
        with self._context.read() as uow:
            found = uow.mirror.catalogue().accounts.values()
            return [
                self._accounts.account(uow, item)
                for item in sorted(found, key=lambda a: fold(a.name))
            ]

    def account(self, account_id: str) -> AccountDetail:
        """Return an account with its profiles, groups and how many hold them.

        :raises NotFoundError: the tenant governs no such account, or no sync has read it yet.
        """
        with self._context.read() as uow:
            catalogue = uow.mirror.catalogue()
            account = catalogue.accounts.get(account_id)
            if account is None:
                raise NotFoundError(f"There is no account {account_id}.")
            return AccountDetail(
                self._accounts.account(uow, account),
                self._accounts.profiles(uow, catalogue, account_id),
                self._accounts.groups(uow, catalogue, account_id),
            )

    def roles(self) -> Sequence[RoleLine]:
        """Return the roles that only people give, with up to a page of those who hold them."""
        with self._context.read() as uow:
            return [
                RoleLine(
                    role.role_id,
                    role.display,
                    role,
                    uow.resources.members(f"role.{role.role_id}", limit=PAGE),
                )
                for role in self._context.policy.roles.values()
            ]

    # work items ---------------------------------------------------------------

    def count_waiting(self) -> int:
        """Return the number of work items that wait for somebody or something."""
        with self._context.read() as uow:
            return uow.work_items.count(OPEN_STATES)

    def items(self, query: ItemQuery) -> ItemPage:
        """Return a page of work items with the people whom they are about.

        What is open comes oldest first, what is closed newest first.
        """
        states = CLOSED_STATES if query.closed else OPEN_STATES
        which: dict[str, Any] = {"kind": query.kind, "assignee": query.assignee}
        with self._context.read() as uow:
            which["wanted"] = resolved(uow, self._context, query.wanted)
            found = uow.work_items.page(
                states,
                **which,
                newest_first=query.closed,
                after=query.after,
                limit=query.limit + 1,
            )
            items = found[: query.limit]
            people = uow.mirror.get_users({item.subject_id for item in items})
            total = None if query.after else uow.work_items.count(states, **which)
        is_last = len(found) <= query.limit
        return ItemPage(items, people, None if is_last else items[-1].work_item_id, total)

    # events -------------------------------------------------------------------

    def events(
        self,
        wanted: AuditFilter,
        *,
        before: int = 0,
        person: str = "",
        calls: bool = True,
        limit: int = PAGE,
    ) -> EventPage:
        """Return a page of audit events, the newest first, with the names that they need.

        :param person: a user's id, or an address: everybody who has, or had, it. What is about
            them or names them is found, and what led to it.
        :param calls: False leaves out each single call to DocuSign.
        """
        with self._context.read() as uow:
            if person:
                users = user_ids_of(uow, person) or (person,)
                wanted = replace(wanted, people=users)
            # A timeline tells what became of somebody, and not what was asked of DocuSign.
            wanted = replace(wanted, with_requests=calls)
            found = uow.audit.events(
                after=before, limit=limit + 1, wanted=wanted, newest_first=True
            )
            shown = [
                item for item in found[:limit] if calls or item.action not in _UNSEEN_IN_TIMELINE
            ]
            after = found[limit - 1].sequence if len(found) > limit else None
            return self._named(uow, shown, after, frozenset(wanted.people))

    def named(self, events: Sequence[AuditEvent], about: Iterable[str] = ()) -> EventPage:
        """Return events at hand with the names that they need.

        :param about: the users whose history they are.
        """
        with self._context.read() as uow:
            return self._named(uow, events, None, frozenset(about))

    def _named(
        self,
        uow: UnitOfWork,
        shown: Sequence[AuditEvent],
        after: int | None,
        about: frozenset[str],
    ) -> EventPage:
        steps = [step for event in shown for step in steps_of(event, about)]
        people = uow.mirror.get_users({event.subject for event in shown} | about)
        names = names_for(uow, self._context, steps)
        return EventPage(shown, names, self._labels(uow), people, after, about)

    def describe(self, steps: Sequence[Operation]) -> Sequence[str]:
        """Return what operations do, in words and names."""
        with self._context.read() as uow:
            names = names_for(uow, self._context, steps)
        return [step.describe(names) for step in steps]

    # the rest -----------------------------------------------------------------

    def labels(self) -> Labels:
        """Return what ids are called."""
        with self._context.read() as uow:
            return self._labels(uow)

    def _labels(self, uow: UnitOfWork) -> Labels:
        roles = {name: role.display for name, role in self._context.policy.roles.items()}
        return Labels(uow.mirror.catalogue(), roles)

    def people(self, user_ids: Iterable[str]) -> Mapping[str, User]:
        """Return the users of these ids, those whom the mirror has."""
        with self._context.read() as uow:
            return uow.mirror.get_users(user_ids)

    def runs(self, limit: int = PAGE) -> Sequence[JobRun]:
        """Return job runs, newest first."""
        with self._context.read() as uow:
            return uow.jobs.list(limit)

    def colleagues(self) -> Sequence[Colleague]:
        """Return who may work tasks, by login."""
        with self._context.read() as uow:
            return colleagues(uow, self._context)

    def clients(self) -> Sequence[ApiClient]:
        """Return the API clients by name."""
        with self._context.read() as uow:
            return uow.clients.list()

    def count_users(self) -> int:
        """Return the number of users with an open membership."""
        with self._context.read() as uow:
            return uow.mirror.count_users()


def _several(person: str, lines: Sequence[tuple[str, str]]) -> str:
    named = [f"{email} ({user_id})" for email, user_id in lines[:_NAMED_AT_MOST]]
    more = " and more" if len(lines) > _NAMED_AT_MOST else ""
    return f"Several may be meant by {person!r}: {', '.join(named)}{more}. Give the id."


def steps_of(event: AuditEvent, about: Collection[str] = ()) -> Sequence[Operation]:
    """Return the operations that an event tells of, those that this version understands.

    :param about: users; see :func:`connector.domain.audit.chain.told_steps`.
    """
    found = []
    for step in told_steps(event, about):
        try:
            found.append(operation_from_dict(step))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # Without what was erased, or of another version of the program.
    return found
