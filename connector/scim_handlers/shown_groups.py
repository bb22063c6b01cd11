"""Permission profiles and roles as Groups: a change of members is a change of each user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from connector.domain.model import IdKind, parse_scim_id
from connector.domain.plan import Plan
from connector.domain.planning import ActualUser, DesiredUser, ProfileKey, Statement
from connector.ports import GROUP, UnitOfWork
from connector.scim_handlers.group_writes import GroupRequest, settled_change
from connector.scim_handlers.ports import TenantServices
from connector.services.provisioning.recording import Outcome
from connector.services.provisioning.subjects import keep_attributes
from connector.services.provisioning.wishes import Wish, unchanged
from scim.errors import Mutability

Narrow = Callable[[DesiredUser, ActualUser], DesiredUser]
"""Narrows the wish that everything stays to what shall change."""


@dataclass(frozen=True)
class _Step:
    """One user whose access changes."""

    user_id: str
    narrow: Narrow


def is_shown_group(scim_id: str) -> bool:
    """Return whether a Group stands for a profile or a role."""
    return parse_scim_id(scim_id).kind in (IdKind.ROLE, IdKind.PROFILE_GROUP)


def change_shown_group(services: TenantServices, request: GroupRequest) -> Outcome:
    """Grant to who joins, revoke from who leaves: all of it in one plan, or nothing.

    :raises scim.errors.Mutability: a profile or role would be renamed.
    :raises connector.errors.ConnectorError: see :meth:`UserProvisioning.update_together`.
    """
    if request.change.replace is not None and not request.dry_run:
        waits = services.users.behind_everybody(request.scim_id, request.actor)
        if waits is not None:
            return waits
    wishes = {step.user_id: _wish(step.narrow, request) for step in _steps(services, request)}
    if len(wishes) > 1:
        return services.users.update_together(
            wishes, request.scim_id, request.actor, extra=request.context, dry_run=request.dry_run
        )
    outcome = Outcome(Plan())
    for user_id, wish in wishes.items():
        # A plan about the user: what waits of it is shown with them.
        outcome = services.users.update(user_id, wish, request.actor, dry_run=request.dry_run)
    if not request.dry_run:
        _keep(services, request)
    return replace(outcome, subject_id=request.scim_id)


def _steps(services: TenantServices, request: GroupRequest) -> Sequence[_Step]:
    give, take = _narrowing(request.scim_id)
    with services.context.read() as uow:
        request.check(uow)
        if request.change.name is not None:
            raise Mutability("The name is DocuSign's own and cannot be changed here.")
        change = settled_change(uow, request.scim_id, request.change, lenient=request.lenient)
    return [
        *(_Step(user_id, give) for user_id in sorted(change.add)),
        *(_Step(user_id, take) for user_id in sorted(change.remove)),
    ]


def _narrowing(scim_id: str) -> tuple[Narrow, Narrow]:
    """Return how a wish is narrowed for who joins and for who leaves."""
    named = parse_scim_id(scim_id)
    if named.kind is IdKind.ROLE:
        role = frozenset({named.value})
        return (
            lambda wish, actual: replace(wish, roles=actual.requested_roles | role),
            lambda wish, actual: replace(wish, roles=actual.requested_roles - role),
        )
    account_id, profile = named.account_id, frozenset({named.place})
    return (
        lambda wish, actual: _wanting(wish, _held(actual) | profile, account_id),
        lambda wish, actual: replace(
            _wanting(wish, _held(actual) - profile, account_id),
            # Who is inactive is no member, and would be one with the next enabling.
            forgets=profile & actual.profiles_to_return,
        ),
    )


def _wanting(wish: DesiredUser, profiles: frozenset[ProfileKey], account_id: str) -> DesiredUser:
    says = Statement(profiles, frozenset({account_id}))
    return replace(wish, profiles=profiles, says=says)


def _held(actual: ActualUser) -> frozenset[ProfileKey]:
    return frozenset(
        (item.account_id, item.profile_id or "") for item in actual.user.open_memberships()
    )


def _wish(narrow: Narrow, request: GroupRequest) -> Wish:
    def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
        desired = replace(unchanged(uow, actual, request.actor), reason=request.reason)
        return narrow(desired, actual)

    return wish


def _keep(services: TenantServices, request: GroupRequest) -> None:
    """Keep the client's external id; the Group's own content stays as it is."""
    if not request.extra:
        return
    with services.context.write() as uow:
        if keep_attributes(uow, request.scim_id, request.extra, kind=GROUP):
            services.mirror.refresh_group(uow, request.scim_id)
            uow.commit()
