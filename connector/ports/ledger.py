"""What exists nowhere else: plans, work items, API clients, what is kept for them, audit, jobs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from connector.domain.authentication.api_clients import ApiClient, ApiToken
from connector.domain.ledger.job_runs import JobRun
from connector.domain.ledger.plans import OperationRecord, PlanRecord, WaitingChange
from connector.domain.ledger.resources import ClientAttributes, Provenance, Tombstone
from connector.domain.plan import Operation
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Act, Evidence, WorkItemEvent
from connector.domain.work_items.items import (
    Direction,
    WorkItem,
    WorkItemFilter,
    WorkItemKind,
    WorkItemState,
)


class PlanRepository(Protocol):
    """Plans and their operations."""

    def add(self, plan: PlanRecord, operations: Sequence[OperationRecord]) -> None:
        """Record a plan."""

    def get(self, plan_id: str) -> tuple[PlanRecord, Sequence[OperationRecord]]:
        """Return a plan with its operations in order.

        :raises connector.errors.NotFoundError: no such plan.
        """

    def operations_of(self, plan_ids: Iterable[str]) -> Mapping[str, Sequence[OperationRecord]]:
        """Return the operations of plans in their order, by plan id; a plan without any is left
        out."""

    def save_plan(self, plan: PlanRecord) -> None:
        """Overwrite a plan."""

    def refill(self, plan: PlanRecord, operations: Sequence[OperationRecord]) -> None:
        """Overwrite a plan and all of its operations."""

    def save_operation(self, operation: OperationRecord) -> None:
        """Overwrite an operation."""

    def abandoned(
        self,
        now: datetime,
        *,
        after: datetime | None = None,
        until: datetime | None = None,
        in_flight: bool = False,
    ) -> Sequence[str]:
        """Return ids of open and queued plans that nobody works on, oldest first: at least one
        operation is planned or in flight, and none has a live lease. A queued request that was not
        planned yet has no operation at all.

        :param after: only those that were recorded later than this.
        :param until: only those that were recorded no later than this.
        :param in_flight: only those with an operation of which DocuSign may have heard.
        """

    def lease_owners(self, owner_prefix: str) -> Sequence[str]:
        """Return the owners of leases that start so."""

    def release_leases(self, owner_prefix: str) -> None:
        """End the leases of every owner that starts so: its processes are known to be gone."""

    def open_for_subject(self, subject_kind: str, subject_id: str) -> Sequence[PlanRecord]:
        """Return open and queued plans of a resource, oldest first."""

    def open_of_people(self) -> Sequence[PlanRecord]:
        """Return open and queued plans that people asked for, oldest first."""

    def in_progress_marks(self) -> Mapping[str, str]:
        """Return the open and queued plans of which DocuSign has something to hear yet: by id a
        mark, which is another one once the plan does something else."""

    def in_progress(
        self, plan_ids: Iterable[str]
    ) -> Iterator[tuple[PlanRecord, Sequence[Operation]]]:
        """Walk these plans with all that they do: nothing is known of that where a request waits
        to be planned. Unknown ids are left out."""

    def since(self, moment: datetime) -> Iterator[tuple[PlanRecord, Sequence[Operation]]]:
        """Walk the plans recorded since then with what they do, oldest first."""

    def queued(self, subject_kind: str, subject_ids: Iterable[str]) -> Sequence[PlanRecord]:
        """Return the queued plans of many resources, for each the oldest first."""


class TurnRepository(Protocol):
    """Which plans stand in front of which: a queue for each resource."""

    def take(self, plan_id: str, resources: Collection[str], now: datetime) -> None:
        """Let a plan stand in a queue for each of these, behind all that stand there; one that
        stands somewhere already keeps its place."""

    def leave(self, plan_id: str) -> None:
        """Take a plan out of every queue."""

    def ahead(
        self,
        resources: Collection[str] | None,
        now: datetime,
        *,
        locked: Collection[str] | None = None,
        before: str | None = None,
    ) -> Sequence[PlanRecord]:
        """Return the plans that stand in the queues of these resources, or in any, the first in
        front: queued ones, and those that were begun.

        :param locked: resources whose locks the caller has, or waits for: nobody else works on a
            plan in their queues. In other queues a plan that somebody works on is left out. None:
            each that is named.
        :param before: a plan; only those in front of it.
        """

    def waiting(
        self, before: datetime, *, untold: bool = False, limit: int | None = None
    ) -> Sequence[WaitingChange]:
        """Return the changes that stand in a queue since then or longer, the oldest first.

        :param untold: only those of which nobody was told yet.
        """

    def count_waiting(self, before: datetime) -> int:
        """Return how many changes stand in a queue since then or longer."""

    def mark_told(self, plan_ids: Collection[str], now: datetime) -> None:
        """Keep that somebody was told of these; it is forgotten when they leave their queues."""


class WorkItemRepository(Protocol):
    """Approvals and manual tasks."""

    def add(self, item: WorkItem) -> None:
        """Insert an item. At most one open item a subject, entitlement and kind can exist.

        :raises connector.errors.UniquenessError: there is an open one already.
        """

    def get(self, work_item_id: str) -> WorkItem:
        """Return an item by its id, or by a prefix of the id that only it has.

        :raises connector.errors.NotFoundError: no such item, or several with that prefix.
        """

    def save(self, item: WorkItem) -> None:
        """Overwrite an item."""

    def count(
        self,
        states: Iterable[WorkItemState],
        *,
        kind: WorkItemKind | None = None,
        assignee: str | None = None,
        wanted: WorkItemFilter | None = None,
    ) -> int:
        """Return how many items :meth:`page` has on all pages."""

    def page(
        self,
        states: Iterable[WorkItemState],
        *,
        kind: WorkItemKind | None = None,
        assignee: str | None = None,
        wanted: WorkItemFilter | None = None,
        newest_first: bool = False,
        after: str = "",
        limit: int = 50,
    ) -> Sequence[WorkItem]:
        """Return items in the order of their creation.

        :param after: the id of the last item of the page before.
        """

    def search(
        self,
        *,
        states: Iterable[WorkItemState] = (),
        subject_ids: Iterable[str] = (),
        entitlement: str | None = None,
        direction: Direction | None = None,
        kind: WorkItemKind | None = None,
        closed_after: datetime | None = None,
        closed_until: datetime | None = None,
        wanted: WorkItemFilter | None = None,
    ) -> Sequence[WorkItem]:
        """Return matching items, oldest first; no states means all.

        :param closed_after: only those that ended after this time.
        :param closed_until: only those that had ended at this time.
        """

    def add_event(self, event: WorkItemEvent) -> None:
        """Append a line to an item's history; its sequence is filled in."""

    def events(self, work_item_id: str) -> Sequence[WorkItemEvent]:
        """Return an item's history, oldest first."""

    def acts_on_open(self, acts: Collection[Act]) -> Sequence[WorkItemEvent]:
        """Return what was done so to items that are open, in no order."""

    def add_evidence(self, evidence: Evidence, content: bytes) -> None:
        """Keep a file with an item."""

    def evidence(self, work_item_id: str) -> Sequence[Evidence]:
        """Return what is attached to an item, oldest first."""

    def evidence_content(self, evidence_id: str) -> tuple[Evidence, bytes]:
        """Return a file that was attached.

        :raises connector.errors.NotFoundError: no such file.
        """

    def put_delegation(self, delegation: Delegation) -> None:
        """Insert or overwrite a delegation."""

    def delegations(self) -> Sequence[Delegation]:
        """Return all delegations, newest first."""


