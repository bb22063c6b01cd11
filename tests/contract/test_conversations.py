"""Recorded conversations: what each client really sends, replayed on both databases.

A case is one JSON file in ``tests/data/conversations``, named ``{client}-{case}.json``:

``client``  settings of the API client that speaks, such as ``{"dialect": "okta"}``
``tenant``  settings of the tenant, for :func:`tests.connector.connected`
``given``   steps that another client has taken before
``steps``   each a request and what is expected of the answer
``end``     what DocuSign has then, and which tasks are open

``${name}`` stands for what an earlier step saved from an answer, or for one of the ids that
:func:`_known` gives. An expected object may have further members; an expected list has the same
elements in any order; ``"$any"`` is anything. ``absent`` lists paths that must not be there.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.connector import BASE, ORGANIZATION_ADMIN, PUBLIC_URL, connected
from tests.databases import ON_BOTH

CASES = sorted((Path(__file__).parents[1] / "data" / "conversations").glob("*.json"))
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@ON_BOTH
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_conversation(case, database):
    recorded = json.loads(case.read_text())
    connector = connected(database, **recorded.get("tenant", {}))
    try:
        _Replay(connector, recorded).run()
    finally:
        connector.close()


def test_every_known_habit_is_replayed():
    """W01 to W102 are the requests that clients are known to send, and what they expect."""
    steps = [step for case in CASES for step in json.loads(case.read_text())["steps"]]
    told = {int(number) for step in steps for number in re.findall(r"\bW(\d+)", step["say"])}
    assert told == set(range(1, 103))


class _Replay:
    def __init__(self, connector, recorded):
        self.connector = connector
        self.recorded = recorded
        self.known = _known(connector)
        self.token = connector.client_token("client", settings=recorded.get("client", {}))

    def run(self):
        for step in self.recorded.get("given", ()):
            self.step(step, self.connector.token)
        for step in self.recorded["steps"]:
            self.step(step, self.token)
        self.check_end(self.fill(self.recorded.get("end", {})))

    def step(self, step, token):
        say = step["say"]
        answer = self.send(self.fill(step["request"]), token)
        expected = self.fill(step["expect"])
        body = answer.json if answer.get_data() else None
        assert answer.status_code == expected["status"], (say, body)
        for name, value in expected.get("headers", {}).items():
            assert value in answer.headers.get(name, ""), (say, name, answer.headers)
        if "body" in expected:
            problem = difference(expected["body"], body)
            assert problem is None, (say, problem, body)
        for path in expected.get("absent", ()):
            assert _at(body, path) is None, (say, path, body)
        for name, path in step.get("save", {}).items():
            self.known[name] = _at(body, path)

    def send(self, request, token):
        method, path = request["method"], request["path"]
        headers = {"Accept": "application/scim+json", **request.get("headers", {})}
        headers.setdefault("Authorization", f"Bearer {token}")
        body = request.get("body")
        if "operations" in request:
            body = {"schemas": [PATCH_OP], "Operations": request["operations"]}
        has_body = body is not None or "body" in request
        if has_body:
            headers.setdefault("Content-Type", "application/scim+json")
        data = json.dumps(body) if has_body else request.get("text")
        return self.connector.http.open(BASE + path, method=method, data=data, headers=headers)

    def fill(self, value):
        """Return recorded data with its variables filled in."""
        if isinstance(value, dict):
            return {self.fill(key): self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)\}", lambda found: self.known[found[1]], value)
        return value

    def check_end(self, end):
        for user_id, expected in end.get("users", {}).items():
            membership = self.connector.membership(user_id)
            account_id = membership.account.account_id
            actual = {
                "status": membership.status.value.lower(),
                "profile": f"{account_id}.{membership.profile_id}",
                "name": membership.user.user_name,
                "email": membership.user.email,
            }
            assert {name: actual[name] for name in expected} == expected
        for group_id, members in end.get("groups", {}).items():
            assert self.connector.group_members(group_id) == set(members)
        if "tasks" in end:
            tasks = [
                {"subject": one.subject_id, "entitlement": one.entitlement, "way": one.direction}
                for one in self.connector.services.work_items.list()
            ]
            assert tasks == end["tasks"]


def _known(connector):
    """Return the ids of a plain user's world: profiles as entitlements and as Groups, a role."""
    first, second = connector.entitlement(), connector.entitlement(profile=1)
    return {
        "P1": first,
        "P2": second,
        "PG1": first.replace(".", ".p"),
        "PG2": second.replace(".", ".p"),
        "BASELINE": connector.baseline(),
        "ROLE": ORGANIZATION_ADMIN,
        "OA": f"role.{ORGANIZATION_ADMIN}",
        "BASE": PUBLIC_URL + BASE,
    }


def difference(expected, actual, path="body"):
    """Return where the answer differs from what is expected, None where it does not."""
    if expected == "$any":
        return None if actual is not None else f"{path} is missing"
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = (difference(item, actual.get(k), f"{path}.{k}") for k, item in expected.items())
        return next(filter(None, found), None)
    if isinstance(expected, list) and isinstance(actual, list):
        left = list(actual)
        for item in expected:
            match = next((one for one in left if difference(item, one) is None), None)
            if match is None:
                return f"{path} has no {item}"
            left.remove(match)
        return f"{path} has more: {left}" if left else None
    same = expected == actual and type(expected) is type(actual)
    return None if same else f"{path} is {actual!r} instead of {expected!r}"


def _at(body, path):
    for name in path.split("."):
        if isinstance(body, list):
            body = body[int(name)] if int(name) < len(body) else None
        elif isinstance(body, dict):
            body = body.get(name)
        else:
            return None
    return body
