"""A tenant with a row in every table, and a call of every method of every repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from connector.domain.audit.events import AuditFilter
from connector.domain.authentication.console import SignInMethod
from connector.domain.budget import BudgetState, CallCount
from connector.domain.consent.code_grants import CodeGrant
from connector.domain.consent.links import Way
from connector.domain.consent.state import ConsentLink, ConsentRecord, ConsentState
from connector.domain.drift.expected import KnownEntitlement, Origin
from connector.domain.drift.findings import FindingFilter
from connector.domain.ledger.job_runs import RunState
from connector.domain.ledger.plans import ROLES_KEY, PlanState
from connector.domain.ledger.resources import ClientAttributes
from connector.domain.model import Account, Profile
from connector.domain.notifications import Notice
from connector.domain.tenants.records import TenantRecord, TenantState
from connector.domain.work_items.delegations import Delegation
from connector.domain.work_items.history import Act, Evidence, WorkItemEvent
from connector.domain.work_items.items import WorkItemState
from connector.ports import ResourceQuery, RunningProcess, UnitOfWork
from scim.filters import AttributePath, Comparison, Operator, Present
from tests.contract.store import people, records
from tests.contract.store.people import ACCOUNT, GROUP, NOW, USER
from tests.contract.store.test_console import ANN, FAILURES, SESSION, TOKEN
from tests.contract.store.test_console import NOW as CONSOLE_NOW

GROUP_ID = people.in_group(1)
ID = "user-00001"

HISTORY = WorkItemEvent("item-1", NOW, "ann", Act.COMMENTED)
EVIDENCE = Evidence("ev-1", "item-1", "x.txt", "text/plain", 1, "00", "ann", NOW)
TENANT = TenantRecord("acme", TenantState.ACTIVE, {"user_id": "u"}, 1, NOW, "ann", NOW, "ann")
CONSENT = ConsentRecord(
    ID, ConsentState.MISSING, NOW, NOW, "consent_required", "x", is_connection=True
)
LINK = ConsentLink("l1", Way.INDIVIDUAL, ID, NOW, frozenset({"signature"}))
GRANT = CodeGrant(ID, "r", "a", NOW, frozenset({"signature"}), NOW, "ann", NOW, NOW)
LATER = NOW.replace(year=2100)
KNOWN = KnownEntitlement(f"{ACCOUNT}.1", "P")
PROCESS = RunningProcess("p1", "serve", "h", "h.1", 1, "/c.yaml", "00", NOW, NOW)
DELEGATION = Delegation("d-1", "ann", "bob", NOW, NOW + timedelta(days=1), "", "ann", NOW)


def fill(unit: UnitOfWork) -> None:
    unit.put_fact("accounts", [ACCOUNT])
    unit.mirror.put_accounts([Account(ACCOUNT, "A")])
    unit.mirror.put_profiles(ACCOUNT, [Profile(ACCOUNT, "1", "P")])
    unit.mirror.put_groups(ACCOUNT, [people.group(1)])
    held = people.member(ACCOUNT, "1", is_admin=True)
    user = people.user(1, memberships=held, is_organization_admin=True, last_login_at=NOW)
    unit.mirror.put_users([user], NOW)
    unit.mirror.note_groups_written(ACCOUNT, [ID], NOW)
    unit.mirror.seen_in_run("run", ACCOUNT, ["someone else"])
    unit.resources.put([people.plain_row(1), people.group_row(people.group(1))])
    unit.plans.add(records.plan(), [records.operation()])
    unit.plans.add(records.plan("plan-2", state=PlanState.QUEUED), [])
    unit.plans.add(records.plan("plan-3", subject_id=None, requester="user:ann"), [])
    unit.turns.take("plan-2", ["user:1"], NOW)
    unit.work_items.add(records.work_item())
    unit.work_items.add_event(HISTORY)
    unit.work_items.add_evidence(EVIDENCE, b"x")
    unit.work_items.put_delegation(DELEGATION)
    unit.clients.add(records.client())
    unit.clients.add_token(records.token())
    unit.attributes.put(ClientAttributes(USER, ID, {"iiq": "e1"}, {"urn": 1, ROLES_KEY: ["r"]}))
    unit.attributes.add_tombstone(records.tombstone())
    unit.attributes.add_earlier_addresses({ID: "maiden1@example.com"})
    unit.attributes.put_provenance(records.provenance())
    unit.audit.append(records.event(), replace(records.event(), actor="user:ann"))
    unit.audit.append(records.event(subject=GROUP_ID, data={"operation": {"user_ids": [ID]}}))
    unit.notifications.add(records.delivery())
    unit.erasures.put(records.erasure())
    unit.consents.put(CONSENT)
    unit.consents.add_link(LINK)
    unit.consents.put_grant(GRANT, 0)
    unit.budgets.put_states([BudgetState(ACCOUNT, NOW, 3000, 2900)])
    unit.tenants.put(TENANT)
    unit.tenants.claim([ACCOUNT], "acme")
    unit.tenants.count_change()
    unit.budgets.add_calls([CallCount(ACCOUNT, NOW, "aggregation", 7)])
    unit.hints.add([records.hint()])
    unit.drift.put_expected([records.expected(), records.expected("user-gone")])
    unit.drift.put_known([KNOWN])
    unit.drift.add([records.finding()])
    unit.jobs.add(records.run())
    unit.jobs.add(records.run(run_id="run-2", job="done", state=RunState.DONE, finished_at=NOW))
    unit.console.add_account(ANN)
    unit.console.note_address("ann", "ann@example.com")
    unit.console.add_session(SESSION)
    unit.console.add_session(replace(SESSION, session_hash="h2", method=SignInMethod.OIDC))
    unit.console.put_token(TOKEN)
    unit.console.put_failures([FAILURES], CONSOLE_NOW)
    unit.locks.acquire(["key"], "owner", NOW.replace(year=2100), NOW)
    unit.processes.put(PROCESS)


def _search(kind: str, path: AttributePath, value: str) -> Callable[[UnitOfWork], Any]:
    filter_ = Comparison(path, Operator.EQ, value)
    query = ResourceQuery(kind, filter_, external_id_scope="iiq")
    return lambda unit: unit.resources.search(query).resources


READS: dict[str, list[Callable[[UnitOfWork], Any]]] = {
    "facts": [lambda unit: unit.facts()],
    "resources": [
        lambda unit: unit.resources.latest_change(USER),
        lambda unit: unit.resources.find(USER, ID),
        lambda unit: unit.resources.find_hidden(USER, ID),
        lambda unit: unit.resources.rows(USER, [ID]),
        lambda unit: unit.resources.find_by_name(USER, "person1@example.com"),
        lambda unit: unit.resources.search(ResourceQuery(USER)).resources,
        lambda unit: unit.resources.search(ResourceQuery(USER)).total,
        lambda unit: unit.resources.joined_page(USER, "", 1, 100).documents,
        lambda unit: unit.resources.joined_behind(USER, "", 0, 100).documents,
        lambda unit: (
            unit.resources.search(ResourceQuery(USER, Present(AttributePath("id")))).resources
        ),
        _search(USER, AttributePath("userName"), "person1@example.com"),
        _search(USER, AttributePath("externalId"), "e1"),
        _search(USER, AttributePath("id"), ID),
        _search(GROUP, AttributePath("members"), ID),
        lambda unit: unit.resources.members(GROUP_ID),
        lambda unit: unit.resources.members(f"{ACCOUNT}.p1"),
        lambda unit: unit.resources.members("role.organization-admin"),
    ],
    "mirror": [
        lambda unit: unit.mirror.catalogue().accounts,
        lambda unit: unit.mirror.catalogue().profiles,
        lambda unit: unit.mirror.catalogue().groups,
        lambda unit: unit.mirror.get_users([ID]),
        lambda unit: unit.mirror.users_by_email(["person1@example.com"]),
        lambda unit: unit.mirror.user_ids_by_email(["person1@example.com"]),
        lambda unit: unit.mirror.fetched_at(ID),
        lambda unit: unit.mirror.fetched_at_of([ID]),
        lambda unit: unit.mirror.group_member_ids(ACCOUNT, "1"),
        lambda unit: unit.mirror.group_size(ACCOUNT, "1"),
        lambda unit: unit.mirror.groups_written_between(
            ACCOUNT, [ID], NOW - timedelta(days=400), NOW + timedelta(days=400)
        ),
        lambda unit: unit.mirror.account_members(ACCOUNT, 10),
        lambda unit: unit.mirror.iter_user_ids(),
        lambda unit: unit.mirror.count_users(),
        lambda unit: unit.mirror.count_admins(ACCOUNT),
        lambda unit: unit.mirror.organization_admins(),
        lambda unit: unit.mirror.knows_organization_admins(),
        lambda unit: unit.mirror.count_memberships(ACCOUNT),
        lambda unit: unit.mirror.count_profile_holders(ACCOUNT),
        lambda unit: unit.mirror.unseen_in_run("run", ACCOUNT),
        lambda unit: unit.mirror.count_seen_in_run("run", ACCOUNT),
        lambda unit: unit.mirror.count_unseen_in_run("run", ACCOUNT),
    ],
    "plans": [
        lambda unit: unit.plans.get("plan-1"),
        lambda unit: unit.plans.abandoned(NOW),
        lambda unit: unit.plans.lease_owners("o"),
        lambda unit: unit.plans.open_for_subject(USER, ID),
        lambda unit: unit.plans.queued(USER, [ID]),
        lambda unit: list(unit.plans.since(NOW - timedelta(days=400))),
        lambda unit: unit.plans.open_of_people(),
        lambda unit: unit.plans.in_progress_marks(),
        lambda unit: list(unit.plans.in_progress(["plan-1"])),
        lambda unit: unit.plans.operations_of(["plan-1"]),
    ],
    "turns": [
        lambda unit: unit.turns.ahead(None, NOW),
        lambda unit: unit.turns.waiting(LATER),
        lambda unit: unit.turns.count_waiting(LATER),
        lambda unit: unit.totals.waits_since(),
    ],
    "work_items": [
        lambda unit: unit.work_items.get("item-1"),
        lambda unit: unit.work_items.search(),
        lambda unit: unit.work_items.events("item-1"),
        lambda unit: unit.work_items.acts_on_open(list(Act)),
        lambda unit: unit.work_items.evidence("item-1"),
        lambda unit: unit.work_items.evidence_content("ev-1"),
        lambda unit: unit.work_items.delegations(),
        lambda unit: unit.work_items.count(WorkItemState),
        lambda unit: unit.work_items.page(WorkItemState),
    ],
    "clients": [
        lambda unit: unit.clients.get("iiq"),
        lambda unit: unit.clients.list(),
        lambda unit: unit.clients.tokens("iiq"),
        lambda unit: unit.clients.find_by_token_hash("ab" * 32),
    ],
    "attributes": [
        lambda unit: unit.attributes.get(USER, [ID]),
        lambda unit: unit.attributes.tombstones("person1@example.com"),
        lambda unit: unit.attributes.is_deleted(USER, [ID]),
        lambda unit: unit.attributes.deleted_at(USER, [ID]),
        lambda unit: unit.attributes.external_ids_of_deleted(USER, [ID]),
        lambda unit: unit.attributes.earlier_addresses([ID]),
        lambda unit: unit.attributes.addresses_left(ID),
        lambda unit: unit.attributes.who_left(["maiden1@example.com"]),
        lambda unit: unit.attributes.provenance(ID),
        lambda unit: unit.attributes.provenance_of([ID]),
        lambda unit: unit.attributes.named(USER, ["iiq"], "e1"),
    ],
    "audit": [
        lambda unit: unit.audit.events(),
        lambda unit: list(unit.audit.walk()),
        lambda unit: unit.audit.events(wanted=AuditFilter(people=(ID,), with_requests=True)),
        lambda unit: unit.audit.head().sequence,
        lambda unit: [event.actor for event in unit.audit.events() if event.data],
    ],
    "notifications": [
        lambda unit: unit.notifications.get("delivery-1"),
        lambda unit: unit.notifications.search(),
        lambda unit: unit.notifications.was_told(Notice.TASK_OPENED, "item-1"),
        lambda unit: unit.notifications.record_of("mail", "item-1"),
    ],
    "erasures": [
        lambda unit: unit.erasures.get("erasure-1"),
        lambda unit: unit.erasures.search(),
        lambda unit: unit.erasures.names_used([""]) - {""},
        lambda unit: unit.erasures.open_items("user-00001", "person1@example.com"),
    ],
    "locks": [
        lambda unit: unit.locks.owners("o"),
        lambda unit: unit.locks.owner_of("key"),
        lambda unit: unit.locks.live(NOW),
    ],
    "holdings": [lambda unit: unit.holdings.count(), lambda unit: list(unit.holdings.walk())],
    "console": [
        lambda unit: unit.console.get_account("ann"),
        lambda unit: unit.console.find_account("ann"),
        lambda unit: unit.console.accounts(),
        lambda unit: unit.console.names_on(["ann@example.com"]),
        lambda unit: unit.console.find_session("h1"),
        lambda unit: unit.console.find_token("h1"),
        lambda unit: unit.console.provider_sessions(),
        lambda unit: unit.console.sessions(),
        lambda unit: unit.console.tokens(),
        lambda unit: unit.console.tokens("ann"),
        lambda unit: unit.console.failures(["a"], CONSOLE_NOW),
    ],
    "jobs": [
        lambda unit: unit.jobs.latest("sync"),
        lambda unit: unit.jobs.latest_done("done"),
        lambda unit: unit.jobs.list(),
    ],
    "processes": [lambda unit: unit.processes.list()],
    "budgets": [
        lambda unit: unit.budgets.states(),
        lambda unit: unit.budgets.calls(NOW),
    ],
    "tenants": [
        lambda unit: unit.tenants.find("acme"),
        lambda unit: unit.tenants.names(),
        lambda unit: unit.tenants.since(0),
        lambda unit: unit.tenants.revision(),
        lambda unit: unit.tenants.owners([ACCOUNT]),
    ],
    "consents": [
        lambda unit: unit.consents.of_users([ID]),
        lambda unit: unit.consents.connection(),
        lambda unit: unit.consents.checked_before(LATER, 5),
        lambda unit: unit.consents.counts(),
        lambda unit: unit.consents.find_link("l1"),
        lambda unit: unit.consents.grant(),
    ],
    "hints": [
        lambda unit: unit.hints.due(),
        lambda unit: unit.hints.count(),
        lambda unit: unit.hints.count_members(),
    ],
    "drift": [
        lambda unit: unit.drift.expected([ID]),
        lambda unit: unit.drift.expected_but_unknown(),
        lambda unit: unit.drift.expected_in_group(ACCOUNT, "1"),
        lambda unit: unit.drift.knows_logins(),
        lambda unit: unit.drift.known_entitlements(),
        lambda unit: unit.drift.get("finding-1"),
        lambda unit: unit.drift.standing([ID]),
        lambda unit: unit.drift.standing_elsewhere(["User"]),
        lambda unit: unit.drift.search(FindingFilter()),
        lambda unit: unit.drift.counts(),
        lambda unit: unit.drift.named(["finding-1"]),
        lambda unit: unit.drift.count(FindingFilter()),
    ],
    "totals": [
        lambda unit: unit.totals.members(ACCOUNT),
        lambda unit: unit.totals.plans(),
        lambda unit: sum(unit.totals.open_work_items().values()),
        lambda unit: sum(unit.totals.mirror().values()),
        lambda unit: unit.totals.last_runs(NOW),
    ],
}

WRITES: list[Callable[[UnitOfWork], Any]] = [
    lambda unit: unit.put_fact("accounts", []),
    lambda unit: unit.consents.put(replace(CONSENT, said="y")),
    lambda unit: unit.consents.add_link(replace(LINK, made_by="y")),
    lambda unit: unit.consents.use_link("l1", NOW),
    lambda unit: unit.consents.purge_links(LATER),
    lambda unit: unit.consents.put_grant(replace(GRANT, refresh_token="y"), 1),
    lambda unit: unit.consents.put_grant(replace(GRANT, refresh_token="y"), 0),
    lambda unit: unit.consents.remove_grant(),
    lambda unit: unit.resources.put([people.plain_row(1, visible=False)]),
    lambda unit: unit.resources.remove(USER, [ID]),
    lambda unit: unit.mirror.put_accounts([Account(ACCOUNT, "B")]),
    lambda unit: unit.mirror.put_profiles(ACCOUNT, []),
    lambda unit: unit.mirror.put_groups(ACCOUNT, []),
    lambda unit: unit.mirror.put_group(people.group(1)),
    lambda unit: unit.mirror.remove_group(ACCOUNT, "1"),
    lambda unit: unit.mirror.put_users([people.user(1, memberships={})], people.NOW),
    lambda unit: unit.mirror.stamp_users(people.NOW),
    lambda unit: unit.mirror.add_group_members(ACCOUNT, "1", ["x"]),
    lambda unit: unit.mirror.remove_group_members(ACCOUNT, "1", [ID]),
    lambda unit: unit.mirror.note_groups_written(ACCOUNT, [ID], people.NOW),
    lambda unit: unit.mirror.seen_in_run("run", ACCOUNT, [ID]),
    lambda unit: unit.mirror.forget_run("run"),
    lambda unit: unit.plans.add(records.plan(summary="x"), [records.operation(error="x")]),
    lambda unit: unit.plans.save_plan(records.plan(summary="y")),
    lambda unit: unit.plans.save_operation(records.operation(error="y")),
    lambda unit: unit.plans.refill(records.plan(summary="z"), []),
    lambda unit: unit.turns.take("plan-2", ["user:2"], NOW),
    lambda unit: unit.turns.leave("plan-2"),
    lambda unit: unit.turns.mark_told(["plan-2"], NOW),
    lambda unit: unit.plans.release_leases("o"),
    lambda unit: unit.work_items.add(records.work_item(title="x")),
    lambda unit: unit.work_items.save(records.work_item(title="y")),
    lambda unit: unit.work_items.add_event(replace(HISTORY, comment="x")),
    lambda unit: unit.work_items.add_evidence(replace(EVIDENCE, name="y"), b"y"),
    lambda unit: unit.work_items.put_delegation(replace(DELEGATION, reason="y")),
    lambda unit: unit.clients.add(records.client(settings={})),
    lambda unit: unit.clients.save(records.client(settings={"x": 1})),
    lambda unit: unit.clients.add_token(records.token(revoked_at=NOW)),
    lambda unit: unit.clients.save_token(records.token(expires_at=NOW)),
    lambda unit: unit.clients.remove_token("token-1"),
    lambda unit: unit.attributes.put(ClientAttributes(USER, ID)),
    lambda unit: unit.attributes.remove(USER, ID),
    lambda unit: unit.attributes.add_tombstone(records.tombstone(deleted_by="x")),
    lambda unit: unit.attributes.add_earlier_addresses({ID: "other1@example.com"}),
    lambda unit: unit.attributes.remove_tombstone(USER, ID),
    lambda unit: unit.attributes.put_provenance(records.provenance()),
    lambda unit: unit.attributes.remove_provenance(ID, "role"),
    lambda unit: unit.attributes.remove_provenance_of("role"),
    lambda unit: unit.audit.append(records.event("other")),
    lambda unit: unit.audit.erase([1], ["user:ann"]),
    lambda unit: unit.erasures.put(records.erasure(reason="y")),
    lambda unit: unit.erasures.forget_person("user-00001", "person1@example.com"),
    lambda unit: unit.erasures.forget_actor(["ann", "iga", "person1@example.com"]),
    lambda unit: unit.budgets.put_states([BudgetState(ACCOUNT, NOW, 1)]),
    lambda unit: unit.budgets.add_calls([CallCount(ACCOUNT, NOW, "aggregation", 5)]),
    lambda unit: unit.budgets.forget_calls(NOW.replace(year=2100)),
    lambda unit: unit.tenants.put(replace(TENANT, reason="y")),
    lambda unit: unit.tenants.remove("acme"),
    lambda unit: unit.tenants.count_change(),
    lambda unit: unit.tenants.claim(["another"], "acme"),
    lambda unit: unit.tenants.release("acme"),
    lambda unit: unit.hints.add([records.hint()]),
    lambda unit: unit.hints.followed(records.hint()),
    lambda unit: unit.hints.in_vain(records.hint()),
    lambda unit: unit.hints.cover("run-1"),
    lambda unit: unit.hints.covered("run-1"),
    lambda unit: unit.drift.put_expected([records.expected(origin=Origin.ADOPTED)]),
    lambda unit: unit.drift.put_known([replace(KNOWN, name="y")]),
    lambda unit: unit.drift.remove_known([KNOWN.scim_id]),
    lambda unit: unit.drift.add([records.finding(drift_key="y")]),
    lambda unit: unit.drift.save([records.finding(reason="y")]),
    lambda unit: unit.drift.remove_expected(ID),
    lambda unit: unit.drift.forget_subject(ID),
    lambda unit: unit.notifications.add(records.delivery()),
    lambda unit: unit.notifications.save(records.delivery(attempts=9)),
    lambda unit: unit.notifications.remove("delivery-1"),
    lambda unit: unit.notifications.claim(NOW, NOW.replace(year=2100), 10),
    lambda unit: unit.notifications.purge(NOW.replace(year=2100)),
    lambda unit: unit.notifications.forget_subject("user-00001"),
    lambda unit: unit.processes.put(replace(PROCESS, pid=2)),
    lambda unit: unit.processes.remove("p1"),
    lambda unit: unit.processes.forget_unseen(NOW.replace(year=2100)),
    lambda unit: unit.jobs.forget(NOW.replace(year=2100)),
    lambda unit: unit.locks.count_live("key", NOW),
    lambda unit: unit.locks.forget_ended(NOW.replace(year=2200)),
    lambda unit: unit.jobs.add(records.run(error="x")),
    lambda unit: unit.jobs.save(records.run(error="y")),
    lambda unit: unit.console.add_account(ANN),
    lambda unit: unit.console.save_account(replace(ANN, disabled_at=NOW)),
    lambda unit: unit.console.note_address("ann", "other@example.com"),
    lambda unit: unit.console.forget_address("ann", "ann@example.com"),
    lambda unit: unit.console.add_session(SESSION),
    lambda unit: unit.console.touch_session("h1", CONSOLE_NOW.replace(year=2100)),
    lambda unit: unit.console.remove_session("h1"),
    lambda unit: unit.console.touch_token("t1", CONSOLE_NOW.replace(year=2100)),
    lambda unit: unit.console.put_token(replace(TOKEN, token_hash="h2")),
    lambda unit: unit.console.remove_sessions_of("ann"),
    lambda unit: unit.console.remove_old_sessions(
        unseen_since=CONSOLE_NOW.replace(year=2100), now=CONSOLE_NOW.replace(year=2100)
    ),
    lambda unit: unit.console.put_failures([], CONSOLE_NOW.replace(year=2100)),
    lambda unit: unit.console.remove_failures("a"),
    lambda unit: unit.mirror.remove_account(ACCOUNT),
    lambda unit: unit.holdings.delete(),
    lambda unit: unit.locks.acquire(["key"], "other", NOW.replace(year=2100), NOW),
    lambda unit: unit.locks.renew("key", "owner", NOW.replace(year=2100)),
    lambda unit: unit.locks.prolong(["key"], "own", NOW.replace(year=2100)),
    lambda unit: unit.locks.release(["key"], "owner"),
    lambda unit: unit.locks.release_owner("own"),
]
