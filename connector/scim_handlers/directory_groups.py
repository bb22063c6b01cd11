"""DocuSign's own groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.domain.ledger.plans import Fulfilment
from connector.domain.model import DirectoryGroup
from connector.domain.plan import NEWCOMER, AddGroupMembers, Plan
from connector.domain.planning import GroupChange
from connector.errors import ConnectorError
from connector.ports import UnitOfWork
from connector.scim_handlers.errors import called_back
from connector.scim_handlers.group_writes import (
    GroupRequest,
    RequestedChange,
    joining_request,
    kept_for,
    member_ids,
    settled_change,
)
from connector.scim_handlers.ports import TenantServices
from connector.scim_handlers.translation import reason_in
from connector.services.context import Actor
from connector.services.mirror.presentation import DOCUSIGN_GROUP
from connector.services.provisioning.groups import check_members
from connector.services.provisioning.recording import Outcome
from connector.services.queued_requests import SUBJECT_MARK
from connector.services.work.reasons import as_context
from scim.handlers import Resource


def change_directory_group(services: TenantServices, request: GroupRequest) -> Outcome:
    """Change members and name of a DocuSign group in one plan.

    :raises connector.errors.ConnectorError: see :meth:`GroupProvisioning.change`.
    """

    def wish(uow: UnitOfWork, group: DirectoryGroup) -> GroupChange:
        request.check(uow)
        with called_back():
            return settled_change(uow, request.scim_id, request.change, lenient=request.lenient)

    return services.groups.change(
        request.scim_id,
        wish,
        request.actor,
        touching=request.named,
        whole=request.change.replace is not None,
        extra=request.context,
        dry_run=request.dry_run,
    )


def create_directory_group(
    services: TenantServices,
    resource: Resource,
    acting: Callable[[Sequence[Mapping[str, Any]]], Actor],
    *,
    dry_run: bool,
    lenient: bool,
) -> Outcome:
    """Create a group with its members; nothing is left of it where the members are refused.

    :param acting: returns the actor, who asks for what follows once the group is there.
    :param lenient: pass over members who are unknown instead of refusing everybody.
    :raises connector.errors.ConnectorError: see :meth:`GroupProvisioning.create`.
    """
    name = resource["displayName"]
    account_id, members = _account_and_members(services, resource, lenient=lenient)
    reason = reason_in(resource, DOCUSIGN_GROUP)
    why = as_context(reason)
    # Approvals and tasks name their group by its id: members who wait follow once it has one.
    route = services.groups.joining_route(account_id, name, members, why)
    waiting = frozenset() if route is Fulfilment.AUTOMATIC else members
    actor = acting([joining_request(SUBJECT_MARK, waiting, reason)] if waiting else [])
    extra = {**kept_for(actor, resource.get("externalId")), **why}
    outcome = services.groups.create(
        account_id, name, extra, actor, members=members - waiting, dry_run=dry_run
    )
    if dry_run:
        return _with_waiting(outcome, account_id, waiting, route)
    if waiting and outcome.subject_id is not None and actor.turn is None:
        # A group whose turn has come is followed by its members in the queue.
        _fill(services, outcome.subject_id, waiting, replace(actor, request=None), why)
    return outcome


def _account_and_members(
    services: TenantServices, resource: Resource, *, lenient: bool
) -> tuple[str, frozenset[str]]:
    """Return where the group shall be, and its members once they are known to be able to join."""
    listed = RequestedChange(add=member_ids(resource) or frozenset())
    asked = ((resource.get(DOCUSIGN_GROUP) or {}).get("account") or {}).get("value")
    with services.context.read() as uow:
        book = services.context.book(uow.mirror.catalogue())
        name = asked or services.settings.scim.default_group_account
        account_id = book.resolve(name) if name else book.default_account
        members = settled_change(uow, resource["displayName"], listed, lenient=lenient).add
        group = DirectoryGroup(account_id, "", resource["displayName"])
        check_members(uow, services.context, group, members)
    return account_id, members


def _with_waiting(
    outcome: Outcome, account_id: str, members: frozenset[str], route: Fulfilment
) -> Outcome:
    """Return a dry run's plan with the members who wait for people."""
    if not members:
        return outcome
    joining = AddGroupMembers(account_id, NEWCOMER, tuple(sorted(members)))
    return Outcome(Plan((*outcome.plan, joining)), (*outcome.fulfilments, route))


def _fill(
    services: TenantServices,
    scim_id: str,
    members: frozenset[str],
    actor: Actor,
    why: Mapping[str, Any],
) -> None:
    change = GroupChange(add=members)
    try:
        services.groups.change(
            scim_id, lambda _uow, _group: change, actor, touching=members, extra=why
        )
    except ConnectorError:
        # A POST is all or nothing; the client repeats it under the same name.
        services.groups.delete(scim_id, lambda _uow, _group: None, actor)
        raise
