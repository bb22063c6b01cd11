"""What a client wants of a user, and what tells one person from another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from connector.domain.plan import GrantRole, Plan, RevokeRole
from connector.domain.planning import ActualUser, DesiredUser, person_of
from connector.errors import UniquenessError
from connector.ports import UnitOfWork
from connector.services.context import Actor
from connector.services.expectations import STATES
from connector.services.mirror.actual import load_attributes
from connector.services.provisioning.subjects import FORGETS
from connector.services.work.reasons import as_context

Wish = Callable[[UnitOfWork, ActualUser], DesiredUser]
"""Says what a user shall become, from what they are; runs under the write lock and checks the
client's precondition there. Raises :class:`InvalidRequestError` where what is asked for cannot be
of what they are."""
Check = Callable[[UnitOfWork, ActualUser], None]


def unchanged(uow: UnitOfWork, actual: ActualUser, actor: Actor) -> DesiredUser:
    """Return the wish that everything stays, to be narrowed with :func:`dataclasses.replace`."""
    attributes = load_attributes(uow, actual.user.user_id)
    return DesiredUser(
        person=person_of(actual.user),
        external_id=attributes.external_ids.get(actor.external_id_scope),
        kept={key: value for key, value in attributes.kept.items() if not key.startswith("_")},
    )


def changes_roles(plan: Plan) -> bool:
    """Return whether a plan gives or takes a role, which people do."""
    return any(isinstance(step, GrantRole | RevokeRole) for step in plan)


def client_part(desired: DesiredUser, actor: Actor) -> dict[str, Any]:
    """Return what is kept of a request for the client, as a plan's context carries it."""
    said = {STATES: desired.says.to_dict()} if desired.says else {}
    return {
        "external_id_scope": actor.external_id_scope,
        "external_id": desired.external_id,
        "kept": dict(desired.kept),
        **as_context(desired.reason),
        **said,
        **({FORGETS: as_taken(desired)} if desired.forgets else {}),
    }


def as_taken(desired: DesiredUser) -> list[list[str]]:
    """Return the profiles that an inactive person is not given again, as a plan's context carries
    them."""
    return sorted(map(list, desired.forgets))


def same_person(external_ids: Mapping[str, str], desired: DesiredUser, actor: Actor) -> bool:
    """Only an equal external id makes two records one person: addresses are re-used."""
    known = external_ids.get(actor.external_id_scope)
    return known is not None and known == desired.external_id


def taken(address: str, holder: str) -> UniquenessError:
    """Return the refusal of an address that somebody holds."""
    error = UniquenessError(
        f"{address} is taken by user {holder}. Link that user, or use another address; an inactive "
        "user is enabled with active=true."
    )
    error.user_ids = (holder,)
    return error
