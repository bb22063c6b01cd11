"""Looks who is an organization administrator: no list shows it."""

from __future__ import annotations

from connector.domain.model import User
from connector.services.aggregation.runs import SYNC_JOB, Run, Runs
from connector.services.context import TenantContext
from connector.services.targeted_aggregation.refresh import RefreshService

ADMINS_KNOWN = "organization_admins_known"
"""A fact of the tenant: a sync has looked at everybody who may be an organization admin."""
ROLE_CHECKS = 200
"""The most users whose organization-admin flag one run reads: one Admin API call each."""
REFUSED_ENOUGH = 3
"""After so many refusals it is not one user who cannot be read."""
_ROLES_REACHED = "roles_reached"


class RoleReader:
    """Reads the organization-admin flag of those who may have it."""

    def __init__(self, context: TenantContext, refresh: RefreshService, runs: Runs) -> None:
        self._context = context
        self._refresh = refresh
        self._runs = runs

    def read(self, run: Run) -> None:
        """Look at account administrators and known organization admins: no list shows the role.

        Begins behind whom the last run looked at, so that each has their turn where they are many.
        What DocuSign refuses is counted; where it refuses several, it ends for now: the accounts
        were read, and can be governed without rights in their organization.
        """
        if not self._context.directory.has_organization:
            return
        with self._context.read() as uow:
            last = uow.jobs.latest_done(SYNC_JOB, self._context.clock.now())
        after, checked = str(last.cursor.get(_ROLES_REACHED, "")) if last else "", 0
        reached, refused = "", 0
        while checked < ROLE_CHECKS and refused < REFUSED_ENOUGH:
            with self._context.read() as uow:
                ids = uow.mirror.iter_user_ids(after)
                users = uow.mirror.get_users(ids)
            if not ids:
                break
            for user_id in ids:
                if checked == ROLE_CHECKS or refused == REFUSED_ENOUGH:
                    break
                if may_be_organization_admin(users[user_id]):
                    reached = user_id
                    if self._refresh.refresh_roles_among(user_id):
                        checked += 1
                    else:
                        refused += 1
            after = ids[-1]
        run.add("role_checks", checked)
        if refused:
            run.add("role_checks_refused", refused)
        is_at_end = checked < ROLE_CHECKS and refused < REFUSED_ENOUGH
        with self._context.write() as uow:
            if is_at_end and (checked or not refused):
                uow.put_fact(ADMINS_KNOWN, True)
            self._runs.save(uow, run, **{_ROLES_REACHED: "" if is_at_end else reached})
            uow.commit()


def may_be_organization_admin(user: User) -> bool:
    """Whether full aggregations ask about a user's organization role."""
    return bool(user.is_organization_admin) or any(
        item.is_admin for item in user.open_memberships()
    )
