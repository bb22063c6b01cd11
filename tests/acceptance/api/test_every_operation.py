"""Every operation of the description: called, checked against its schema, with each role, from
another tenant, with ids of nobody."""

from __future__ import annotations

import io
import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from jsonschema import Draft202012Validator

from connector.domain.drift import DriftKind
from connector.domain.erasure import Erasure, ErasureState
from connector.services.browsing_views import UserQuery
from connector.services.context import new_id
from connector.services.job_lease import give_back, holding_lease, lease_key
from connector.settings import ChannelSettings, ConsoleSettings, NotificationSettings, Secret
from simulator.state import groups, users
from simulator.state.model import Status
from tests.connector import ManualClock, connected
from tests.programs import problem, program, stranger
from tests.simulated import simulated
from tests.visitors import ROOT, add_account, ask_for_approval, guarded, lively

ROLES = ("viewer", "approver", "operator", "administrator")
NOBODY = "00000000-0000-4000-8000-000000000000"
SAYS = {"comment": "Because"}
# What each operation takes: the role that is needed, and what is sent. {names} are ids of
# tests.visitors.lively, or of what the fixture adds.
READS = {
    "approvals.listed": ("viewer", "/approvals", {"limit": 2}),
    "approvals.show": ("viewer", "/approvals/{approval}", {}),
    "delegations.listed": ("viewer", "/delegations", {}),
    "tasks.listed": ("viewer", "/tasks", {"mine": "false"}),
    "tasks.show": ("viewer", "/tasks/{task}", {}),
    "tasks.evidence": ("viewer", "/tasks/{task}/evidence/{file}", {}),
    "drift.listed": ("viewer", "/drift", {"kind": "native_grant", "limit": 1}),
    "drift.show": ("viewer", "/drift/{finding}", {}),
    "users.listed": ("viewer", "/users", {"q": "ada", "state": "active"}),
    "users.show": ("viewer", "/users/{user}", {}),
    "users.timeline": ("viewer", "/users/{user}/timeline", {"limit": 3}),
    "accounts.listed": ("viewer", "/accounts", {}),
    "accounts.show": ("viewer", "/accounts/{account}", {}),
    "roles.listed_roles": ("viewer", "/roles", {}),
    "audit.listed": ("viewer", "/audit/events", {"action": "plan.*", "since": "2020-01-01T00:00Z"}),
    "audit.show": ("viewer", "/audit/events/1", {}),
    "audit.export": ("viewer", "/audit/export", {"action": "work_item.*"}),
    "audit.verify": ("viewer", "/audit/verification", {}),
    "audit.explain": (
        "viewer",
        "/audit/explanation",
        {"user": "{user}", "entitlement": "organization-admin"},
    ),
    "notifications.listed": ("viewer", "/notifications", {}),
    "notifications.show": ("viewer", "/notifications/{delivery}", {}),
    "jobs.listed": ("viewer", "/jobs", {}),
    "jobs.show": ("viewer", "/jobs/sync", {}),
    "jobs.history": ("viewer", "/jobs/sync/runs", {"idle": "true"}),
    "policy.explain": (
        "viewer",
        "/policy/ruling",
        {"user": "{user}", "entitlement": "organization-admin"},
    ),
    "health.show": ("viewer", "/health", {}),
    "consent.show": ("viewer", "/consent", {}),
    "erasures.listed": ("viewer", "/erasures", {"limit": 1}),
    "erasures.show": ("viewer", "/erasures/{erasure}", {}),
    "health.budget": ("viewer", "/health/budget", {}),
    "me.show": ("viewer", "/me", {}),
    "me.tokens": ("viewer", "/me/tokens", {}),
    "tenants.listed": ("administrator", "/tenants", {}),
    "tenants.show": ("administrator", "/tenants/{customer}", {}),
}
USER = "00000000-0000-4000-8000-0000000000ee"
INITECH = {"user_id": USER, "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a1"}]}
GLOBEX = {"user_id": USER, "accounts": [{"account_id": "00000000-0000-4000-8000-0000000000a2"}]}
ACTS = {
    "approvals.approve": ("approver", "/approvals/{approval}/approve", {"checksum": "{checksum}"}),
    "approvals.deny": (
        "approver",
        "/approvals/{approval}/deny",
        {"checksum": "{checksum}", **SAYS},
    ),
    "approvals.withdraw": ("administrator", "/approvals/{approval}/withdraw", SAYS),
    "approvals.comment": ("approver|operator", "/approvals/{approval}/comments", SAYS),
    "delegations.begin": ("viewer", "/delegations", {"to": "ben", "ends_at": "{tomorrow}"}),
    "delegations.end": ("administrator", "/delegations/{delegation}/end", {}),
    "tasks.claim": ("operator", "/tasks/{task}/claim", {}),
    "tasks.release": ("operator", "/tasks/{task}/release", {}),
    "tasks.hand_over": ("operator", "/tasks/{task}/hand-over", {"to": "keeper"}),
    "tasks.complete": ("operator", "/tasks/{task}/complete", SAYS),
    "tasks.attest": ("operator", "/tasks/{attested}/attest", SAYS),
    "tasks.reject": ("operator", "/tasks/{task}/reject", SAYS),
    "tasks.verify": ("operator", "/tasks/{task}/verify", {}),
    "tasks.comment": ("approver|operator", "/tasks/{task}/comments", SAYS),
    "tasks.attach": ("operator", "/tasks/{task}/evidence", None),
    "drift.accept": ("operator", "/drift/{finding}/accept", SAYS),
    "drift.revert": ("operator", "/drift/{changed}/revert", SAYS),
    "notifications.replay": ("operator", "/notifications/{delivery}/replay", {}),
    "notifications.replay_dead": ("operator", "/notifications/replay-dead", {}),
    "jobs.run": ("operator", "/jobs/retention/run", {}),
    "jobs.pause": ("administrator", "/jobs/sync/pause", {}),
    "jobs.resume": ("administrator", "/jobs/sync/resume", {}),
    "erasures.request": ("administrator", "/erasures", {"person": "{closed}", "reason": "letter"}),
    "erasures.confirm": ("administrator", "/erasures/{erasure}/confirm", {"irreversible": True}),
    "erasures.withdraw": ("administrator", "/erasures/{regretted}/withdraw", {}),
    "policy.simulate": ("viewer", "/policy/simulation", {"entitlements": [{"match": "*"}]}),
    "consent.link": ("operator", "/consent/link", {"way": "external"}),
    "consent.verify": ("operator", "/consent/verification", {}),
    "consent.check": ("operator", "/consent/checks", {"users": ["{user}"]}),
    "health.examine": ("operator", "/health/examination", {}),
    "me.revoke": ("own", "/me/tokens/{token}/revoke", {}),
    "tenants.add": ("administrator", "/tenants", {"name": "initech", "settings": INITECH}),
    "tenants.change": (
        "administrator",
        "/tenants/{customer}/settings",
        {"settings": {**GLOBEX, "scim": {"max_page_size": 150}}},
    ),
    "tenants.suspend": ("administrator", "/tenants/{customer}/suspend", {"reason": "Unpaid"}),
    "tenants.resume": ("administrator", "/tenants/{customer}/resume", {}),
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A connector in which things have happened, somebody of each role, and ids worth a request."""
    hook = ChannelSettings(name="hook", kind="webhook", url=Secret("https://hooks.example/x"))
    told = NotificationSettings(channels=(hook,))
    role = {
        "display": "Notary",
        "fulfilment": "manual",
        "verification": "attestation",
        "instructions": {"grant": ["Do it."], "revoke": ["Undo it."]},
    }
    clock = ManualClock()  # Its hour passes for DocuSign too: tokens end, and are asked for anew.
    connector = connected(
        tmp_path_factory.mktemp("api") / "c.db",
        world=simulated(50, now=clock.now),
        clock=clock,
        notifications=told,
        manual_roles={"notary": role},
        **guarded(),
    )
    application = connector.application
    operated = ConsoleSettings(operator_tenant="default")
    application.settings = replace(application.settings, console=operated)
    connector.reconcile()
    ids = lively(connector)
    people = {role: program(connector, role, login=role) for role in ROLES}
    add_account(connector, "keeper", "operator")
    fixed = _prepare(connector, ids, people)
    yield connector, people, fixed
    connector.close()


def _prepare(connector, ids, people):
    root = people["administrator"]
    user = ids["user"]
    roster = list(connector.world.account.roster)
    approval = ask_for_approval(connector, roster[30].user.user_id)
    value = [{"value": "notary"}]
    connector.patch(f"/Users/{user}", {"op": "add", "path": "roles", "value": value})
    tasks = connector.services.work_items.list()
    notary = next(item for item in tasks if item.entitlement == "notary").work_item_id
    keeper = stranger(
        connector, connector.application.personal_tokens.add("default", "keeper", "t", ROOT)[1]
    )
    assert keeper.post(f"/tasks/{notary}/complete").status_code == 200
    task = ids["task"]
    file = _attach(root, f"/tasks/{task}/evidence")
    assert file.status_code == 201, file.json
    joined = connector.world.account.groups[connector.group(0, 1).partition(".g")[2]]
    groups.add_member(connector.world.state, connector.world.account, joined.group_id, user)
    users.rename(connector.world.state, connector.world.state.user(user), {"first_name": "Eve"})
    connector.reconcile()
    found = {item.kind: item.finding_id for item in connector.findings()}
    tomorrow = (connector.clock.now() + timedelta(days=1)).isoformat()
    made = root.post("/delegations", {"to": "keeper", "ends_at": tomorrow}).json
    return {
        "user": user,
        "account": connector.world.account.account_id,
        "approval": approval,
        "checksum": root.read(f"/approvals/{approval}")["checksum"],
        "task": task,
        "attested": notary,
        "file": file.json["evidence"][0]["id"],
        "delivery": root.read("/notifications")["items"][0]["id"],
        "delegation": made["id"],
        "tomorrow": tomorrow,
        "finding": found[DriftKind.NATIVE_GRANT],
        "changed": found[DriftKind.CHANGED_ATTRIBUTE],
        "token": "none",
        "customer": root.post("/tenants", {"name": "globex", "settings": GLOBEX}).json["name"],
        **_erasures(connector),
    }


def _erasures(connector):
    """Two requests about people of whom little is left, and somebody who left long ago."""
    context = connector.services.context
    state, now = ErasureState.REQUESTED, context.clock.now()
    asked = [Erasure(new_id(), new_id(), state, "letter", "user:x", now) for _ in range(2)]
    with context.write() as uow:
        for item in asked:
            uow.erasures.put(item)
        uow.commit()
    closed = connector.world.member(status=Status.CLOSED).user
    return {
        "erasure": asked[0].erasure_id,
        "regretted": asked[1].erasure_id,
        "closed": closed.user_id,
    }


def _attach(who, path, **more):
    data = {"file": (io.BytesIO(b"%PDF-1.7"), "proof.pdf")}
    named = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"Authorization": f"Bearer {who.token}", **named}
    return who.http.post(who.base + path, data=data, headers=headers)


def filled(value, ids):
    if isinstance(value, dict):
        return {name: filled(inner, ids) for name, inner in value.items()}
    return value.format(**ids) if isinstance(value, str) else value


def call(who, method, path, sent, ids, **headers):
    path = path.format(**ids)
    if method == "get":
        return who.get(path, **filled(sent, ids))
    if sent is None:
        return _attach(who, path, **headers)
    return who.post(path, filled(sent, ids), **headers)


def described(connector):
    """Return the operations by id: method, path, description; and the whole document."""
    document = stranger(connector).read("/openapi.json")
    found = {
        operation["operationId"]: (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "parameters"
    }
    return found, document


def check(answer, operation, document):
    """Hold an answer to the description: its status, its media type, its schema."""
    responses = operation["responses"]
    known = responses.get(str(answer.status_code)) or responses["default"]
    if "$ref" in known:
        known = document["components"]["responses"][known["$ref"].rpartition("/")[2]]
    content = known.get("content", {})
    kind = answer.content_type.partition(";")[0]
    assert kind in content or kind == "text/csv", (kind, list(content))
    if "json" in kind and kind != "application/jsonl":
        schema = {**content[kind]["schema"], "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json)


def allows(needed, role):
    return needed in ("viewer", "own") or role == "administrator" or role in needed.split("|")


def test_the_tables_name_every_operation(lived):
    operations, _ = described(lived[0])
    assert set(operations) == {*READS, *ACTS}
    for name, (method, path, _) in operations.items():
        _, example, _ = {**READS, **ACTS}[name]
        pattern = re.sub(r"\{[^}]+\}", "[^/]+", path)
        assert re.fullmatch(pattern, example), name
        assert (method == "get") is (name in READS)


@pytest.mark.parametrize("name", READS)
def test_everybody_with_a_role_reads_what_the_description_promises(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    needed, path, query = READS[name]
    for role in ROLES:
        answer = call(people[role], "get", path, query, ids)
        answer.get_data()
        assert answer.status_code == (200 if allows(needed, role) else 403), answer.data[:300]
        check(answer, operations[name][2], document)


@pytest.mark.parametrize("name", ACTS)
def test_only_the_role_that_is_needed_acts(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    needed, path, body = ACTS[name]
    for role in ROLES:
        if allows(needed, role):
            continue
        answer = call(people[role], "post", path, body, ids)
        assert answer.status_code == 403, (role, answer.json)
        check(answer, operations[name][2], document)


@pytest.mark.parametrize("name", [*READS, *ACTS])
def test_strangers_and_tokens_of_another_tenant_get_nothing(lived, name):
    connector, people, ids = lived
    connector.clock.advance(61)  # Guesses are counted for a minute.
    method = "get" if name in READS else "post"
    _, path, sent = {**READS, **ACTS}[name]
    problem(call(stranger(connector), method, path, sent, ids), 401, "unauthorized")
    foreign = replace(people["administrator"], base="/acme/api/v1")
    settings = connector.application.settings
    settings.tenants["acme"] = replace(settings.tenants["default"], name="acme")
    problem(call(foreign, method, path, sent, ids), 401, "unauthorized")


@pytest.mark.parametrize(
    "name", [name for name, (_, path, _) in {**READS, **ACTS}.items() if "{" in path]
)
def test_ids_of_another_tenant_or_of_nobody_are_not_found(lived, name):
    connector, _, ids = lived
    application = connector.application
    settings = application.settings
    settings.tenants["acme"] = replace(settings.tenants["default"], name="acme")
    if not application.console_accounts.list("acme"):
        add_account(connector, "zoe", "administrator", tenant="acme")
    _, token = application.personal_tokens.add("acme", "zoe", "t", ROOT)
    zoe = stranger(connector, token, "/acme/api/v1")
    root = lived[1]["administrator"]
    method = "get" if name in READS else "post"
    _, path, sent = {**READS, **ACTS}[name]
    problem(call(zoe, method, path, sent, ids), 404, "not-found")
    for forged in (NOBODY, "'--", "%00", "..%2F..", "é"):
        changed = re.sub(r"\{[^}]+\}", forged.replace("%", "%%"), path, count=1).replace("%%", "%")
        answer = call(root, method, changed, sent, ids)
        assert answer.status_code == 404, (forged, answer.json)


def test_an_act_that_knows_a_condition_holds_to_it(lived):
    connector, people, ids = lived
    known = 0
    for name, (_, _, operation) in described(connector)[0].items():
        names = [parameter.get("name") for parameter in operation.get("parameters", ())]
        if "If-Match" not in names:
            continue
        known += 1
        _, path, sent = ACTS[name]
        answer = call(people["administrator"], "post", path, sent, ids, if_match='"another"')
        problem(answer, 412, "changed-meanwhile")
    assert known > 15


ORDER = (
    "approvals.comment",
    "delegations.begin",
    "tasks.claim",
    "tasks.release",
    "tasks.attach",
    "tasks.comment",
    "tasks.verify",
    "tasks.hand_over",
    "tasks.complete",
    "tasks.attest",
    "tasks.reject",
    "notifications.replay",
    "notifications.replay_dead",
    "jobs.run",
    "jobs.pause",
    "jobs.resume",
    "erasures.request",
    "erasures.withdraw",
    "erasures.confirm",
    "policy.simulate",
    "health.examine",
    "approvals.approve",
    "delegations.end",
    "tenants.add",
    "tenants.change",
    "tenants.suspend",
    "tenants.resume",
)


@pytest.mark.parametrize("name", ORDER)
def test_an_act_answers_as_the_description_promises(lived, name):
    connector, people, ids = lived
    operations, document = described(connector)
    _, path, body = ACTS[name]
    answer = call(people["administrator"], "post", path, body, ids)
    assert answer.status_code in (200, 201, 202), answer.json
    check(answer, operations[name][2], document)


def test_a_job_that_was_started_ends_and_is_in_the_history(lived):
    _, people, _ = lived
    robot = people["operator"]
    assert robot.post("/jobs/retention/run").status_code in (202, 409)
    for _ in range(100):
        last = robot.read("/jobs/retention")["last"]
        if last and last["state"] != "running":
            break
        time.sleep(0.05)
    assert last["state"] == "done" and last["started_by"].startswith("user:")
    runs = robot.read("/jobs/retention/runs", idle="true")["items"]
    assert last["id"] in [run["id"] for run in runs]


def test_a_job_that_runs_elsewhere_is_told(lived):
    connector, people, _ = lived
    context = connector.services.context
    with holding_lease(context, lease_key("people"), lambda _: None) as owner:
        answer = people["operator"].post("/jobs/people/run")
        assert "is running" in problem(answer, 409, "closed")
        with context.write() as uow:
            give_back(uow, lease_key("people"), owner)
            uow.commit()
    assert people["operator"].post("/jobs/people/run").status_code == 202


def test_a_paused_job_says_who_paused_it(lived):
    _, people, _ = lived
    root = people["administrator"]
    assert root.post("/jobs/verify/pause").json["paused_by"] == "user:administrator"
    assert root.post("/jobs/verify/resume").json["paused_by"] is None
    problem(root.get("/jobs/none"), 404, "not-found")


def test_a_file_comes_back_as_it_was_and_is_never_shown(lived):
    _, people, ids = lived
    answer = people["viewer"].get(f"/tasks/{ids['task']}/evidence/{ids['file']}")
    assert answer.data == b"%PDF-1.7"
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_pages_of_users_and_events_are_complete(lived):
    connector, people, ids = lived
    robot = people["viewer"]
    users = [item["id"] for item in robot.walk("/users", limit=20)]
    total = connector.services.browser.users(UserQuery()).total
    assert len(users) == len(set(users)) == total
    with connector.services.context.read() as uow:
        total = uow.audit.head().sequence
    events = [item["sequence"] for item in robot.walk("/audit/events", limit=200)]
    assert events == sorted(events, reverse=True) and len(set(events)) >= total
    line = robot.read("/users", q=robot.read(f"/users/{ids['user']}")["email"])["items"]
    assert [item["id"] for item in line] == [ids["user"]]


def test_pages_of_deliveries_and_runs_are_complete(lived):
    connector, people, _ = lived
    robot = people["viewer"]
    found = [item["id"] for item in robot.walk("/notifications", limit=2)]
    assert len(found) == len(set(found)) == len(connector.services.notifications.list())
    connector.sync()
    runs = [item["id"] for item in robot.walk("/jobs/sync/runs", limit=1)]
    assert len(runs) == len(set(runs)) == len(connector.services.runs.history("sync"))


def test_the_audit_is_exported_as_lines_and_as_a_table(lived):
    _, people, _ = lived
    robot = people["viewer"]
    lines = robot.get("/audit/export", action="work_item.opened").get_data(as_text=True)
    table = robot.get("/audit/export", action="work_item.opened", format="csv")
    assert table.content_type.startswith("text/csv")
    assert len(table.get_data(as_text=True).splitlines()) == len(lines.splitlines()) + 1 > 2
    [event, *_] = robot.read("/audit/events", action="console.audit_exported")["items"]
    assert event["actor"] == "user:viewer"


def test_an_export_about_nobody_is_told_before_anything_is_sent(lived):
    _, people, _ = lived
    for form in ("jsonl", "csv"):
        answer = people["viewer"].get("/audit/export", person="no@body.example", format=form)
        problem(answer, 404, "not-found")


def test_a_policy_that_cannot_be_used_is_told(lived):
    _, people, _ = lived
    answer = people["viewer"].post(
        "/policy/simulation", {"entitlements": [{"match": "*", "riks": "low"}]}
    )
    assert "riks" in problem(answer, 422, "invalid")


def test_one_s_own_token_is_ended_and_nobody_else_s(lived):
    connector, people, _ = lived
    tokens = connector.application.personal_tokens
    token, text = tokens.add("default", "viewer", "leaked", ROOT)
    leaked = stranger(connector, text)
    assert leaked.read("/me")["login"] == "viewer"
    problem(people["operator"].post(f"/me/tokens/{token.token_id}/revoke"), 404, "not-found")
    ended = leaked.post(f"/me/tokens/{token.token_id}/revoke").json
    assert ended["revoked_at"]
    problem(leaked.get("/me"), 401, "unauthorized")
