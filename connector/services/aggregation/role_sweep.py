"""Asks, a few at a time, who else is an organization administrator.

Whoever administers the organization need not administer an account, and no list shows the role. So
everybody whom full aggregations do not ask about has their turn once in a set time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from connector.domain.model import User
from connector.errors import BudgetUsedUpError
from connector.services.aggregation.roles import (
    REFUSED_ENOUGH,
    ROLE_CHECKS,
    may_be_organization_admin,
)
from connector.services.context import TenantContext
from connector.services.targeted_aggregation.refresh import RefreshService

ROLE_SWEEP = "role_sweep"
"""A fact of the tenant: how far the round is."""
_BATCH = 500


@dataclass(frozen=True)
class Place:
    """How far a round over everybody is."""

    at: datetime
    """Until when everybody was asked about who was due; between two users of the round too."""
    after: str = ""
    """The user who was asked about last."""

    @classmethod
    def from_fact(cls, data: Mapping[str, Any]) -> Place:
        """Return what :meth:`to_fact` wrote."""
        return cls(datetime.fromisoformat(data["at"]), data["after"])

    def to_fact(self) -> dict[str, str]:
        """Return it for the database."""
        return {"at": self.at.isoformat(), "after": self.after}


class RoleSweep:
    """Goes on with the round of one tenant."""

    def __init__(self, context: TenantContext, refresh: RefreshService) -> None:
        self._context = context
        self._refresh = refresh

    def go_on(self, counts: Counter[str], seen: set[str]) -> None:
        """Ask about those who are due, one Admin API call each; used-up calls end it for now.

        :param seen: collects who was asked about.
        :raises connector.errors.TemporaryError: DocuSign stood in the way; the place is kept.
        """
        days = self._context.settings.aggregation.role_sweep_days
        if days <= 0 or not self._context.directory.has_organization:
            return
        now, period = self._context.clock.now(), timedelta(days=days)
        with self._context.read() as uow:
            fact = uow.facts().get(ROLE_SWEEP)
            total = uow.mirror.count_users()
        if fact is None:
            self._keep(Place(now))
            return
        place = Place.from_fact(fact)
        # Of a pause longer than a round nothing is made good; and clocks jump.
        start = min(max(place.at, now - period), now)
        # As many as a full run asks about: a delta after a long pause does not use the hour up.
        due = min(ROLE_CHECKS, total, int(total * ((now - start) / period)))
        if not due:
            return  # Parts of a user add up until the next delta.
        asked: list[str] = []
        try:
            self._ask(place.after, due, asked, counts)
        except BudgetUsedUpError:
            counts["role_checks_put_off"] += 1
        finally:
            counts["role_checks"] += len(asked)
            seen.update(asked)
            # Who was due and not asked about stays due.
            at = start + period * (len(asked) / total)
            self._keep(Place(at, asked[-1] if asked else place.after))

    def _ask(self, after: str, number: int, asked: list[str], counts: Counter[str]) -> None:
        """Ask about so many; who cannot be read does not hold up those behind."""
        refused: list[str] = []
        for user_id in islice(self._next(after), number):
            if not self._refresh.refresh_roles_among(user_id):
                counts["role_checks_refused"] += 1
                refused.append(user_id)
                if len(refused) == REFUSED_ENOUGH:
                    # Accounts can be governed without rights in their organization.
                    return
                continue
            asked += [*refused, user_id]
            refused.clear()

    def _keep(self, place: Place) -> None:
        with self._context.write() as uow:
            uow.put_fact(ROLE_SWEEP, place.to_fact())
            uow.commit()

    def _next(self, after: str) -> Iterator[str]:
        """Walk the round: behind the last come those from the first again."""
        yield from self._walk(after)
        if after:
            yield from self._walk("", until=after)

    def _walk(self, after: str, until: str = "") -> Iterator[str]:
        while True:
            with self._context.read() as uow:
                ids = uow.mirror.iter_user_ids(after, _BATCH)
                users = uow.mirror.get_users(ids)
            for user_id in ids:
                if until and user_id > until:
                    return
                if _is_asked_about(users[user_id]):
                    yield user_id
            if len(ids) < _BATCH:
                return
            after = ids[-1]


def _is_asked_about(user: User) -> bool:
    """Whether nothing else asks about a user who could sign in."""
    return any(user.open_memberships()) and not may_be_organization_admin(user)
