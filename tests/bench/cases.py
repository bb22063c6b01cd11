"""The cases: what is sent, lane by lane."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from urllib.parse import quote

import orjson

from tests.bench.ceiling import PATH
from tests.bench.load import Load
from tests.bench.stage import Stage, external_id

PAGE = 100
CURSOR_PAGES = 200
"""The most pages of a walk by cursor: one page has to be read before the next can be asked for."""
WRITES_PER_LANE = 500
"""Keeps the write cases bounded in number, as the seconds keep them in time."""
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
Lanes = list[list[bytes]]

_numbers = count(1)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    lanes: Callable[[Stage, int], Lanes]
    """From a stage and a number of connections to the requests of each; empty: not there."""
    repeat: bool = True
    ceiling: str = ""
    """The case with a constant of the same size."""

    def load(self, stage: Stage, connections: int, seconds: float) -> Load | None:
        """Return what to send, or None where the stage has nothing for this case."""
        lanes = self.lanes(stage, connections)
        if not any(lanes):
            return None
        return Load(stage.port, lanes, seconds, self.repeat)


def _request(
    stage: Stage, method: str, path: str, document: object = None, base: str = "/scim/v2"
) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    head = [
        f"{method} {base}{path} HTTP/1.1",
        f"Host: 127.0.0.1:{stage.port}",
        f"Authorization: Bearer {stage.token}",
        "Accept: application/scim+json",
    ]
    if document is not None:
        head += ["Content-Type: application/scim+json", f"Content-Length: {len(body)}"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def _dealt(requests: Sequence[bytes], connections: int) -> Lanes:
    """Deal requests out; each lane gets its share, and at least one."""
    enough = list(requests) * -(-connections // len(requests))
    return [enough[lane::connections] for lane in range(connections)]


def _paths(make: Callable[[Stage], Sequence[str]]) -> Callable[[Stage, int], Lanes]:
    """Return the lanes of a case that only reads."""

    def lanes(stage: Stage, connections: int) -> Lanes:
        return _dealt([_request(stage, "GET", path) for path in make(stage)], connections)

    return lanes


def _filters(stage: Stage, texts: Sequence[str]) -> Sequence[str]:
    return [f"/Users?filter={quote(text)}" for text in texts]


def _get_by_id(stage: Stage) -> Sequence[str]:
    return [f"/Users/{user['id']}" for user in stage.people.users]


def _user_name(stage: Stage) -> Sequence[str]:
    return _filters(stage, [f'userName eq "{user["userName"]}"' for user in stage.people.users])


def _external_id(stage: Stage) -> Sequence[str]:
    return _filters(
        stage, [f'externalId eq "{external_id(user["id"])}"' for user in stage.people.users]
    )


def _compound(stage: Stage) -> Sequence[str]:
    """Find people by the beginning of an address and a name, as a search form does."""
    return _filters(
        stage,
        [
            f'userName sw "{user["userName"][:8]}" and active eq true and '
            f'(name.givenName co "a" or name.familyName co "a")'
            for user in stage.people.users[:200]
        ],
    )


def _page(start: int) -> str:
    return f"/Users?startIndex={start}&count={PAGE}"


@lru_cache(maxsize=8)
def _by_cursor(stage: Stage) -> Sequence[str]:
    """Return the pages of a walk by cursor, each led to by the one before."""
    path: str | None = f"/Users?cursor&count={PAGE}"
    paths: list[str] = []
    while path and len(paths) < CURSOR_PAGES:
        paths.append(path)
        cursor = orjson.loads(stage.get(path)).get("nextCursor")
        path = f"/Users?cursor={cursor}&count={PAGE}" if cursor else None
    return paths


def _last_page_start(stage: Stage) -> int:
    return max(1, stage.people.total - PAGE + 1)


def _constant(measure: Callable[[Stage], str]) -> Callable[[Stage, int], Lanes]:
    """Return the lanes of a ceiling: a constant as long as the answer at a path."""
    lengths: dict[tuple[int, str], int] = {}

    def lanes(stage: Stage, connections: int) -> Lanes:
        path = measure(stage)
        key = (stage.port, path)
        if key not in lengths:
            lengths[key] = len(stage.get(path))
        request = _request(stage, "GET", PATH.format(size=lengths[key]), base="")
        return [[request]] * connections

    return lanes


def _toggle(stage: Stage, connections: int) -> Lanes:
    """Disable and enable, each lane its own user."""
    users = stage.people.members[:connections]
    return [
        [
            _patch(stage, f"/Users/{user}", {"op": "replace", "path": "active", "value": value})
            for value in (False, True)
        ]
        for user in users
    ]


def _members(size: int) -> Callable[[Stage, int], Lanes]:
    """Return the lanes that add and remove, each its own user, in the group of this size."""

    def lanes(stage: Stage, connections: int) -> Lanes:
        group = stage.people.groups.get(size)
        users = stage.people.members[-connections:]
        return [_comings_and_goings(stage, group, user) for user in users] if group else []

    return lanes


def _comings_and_goings(stage: Stage, group: str, user: str) -> list[bytes]:
    add: dict[str, object] = {"op": "add", "path": "members", "value": [{"value": user}]}
    remove: dict[str, object] = {"op": "remove", "path": f'members[value eq "{user}"]'}
    return [_patch(stage, f"/Groups/{group}", operation) for operation in (add, remove)]


def _patch(stage: Stage, path: str, operation: dict[str, object]) -> bytes:
    return _request(stage, "PATCH", path, {"schemas": [PATCH_OP], "Operations": [operation]})


def _create(stage: Stage, connections: int) -> Lanes:
    return [
        [_request(stage, "POST", "/Users", _newcomer(stage)) for _ in range(WRITES_PER_LANE)]
        for _ in range(connections)
    ]


def _newcomer(stage: Stage) -> dict[str, object]:
    number = next(_numbers)
    address = f"newcomer{number}@northwind-freight.example"
    return {
        "schemas": [USER],
        "userName": address,
        "externalId": f"NEW-{number}",
        "name": {"givenName": "New", "familyName": f"Comer {number}"},
        "emails": [{"value": address, "type": "work", "primary": True}],
        "active": True,
        "entitlements": [{"value": stage.people.profile}],
    }


CEILING_ONE, CEILING_PAGE = "ceiling: one user", "ceiling: page of 100"
GET, FIRST_PAGE, LAST_PAGE, SWEEP = "get by id", "first page", "last page", "full sweep by 100"
USER_NAME, EXTERNAL_ID = "userName eq", "externalId eq"
MEMBER_10, MEMBER_10000 = "member add/remove in 10", "member add/remove in 10,000"

READS = (
    Case(CEILING_ONE, _constant(lambda stage: _get_by_id(stage)[0])),
    Case(GET, _paths(_get_by_id), ceiling=CEILING_ONE),
    Case(USER_NAME, _paths(_user_name), ceiling=CEILING_ONE),
    Case(EXTERNAL_ID, _paths(_external_id), ceiling=CEILING_ONE),
    Case(CEILING_PAGE, _constant(lambda _: _page(1))),
    Case(FIRST_PAGE, _paths(lambda _: [_page(1)]), ceiling=CEILING_PAGE),
    Case(LAST_PAGE, _paths(lambda stage: [_page(_last_page_start(stage))]), ceiling=CEILING_PAGE),
    Case(
        SWEEP,
        _paths(lambda stage: [_page(at) for at in range(1, stage.people.total + 1, PAGE)]),
        ceiling=CEILING_PAGE,
    ),
    Case("sweep by cursor", _paths(_by_cursor), ceiling=CEILING_PAGE),
    Case("compound filter", _paths(_compound)),
)
WRITES = (
    Case("active toggle", _toggle),
    Case(MEMBER_10, _members(10)),
    Case(MEMBER_10000, _members(10_000)),
    Case("create", _create, repeat=False),
)
