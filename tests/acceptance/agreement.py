"""Whether DocuSign, the mirror, what SCIM shows and the ledger agree.

:func:`disagreements` compares all four and names each difference; a test asserts that there is
none. What is expected is derived from the simulator's state, never from the connector's own code.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import select

from connector.bootstrap import Application
from connector.domain.audit.chain import find_break
from connector.domain.ledger.plans import Fulfilment, OperationState, PlanState
from connector.domain.work_items.items import WorkItemState
from connector.ports import USER
from connector.store import SqlStore
from connector.store.tables import operations, plans
from simulator.state import State
from tests.connector import DOCUSIGN

Get = Callable[[str], Any]
"""Returns the JSON of a SCIM path."""

PERSON = ("email", "user_name", "first_name", "middle_name", "last_name", "suffix")


@dataclass(frozen=True)
class Person:
    """One user in a form that DocuSign's state and the mirror share."""

    identity: Mapping[str, str]
    memberships: Mapping[str, tuple[str, str | None, frozenset[str]]]
    """Status, profile and groups by account."""

    @property
    def is_open(self) -> bool:
        return any(status not in ("closed", "disabled") for status, _, _ in self.open_or_not)

    def is_open_in(self, account_id: str) -> bool:
        """Whether SCIM shows what is held in an account."""
        return self.memberships[account_id][0] not in ("closed", "disabled")

    @property
    def open_or_not(self) -> list[tuple[str, str | None, frozenset[str]]]:
        return list(self.memberships.values())

    @property
    def held(self) -> frozenset[str]:
        """The SCIM ids of the profiles of open memberships and of all groups."""
        profiles = {
            f"{account}.{profile}"
            for account, (status, profile, _) in self.memberships.items()
            if status not in ("closed", "disabled") and profile
        }
        return frozenset(profiles) | self.groups

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(
            f"{account}.g{group}"
            for account, (_, _, groups) in self.memberships.items()
            for group in groups
        )


def people_in_docusign(state: State) -> dict[str, Person]:
    """Return what DocuSign has."""
    return {
        user.user_id: Person(
            {name: getattr(user, name) for name in PERSON},
            {
                account_id: (item.status.admin_name, item.profile_id, frozenset(item.group_ids))
                for account_id, item in user.memberships.items()
            },
        )
        for user in state.users.values()
    }


def people_in_mirror(application: Application) -> dict[str, Person]:
    """Return what the mirror has."""
    with application.tenant("default").context.read() as uow:
        users = uow.mirror.get_users(uow.mirror.iter_user_ids(limit=100_000))
    return {
        user_id: Person(
            {name: getattr(user, name) for name in PERSON},
            {
                account_id: (str(item.status), item.profile_id, item.group_ids)
                for account_id, item in user.memberships.items()
            },
        )
        for user_id, user in users.items()
    }


def disagreements(state: State, application: Application, get: Get) -> list[str]:
    """Return every difference, in words."""
    people = people_in_docusign(state)
    return [
        *_differences(people, people_in_mirror(application)),
        *_group_differences(state, application),
        *_shown_users(people, application, get),
        *_shown_groups(state, people, get),
        *_ledger(people, application),
    ]


# DocuSign and mirror --------------------------------------------------------------------


def _differences(expected: Mapping[str, Person], found: Mapping[str, Person]) -> Iterator[str]:
    for user_id in expected.keys() | found.keys():
        there, here = expected.get(user_id), found.get(user_id)
        if there is None or here is None:
            where = "the mirror" if there is None else "DocuSign"
            yield f"user {user_id} is only in {where}: {here or there}"
            continue
        for item in fields(Person):
            if getattr(there, item.name) != getattr(here, item.name):
                yield (
                    f"{item.name} of {there.identity['email']}: DocuSign "
                    f"{getattr(there, item.name)}, mirror {getattr(here, item.name)}"
                )


def _group_differences(state: State, application: Application) -> Iterator[str]:
    with application.tenant("default").context.read() as uow:
        known = uow.mirror.catalogue().groups
        expected = {
            (account.account_id, group.group_id): group
            for account in state.accounts.values()
            for group in account.groups.values()
        }
        if expected.keys() != known.keys():
            yield f"groups differ: {expected.keys() ^ known.keys()}"
        for key in expected.keys() & known.keys():
            if expected[key].name != known[key].name:
                yield f"group {key}: DocuSign {expected[key].name!r}, mirror {known[key].name!r}"
            if expected[key].kind != "customGroup":
                continue
            members = set(expected[key].members)
            if uow.mirror.group_member_ids(*key) != members:
                yield f"members of {key}: {uow.mirror.group_member_ids(*key) ^ members}"
            if uow.mirror.group_size(*key) != len(members):
                yield f"size of {key}: {uow.mirror.group_size(*key)} for {len(members)}"


# what SCIM shows ------------------------------------------------------------------------


