"""A database that is busy at any of the reads of a request: a refusal that can be repeated."""

from __future__ import annotations

from itertools import count

import pytest

from connector.errors import TemporaryError
from connector.services.context import TenantContext
from tests.acceptance.bad_input.refusals import operation, said_no

REQUESTS = {
    "a user": ("GET", "/Users/{ann}", None),
    "a search": ("GET", '/Users?filter=userName sw "a"', None),
    "a group": ("GET", "/Groups/{group}", None),
    "a request": ("GET", "/Requests/{request}", None),
    "a change": ("PATCH", "/Users/{ann}?dryRun=true", operation("title", "Clerk")),
    "a deletion": ("DELETE", "/Users/{ann}?dryRun=true", None),
    "a deletion of a group": ("DELETE", "/Groups/{group}?dryRun=true", None),
}


@pytest.fixture(scope="module")
def places(connector, ann, group):
    title = {"op": "replace", "path": "title", "value": "Clerk"}
    later = connector.patch(f"/Users/{ann}", title, prefer="respond-async")
    return {"ann": ann, "group": group, "request": later.headers["Set-Txn"]}


@pytest.mark.parametrize("what", REQUESTS)
def test_a_database_that_is_busy(connector, places, monkeypatch, what):
    method, path, body = REQUESTS[what]
    path = path.format_map(places)
    read = TenantContext.read
    for nth in count(1):
        left = [nth]

        def busy(context, *, single=False, left=left):
            left[0] -= 1
            if left[0] == 0:
                raise TemporaryError("The database is busy with other changes.")
            return read(context, single=single)

        with monkeypatch.context() as patch:
            patch.setattr(TenantContext, "read", busy)
            answer = connector.send(method, path, body)
        if left[0] > 0:
            break
        said_no(answer, 503)
    assert answer.status_code in (200, 204)
    assert nth > 1