class ClientRepository(Protocol):
    """API clients and their tokens."""

    def add(self, client: ApiClient) -> None:
        """Insert a client.

        :raises connector.errors.UniquenessError: the name is taken.
        """

    def get(self, client_id: str) -> ApiClient:
        """Return a client.

        :raises connector.errors.NotFoundError: no such client.
        """

    def list(self) -> Sequence[ApiClient]:
        """Return all clients by name."""

    def save(self, client: ApiClient) -> None:
        """Overwrite a client."""

    def add_token(self, token: ApiToken) -> None:
        """Insert a token."""

    def tokens(self, client_id: str) -> Sequence[ApiToken]:
        """Return a client's tokens, newest first."""

    def save_token(self, token: ApiToken) -> None:
        """Overwrite a token."""

    def remove_token(self, token_id: str) -> None:
        """Forget a token."""

    def find_by_token_hash(self, token_hash: str) -> tuple[ApiClient, ApiToken] | None:
        """Return who presents this token, revoked or expired included."""


class AttributeRepository(Protocol):
    """What DocuSign cannot hold: external ids, kept attributes, what is past."""

    def get(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, ClientAttributes]:
        """Return the attributes of resources that have some, by SCIM id."""

    def put(self, attributes: ClientAttributes) -> None:
        """Make these the attributes of the resource."""

    def named(self, kind: str, scopes: Iterable[str], external_id: str) -> Sequence[str]:
        """Return the SCIM ids to which clients of these scopes have given an external id."""

    def remove(self, kind: str, scim_id: str) -> None:
        """Drop everything kept for a resource."""

    def add_tombstone(self, tombstone: Tombstone) -> None:
        """Record a deletion."""

    def tombstones(self, email_key: str) -> Sequence[Tombstone]:
        """Return deletions on an address, newest first."""

    def is_deleted(self, kind: str, scim_ids: Iterable[str]) -> frozenset[str]:
        """Return those of the ids that have a tombstone."""

    def deleted_at(self, kind: str, scim_ids: Iterable[str]) -> Mapping[str, datetime]:
        """Return when those of the ids that have a tombstone were deleted."""

    def external_ids_of_deleted(
        self, kind: str, scim_ids: Iterable[str]
    ) -> Mapping[str, Mapping[str, str]]:
        """Return what external ids those of the ids had that have a tombstone."""

    def remove_tombstone(self, kind: str, scim_id: str) -> None:
        """The same person came back."""

    def add_earlier_addresses(self, email_keys: Mapping[str, str]) -> None:
        """Note an address, folded, that each of these users had until now, by user id."""

    def earlier_addresses(self, user_ids: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return the folded addresses that users had before, by user id; who always had the same
        one is left out.

        Those of whoever else is on the user's present address count as well: DocuSign gives
        somebody who is deleted and created again a new id.
        """

    def addresses_left(self, user_id: str) -> frozenset[str]:
        """Return the folded addresses that this very user id had before."""

    def who_left(self, email_keys: Iterable[str]) -> Mapping[str, frozenset[str]]:
        """Return by folded address the ids of the users who had it before; who has it now is found
        in the mirror. An address that nobody left is left out."""

    def put_provenance(self, provenance: Provenance) -> None:
        """Record why somebody holds an entitlement."""

    def remove_provenance(self, user_id: str, entitlement: str) -> None:
        """The entitlement is gone."""

    def remove_provenance_of(self, entitlement: str) -> None:
        """The entitlement is gone for everybody."""

    def provenance(self, user_id: str) -> Sequence[Provenance]:
        """Return the provenance of a user's entitlements."""

    def provenance_of(self, user_ids: Iterable[str]) -> Mapping[str, Sequence[Provenance]]:
        """Return the same of many users, by id; those who have none are left out."""


class JobRepository(Protocol):
    """Runs of jobs."""

    def add(self, run: JobRun) -> None:
        """Record the start of a run."""

    def save(self, run: JobRun) -> None:
        """Overwrite a run."""

    def latest(self, job: str, now: datetime | None = None) -> JobRun | None:
        """Return the last run of a job.

        :param now: passes over runs that have still to begin: a clock was ahead when they did.
        """

    def latest_done(self, job: str, now: datetime | None = None) -> JobRun | None:
        """Return the last run of a job that succeeded; *now* as in :meth:`latest`."""

    def list(
        self,
        limit: int = 50,
        job: str | None = None,
        *,
        with_idle: bool = False,
        after: tuple[datetime, str] | None = None,
    ) -> Sequence[JobRun]:
        """Return runs, newest first, of one job or of all; of those that found nothing to do only
        on request.

        :param after: start and id of the last run of the page before.
        """

    def forget(self, before: datetime, *, only_idle: bool = False) -> int:
        """Delete runs that began before then, and return how many; the last run of each job that
        succeeded stays, and so does whatever runs."""
