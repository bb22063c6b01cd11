"""What each operation of the description takes: the role that is needed, and what is sent.

{names} are ids of :func:`tests.visitors.lively`, or of what the fixture ``lived`` adds.
"""

from __future__ import annotations

import io
from typing import Any

from tests.programs import stranger

ROLES = ("viewer", "approver", "operator", "administrator")
SAYS = {"comment": "Because"}
READS: dict[str, tuple[str, str, Any]] = {
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
ACTS: dict[str, tuple[str, str, Any]] = {
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
    "drift.accept_many": (
        "operator",
        "/drift/accept",
        {"kinds": ["native_grant"], "dry_run": True, **SAYS},
    ),
    "drift.revert_many": ("operator", "/drift/revert", {"kinds": ["lost_grant"], **SAYS}),
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
    "consent.connect": ("administrator", "/consent/connect", {}),
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
"""In which acts find what they are about."""


def attach(who, path, **more):
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
        return attach(who, path, **headers)
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
