"""Looks at a batch of people: what DocuSign shows, what is expected, and how they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import orjson

from connector.domain.drift.comparison import find_drift, looks_dormant
from connector.domain.drift.correlation import Known, owner_of
from connector.domain.drift.difference import Drift, DriftKind, Facts, Scene, Thresholds
from connector.domain.drift.expected import (
    Expected,
    Origin,
    as_seen,
    is_managed_by_scim,
    seen_membership,
    seen_roles,
)
from connector.domain.drift.findings import Finding
from connector.domain.ledger.job_runs import JobRun, RunState
from connector.domain.ledger.plans import PlanRecord
from connector.domain.ledger.resources import ClientAttributes, Provenance
from connector.domain.model import User
from connector.domain.plan import Operation
from connector.domain.policy.guards import touched_users
from connector.domain.work_items.items import OPEN_STATES, Direction
from connector.ports import USER, UnitOfWork
from connector.services.aggregation import SYNC_JOB
from connector.services.aggregation.roles import ADMINS_KNOWN
from connector.services.bindings import require_bound
from connector.services.context import TenantContext
from connector.services.expectations import BASELINE
from connector.services.queued_requests import QUEUED_REQUEST
from mappings.model import ENTERPRISE_USER

_ADDRESS = "address:"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Look:
    """What one look at a batch found."""

    users: Mapping[str, User]
    expected: Mapping[str, Expected]
    drifts: Mapping[str, Sequence[Drift]]
    """By user id; nobody in it whom a change of ours is just about."""
    standing: Mapping[str, Sequence[Finding]]
    reasons: Mapping[str, Sequence[Provenance]]
    """Of those who differ, or did."""
    newly_expected: Sequence[Expected]
    """What becomes a baseline, and what is true now without a word."""

    @property
    def concerned(self) -> frozenset[str]:
        """Whoever has to be written about."""
        newly = {item.user_id for item in self.newly_expected}
        return frozenset(newly | set(self.standing) | {k for k, v in self.drifts.items() if v})


@dataclass(frozen=True)
class Frame:
    """What one reconciliation knows before it looks at anybody."""

    scene: Scene
    sync: JobRun
    """The last full aggregation that succeeded."""
    busy: frozenset[str]
    """Ids of users, groups and profiles that an unfinished change is about."""
    busy_addresses: frozenset[str]
    """Where somebody is just being created."""
    new_accounts: frozenset[str]
    """What they show becomes the baseline."""
    learns_admins: bool = False
    """Whether the administrators of the organization become the baseline."""
    rules: Sequence[str] = ()
    facts: Mapping[str, object] = field(default_factory=dict)


def frame_of(
    uow: UnitOfWork, context: TenantContext, now: datetime, underway: Underway | None = None
) -> Frame | None:
    """Return what is the same for everybody; None where nothing was read from DocuSign yet.

    :param underway: whose unfinished changes count; None: nobody's.
    :raises connector.errors.ConfigError: the database belongs to other accounts.
    """
    require_bound(uow, context.settings)
    sync = uow.jobs.latest_done(SYNC_JOB, now)
    if sync is None:
        return None
    settings = context.settings.drift
    known = uow.facts().get(BASELINE) or {}
    catalogue = uow.mirror.catalogue()
    governed = {item.account_id for item in context.settings.accounts} & set(catalogue.accounts)
    compared = set(known.get("accounts", ()))
    before = governed & compared
    last = uow.jobs.latest(SYNC_JOB, now)
    # A new account is a baseline once all of it was read.
    is_settled = last is not None and last.state is RunState.DONE
    new = governed - before if is_settled else set()
    busy, addresses = underway.look(uow) if underway else (frozenset(), frozenset())
    return Frame(
        Scene(
            now=now,
            catalogue=catalogue,
            accounts=frozenset(before | new),
            service_user_id=context.directory.service_user_id,
            thresholds=Thresholds(
                settings.dormant_after_days,
                settings.pending_after_days,
                settings.orphan_after_days,
            ),
            knows_logins=uow.drift.knows_logins(),
            knows_admins=bool(known.get("admins")),
        ),
        sync,
        busy,
        addresses,
        frozenset(new),
        learns_admins=not known.get("admins"),
        rules=settings.correlation,
        facts={
            "accounts": sorted(compared | new),
            "admins": bool(known.get("admins") or uow.facts().get(ADMINS_KNOWN)),
        },
    )


def without_baseline(frame: Frame) -> Frame:
    """Return a frame that takes nothing for a baseline: what a whole run has not compared yet is
    left out."""
    scene = replace(frame.scene, accounts=frame.scene.accounts - frame.new_accounts)
    return replace(frame, scene=scene, new_accounts=frozenset(), learns_admins=False)


@dataclass(frozen=True)
class _About:
    """What one unfinished change is about."""

    ids: frozenset[str]
    addresses: frozenset[str]


class Underway:
    """What unfinished changes are about. Kept for a run, so that each plan is read once and not
    with every batch of people."""

    def __init__(self) -> None:
        self._marks: Mapping[str, str] = {}
        self._known: dict[str, _About] = {}
        self._all = _About(frozenset(), frozenset())

    def look(self, uow: UnitOfWork) -> tuple[frozenset[str], frozenset[str]]:
        """Return the users, groups and profiles that an unfinished change is about now, and the
        addresses on which somebody is just being created.

        Of a request that waits to be planned, everybody is meant whom it names.
        """
        marks = uow.plans.in_progress_marks()
        if marks != self._marks:
            fresh = [key for key, mark in marks.items() if self._marks.get(key) != mark]
            self._known = {key: item for key, item in self._known.items() if key in marks}
            for plan, steps in uow.plans.in_progress(fresh):
                self._known[plan.plan_id] = _about(plan, steps)
            self._marks = marks
            self._all = _About(
                frozenset().union(*(item.ids for item in self._known.values())),
                frozenset().union(*(item.addresses for item in self._known.values())),
            )
        return self._all.ids, self._all.addresses


def _about(plan: PlanRecord, steps: Sequence[Operation]) -> _About:
    ids = {user_id for step in steps for user_id in touched_users(step)}
    if plan.subject_id is not None:
        ids |= {plan.subject_id, _profile_of(plan.subject_id)}
    if not steps:
        ids |= _named(plan)
    locks = plan.context.get("locks", ())
    addresses = {key.removeprefix(_ADDRESS) for key in locks if key.startswith(_ADDRESS)}
    return _About(frozenset(ids), frozenset(addresses))


def _named(plan: PlanRecord) -> set[str]:
    asked = orjson.dumps([plan.context.get(QUEUED_REQUEST), plan.context.get("locks")]).decode()
    return set(_GUID.findall(asked.lower()))


def _profile_of(subject_id: str) -> str:
    """Return the entitlement for which a SCIM Group stands (:func:`profile_group_scim_id`)."""
    return subject_id.replace(".p", ".", 1)


def look_at(uow: UnitOfWork, user_ids: Iterable[str], frame: Frame) -> Look:
    """Compare people; nothing is written."""
    ids = [user_id for user_id in user_ids if user_id not in frame.busy]
    users = {
        user_id: user
        for user_id, user in uow.mirror.get_users(ids).items()
        if user.email_key not in frame.busy_addresses
    }
    known = dict(uow.drift.expected(ids))
    newly = list(_newly_expected(users, known, frame))
    known |= {item.user_id: item for item in newly}
    attributes = uow.attributes.get(USER, ids) if frame.scene.thresholds.orphan_after_days else {}
    deleted = uow.attributes.is_deleted(USER, ids)
    pending = [key for key, user in users.items() if _waits(user)]
    reasons = uow.attributes.provenance_of(pending)
    read_at = uow.mirror.fetched_at_of(
        [key for key, user in users.items() if looks_dormant(user, frame.scene)]
    )
    drifts: dict[str, list[Drift]] = {}
    for user_id in {*users, *known}:
        facts = Facts(
            has_owner=_has_owner(attributes.get(user_id), frame),
            granted_at={item.entitlement: item.granted_at for item in reasons.get(user_id, ())},
            is_deleted=user_id in deleted,
            read_at=read_at.get(user_id),
        )
        found = find_drift(users.get(user_id), known.get(user_id), frame.scene, facts)
        drifts[user_id] = list(found)
    for user_id, found_ones in drifts.items():
        drifts[user_id] = [item for item in found_ones if item.entitlement not in frame.busy]
    asked = _asked_for(uow, drifts)
    drifts = {key: _besides(found, key, asked) for key, found in drifts.items()}
    standing: dict[str, list[Finding]] = {}
    for finding in uow.drift.standing({*users, *known}):
        # What waits for people, or for a change under way, is not over because nobody looks at it.
        drift = finding.drift
        waits = (finding.subject_id, drift.entitlement, _direction(drift)) in asked
        if not waits and drift.entitlement not in frame.busy:
            standing.setdefault(finding.subject_id, []).append(finding)
    differing = {*standing, *(user_id for user_id, found in drifts.items() if found)}
    reasons = {**reasons, **uow.attributes.provenance_of(differing - reasons.keys())}
    return Look(users, known, drifts, standing, reasons, newly)


_GIVEN = (DriftKind.NATIVE_GRANT, DriftKind.UNEXPECTED_ADMIN)


_Asked = frozenset[tuple[str, str, Direction]]


def _asked_for(uow: UnitOfWork, drifts: Mapping[str, Sequence[Drift]]) -> _Asked:
    """Return what people are to do by hand or to decide: user, entitlement, direction."""
    differing = [user_id for user_id, found in drifts.items() if found]
    if not differing:
        return frozenset()
    items = uow.work_items.search(states=OPEN_STATES, subject_ids=differing)
    return frozenset((item.subject_id, item.entitlement, item.direction) for item in items)


def _besides(found: Iterable[Drift], user_id: str, asked: _Asked) -> list[Drift]:
    """Leave out what somebody does because a task says so: it is confirmed with the task."""
    return [
        drift for drift in found if (user_id, drift.entitlement, _direction(drift)) not in asked
    ]


def _direction(drift: Drift) -> Direction:
    return Direction.GRANT if drift.kind in _GIVEN else Direction.REVOKE


def _waits(user: User) -> bool:
    return any(item.status.is_pending for item in user.memberships.values())


def _has_owner(attributes: ClientAttributes | None, frame: Frame) -> bool:
    if not frame.scene.thresholds.orphan_after_days:
        return True
    return attributes is not None and bool(owner_of(known_of(attributes), frame.rules))


def known_of(attributes: ClientAttributes) -> Known:
    """Return by what the ledger knows a user."""
    enterprise = attributes.kept.get(ENTERPRISE_USER) or {}
    return Known(attributes.external_ids, str(enterprise.get("employeeNumber") or ""))


def _newly_expected(
    users: Mapping[str, User], known: Mapping[str, Expected], frame: Frame
) -> Iterator[Expected]:
    """Return what is expected from now on without anybody's word: the baseline."""
    for user_id, user in users.items():
        before = known.get(user_id)
        if before is None:
            elsewhere = frame.scene.accounts - frame.new_accounts
            if frame.new_accounts and not elsewhere & set(user.memberships):
                yield as_seen(user, Origin.BASELINE, frame.scene.now)
            continue
        if before.origin is Origin.TOUCHED:
            continue
        after = _with_new_accounts(before, user, frame.new_accounts)
        if frame.learns_admins:
            after = replace(after, roles=after.roles | seen_roles(user))
        if before.managed_by_scim and not is_managed_by_scim(user):
            after = replace(after, managed_by_scim=False)
        if after != before:
            yield after


def _with_new_accounts(before: Expected, user: User, accounts: frozenset[str]) -> Expected:
    found = {
        key: seen_membership(user.memberships[key])
        for key in accounts & set(user.memberships)
        if key not in before.memberships
    }
    return before.moved({**before.memberships, **found}, user) if found else before
