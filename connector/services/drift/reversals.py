"""Puts differences right: by a plan like any other, never beside planner, guards and ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connector.domain.drift.catalogue import find_catalogue_drift, known_entitlements
from connector.domain.drift.difference import Drift, DriftKind
from connector.domain.drift.findings import Finding
from connector.domain.drift.repair import group_change_for, wish_for
from connector.domain.model import DirectoryGroup, parse_scim_id
from connector.domain.plan import Plan
from connector.domain.planning import (
    ActualUser,
    Addresses,
    DesiredUser,
    GroupChange,
    plan_group_change,
    plan_user,
)
from connector.errors import ConnectorError, InvalidRequestError, NotFoundError
from connector.ports import USER, UnitOfWork
from connector.services.context import Actor, TenantContext
from connector.services.drift.looks import frame_of, look_at
from connector.services.mirror.actual import load_actual
from connector.services.provisioning.groups import GroupProvisioning
from connector.services.provisioning.recording import Outcome
from connector.services.provisioning.users import UserProvisioning
from connector.services.provisioning.wishes import unchanged
from connector.services.targeted_aggregation.refresh import RefreshService
from connector.services.work.manual_tasks import ManualTasks
from connector.services.work.reasons import as_context

_NOBODY = Actor("job:reconcile", "job", "")


class Reversals:
    """Reverts findings of one tenant."""

    def __init__(
        self,
        context: TenantContext,
        users: UserProvisioning,
        groups: GroupProvisioning,
        tasks: ManualTasks,
        refresh: RefreshService,
    ) -> None:
        self._context = context
        self._users = users
        self._groups = groups
        self._tasks = tasks
        self._refresh = refresh

    def suggest(self, uow: UnitOfWork, drift: Drift) -> Sequence[Mapping[str, Any]]:
        """Return the operations that would put a difference right, as the mirror has it now; none
        where no API can, or a person has to say how."""
        try:
            return [step.to_dict() for step in self._plan(uow, drift)]
        except ConnectorError:
            return ()

    def _plan(self, uow: UnitOfWork, drift: Drift) -> Plan:
        if (found := group_change_for(drift)) is not None:
            scim_id, change = found
            _, account_id, group_id = parse_scim_id(scim_id)
            group = uow.mirror.catalogue().groups.get((account_id, group_id))
            if group is None:
                return Plan()
            named = change.add | change.remove
            members = uow.mirror.group_member_ids(account_id, group_id, among=named)
            return plan_group_change(group, change, members, named)
        if drift.subject_kind != USER:
            return Plan()
        actual = load_actual(uow, drift.subject_id)
        wish = self._wish(uow, drift, actual, _NOBODY)
        if wish is None:
            return Plan()
        book = self._context.book(uow.mirror.catalogue())
        # Whether the address may be changed is known when it is tried.
        domains = {wish.person.email, actual.user.email}
        addresses = Addresses(frozenset(item.rpartition("@")[2].lower() for item in domains))
        return plan_user(wish, actual, book, addresses)

    def _wish(
        self, uow: UnitOfWork, drift: Drift, actual: ActualUser, actor: Actor
    ) -> DesiredUser | None:
        user_id = actual.user.user_id
        expected = uow.drift.expected([user_id]).get(user_id)
        return wish_for(drift, unchanged(uow, actual, actor), actual, expected)

    def carry_out(self, finding: Finding, actor: Actor, reason: str = "") -> Outcome:
        """Plan, record and carry out what puts a finding right; the plan is empty where it is no
        difference any more: DocuSign changed, or what is expected of it.

        :param reason: why, for whoever has to approve something of it.
        :raises InvalidRequestError: no API puts it right; the message says who can.
        :raises ConnectorError: a guard refuses, DocuSign does, or it cannot be reached.
        """
        drift = finding.drift
        if drift.kind is DriftKind.UNEXPECTED_ADMIN:
            return self._ask_about_admin(drift.subject_id, actor)
        if (found := group_change_for(drift)) is not None:
            scim_id, change = found

            def group_wish(uow: UnitOfWork, _group: DirectoryGroup) -> GroupChange:
                return GroupChange() if self._current(uow, drift) is None else change

            touching = change.add | change.remove
            return self._groups.change(
                scim_id, group_wish, actor, touching=touching, extra=as_context(reason)
            )
        if drift.subject_kind != USER:
            raise _beyond_us(drift)
        if drift.kind.is_standing:
            # What ends such a finding, a person does without anybody telling the connector, and
            # however young the copy is, it may be of something else that it was written last.
            self._refresh.refresh(drift.subject_id)
        return self._users.update(drift.subject_id, self._wisher(drift, actor, reason), actor)

    def _wisher(
        self, drift: Drift, actor: Actor, reason: str
    ) -> Callable[[UnitOfWork, ActualUser], DesiredUser]:
        def wish(uow: UnitOfWork, actual: ActualUser) -> DesiredUser:
            current = self._current(uow, drift)
            if current is None or _is_wanted_since(drift, current):
                return unchanged(uow, actual, actor)
            wanted = self._wish(uow, current, actual, actor)
            if wanted is None:
                raise _beyond_us(drift)
            return replace(wanted, reason=reason)

        return wish

    def _current(self, uow: UnitOfWork, drift: Drift) -> Drift | None:
        """Return a difference as it is now, None where it is none any more.

        A finding may be days old: meanwhile the person has signed in, taken up the invitation, or
        been linked, and a client has asked for what was strange then.
        """
        # What waits for its turn is no reason: this change stands behind it.
        frame = frame_of(uow, self._context, self._context.clock.now())
        if frame is None:
            return None
        if drift.subject_kind == USER:
            found = look_at(uow, [drift.subject_id], frame).drifts.get(drift.subject_id, ())
        else:
            seen = known_entitlements(uow.mirror.catalogue())
            known = uow.drift.known_entitlements()
            found = list(find_catalogue_drift(known, seen, frame.scene.accounts))
        return next((item for item in found if item.key == drift.key), None)

    def _ask_about_admin(self, user_id: str, actor: Actor) -> Outcome:
        """Open the task about an organization administrator, if none is open."""
        with self._context.write() as uow:
            user = uow.mirror.get_users([user_id]).get(user_id)
            if user is None:
                raise NotFoundError(f"There is no user {user_id}.")
            record = self._tasks.review_native_admin(uow, user, actor)
            uow.commit()
        return Outcome(Plan(), record=record, subject_id=user_id)


def _is_wanted_since(seen: Drift, current: Drift) -> bool:
    """Whether requests have said something of an unmanaged user since it was decided to close
    them: whoever decided has not seen it."""
    return seen.kind is DriftKind.UNMANAGED_USER and seen.expected != current.expected


def _beyond_us(drift: Drift) -> InvalidRequestError:
    what = {
        DriftKind.GONE_ENTITLEMENT: "What was deleted comes back under another id: make it anew in "
        "DocuSign and grant it, or accept the finding.",
        DriftKind.CHANGED_ENTITLEMENT: "The connector does not write permission profiles: change "
        "it back in DocuSign Admin, or accept the finding.",
        DriftKind.DOCUSIGN_SCIM: "Release it in DocuSign Admin (DocuSign's own SCIM manages it), "
        "or accept the finding: the connector then leaves it alone.",
        DriftKind.NATIVE_GRANT: "No request says which profile they shall hold instead: give them "
        "one by a request, change it in DocuSign, or accept the finding.",
        DriftKind.VANISHED_USER: "No request says which profile they shall come back with: enable "
        "them by a request, open them in DocuSign, or accept the finding.",
    }
    return InvalidRequestError(
        what.get(drift.kind, "")
        or "No change of the connector puts this right: change it in DocuSign, or accept it."
    )