def read_all(get: Get, path: str) -> list[dict[str, Any]]:
    """Return every resource of an endpoint, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = get(f"{path}?startIndex={len(found) + 1}&count=100")
        found += page.get("Resources", [])
        if len(found) >= page["totalResults"] or not page.get("Resources"):
            return found


def _shown_users(people: Mapping[str, Person], application: Application, get: Get) -> Iterator[str]:
    shown = {user["id"]: user for user in read_all(get, "/Users")}
    with application.tenant("default").context.read() as uow:
        deleted = uow.attributes.is_deleted(USER, people)
    by_address: dict[str, list[str]] = defaultdict(list)
    for user_id, person in people.items():
        by_address[person.identity["email"].casefold()].append(user_id)
    for address, ids in by_address.items():
        opened = [user_id for user_id in ids if people[user_id].is_open]
        visible = [user_id for user_id in ids if user_id in shown]
        candidates = opened or [user_id for user_id in ids if user_id not in deleted]
        # Who held a freed address before may have gone with the deletion.
        is_freed = not opened and not deleted.isdisjoint(ids)
        has_right_count = len(visible) == bool(candidates) or (is_freed and not visible)
        if not has_right_count or not set(visible) <= set(candidates):
            yield f"{address}: SCIM shows {visible}, one of {candidates} is expected"
    for user_id, user in shown.items():
        if user_id in people:
            yield from _shown_user(people[user_id], user)
        else:
            yield f"SCIM shows {user['userName']}, whom DocuSign does not know"


def _shown_user(person: Person, user: Mapping[str, Any]) -> Iterator[str]:
    name = user["userName"]
    if name.casefold() != person.identity["email"].casefold():
        yield f"SCIM calls {person.identity['email']} {name}"
    if user["active"] is not person.is_open:
        yield f"{name} is active={user['active']}, DocuSign says {person.memberships}"
    entitlements = {item["value"] for item in user.get("entitlements", ())}
    if entitlements != person.held - person.groups:
        yield f"entitlements of {name}: {entitlements}, DocuSign {person.memberships}"
    groups = {item["value"] for item in user.get("groups", ())}
    in_open = {item for item in person.groups if person.is_open_in(item.partition(".g")[0])}
    if groups != in_open:
        yield f"groups of {name}: SCIM {groups}, DocuSign {person.groups}"


def _shown_groups(state: State, people: Mapping[str, Person], get: Get) -> Iterator[str]:
    shown = {group["id"]: group for group in read_all(get, "/Groups")}
    users = {user["id"] for user in read_all(get, "/Users")}
    expected = {
        f"{account.account_id}.g{group.group_id}": group
        for account in state.accounts.values()
        for group in account.groups.values()
        if group.kind == "customGroup"
    }
    if shown.keys() != expected.keys():
        yield f"SCIM shows other groups: {shown.keys() ^ expected.keys()}"
    for group_id in shown.keys() & expected.keys():
        members = {item["value"] for item in shown[group_id].get("members", ())}
        in_open = {
            user_id
            for user_id in users & set(expected[group_id].members)
            if people[user_id].is_open_in(group_id.partition(".g")[0])
        }
        if members != in_open:
            yield f"members of {group_id}: {members ^ in_open}"
        if shown[group_id]["displayName"] != expected[group_id].name:
            yield f"name of {group_id}: {shown[group_id]['displayName']!r}"
        if shown[group_id].get(f"{DOCUSIGN}Group", {}).get("memberCount", len(members)) != len(
            members
        ):
            yield f"member count of {group_id}"


# the ledger -----------------------------------------------------------------------------


def _rows(store: SqlStore, table: Any) -> list[Any]:
    with store.database.reading() as connection:
        return list(connection.execute(select(table)))


def _ledger(people: Mapping[str, Person], application: Application) -> Iterator[str]:
    steps_by_plan: dict[str, list[Any]] = defaultdict(list)
    for step in _rows(application.store, operations):
        steps_by_plan[step.plan_id].append(step)
    for plan in _rows(application.store, plans):
        yield from _plan(plan, steps_by_plan[plan.plan_id])
    waiting = Counter(
        step.operation_id
        for steps in steps_by_plan.values()
        for step in steps
        if step.state == OperationState.WAITING
    )
    with application.tenant("default").context.read() as uow:
        items = uow.work_items.search()
        open_items = [item for item in items if item.state.is_open]
        if Counter(item.operation_id for item in open_items) != waiting:
            yield f"open tasks {open_items} for waiting operations {waiting}"
        asked = Counter((item.subject_id, item.entitlement) for item in open_items)
        yield from (f"several open tasks for {key}" for key, n in asked.items() if n > 1)
        yield from (
            f"task {item.work_item_id} is {item.state} without a time"
            for item in items
            if item.state in (WorkItemState.DONE, WorkItemState.DENIED, WorkItemState.REJECTED)
            and not item.closed_at
        )
        for user_id, person in people.items():
            given = {item.entitlement for item in uow.attributes.provenance(user_id)}
            # What DocuSign itself took is known to be given until somebody accepts that.
            known = uow.drift.expected([user_id]).get(user_id)
            expected = known.entitlements() if known else frozenset()
            if extra := given - person.held - expected:
                yield f"provenance of {person.identity['email']} without access: {extra}"
        if broken := find_break(uow.audit.events(limit=1_000_000)):
            yield f"the audit chain breaks at {broken}"


def _plan(plan: Any, steps: list[Any]) -> Iterator[str]:
    states = {step.state for step in steps}
    unfinished = states & {OperationState.PLANNED, OperationState.IN_FLIGHT}
    if unfinished:
        yield f"plan {plan.plan_id} ({plan.state}: {plan.summary}) has operations {unfinished}"
    waits = OperationState.WAITING in states
    expected = {PlanState.OPEN} if waits else {PlanState.DONE, PlanState.FAILED}
    if plan.state not in expected:
        yield f"plan {plan.plan_id} ({plan.summary}) is {plan.state} with {sorted(states)}"
    if plan.state == PlanState.DONE and OperationState.FAILED in states:
        yield f"plan {plan.plan_id} is done with a failed operation"
    yield from (
        f"operation {step.operation_id} waits for a person but is automatic"
        for step in steps
        if step.state == OperationState.WAITING and step.fulfilment == Fulfilment.AUTOMATIC
    )
