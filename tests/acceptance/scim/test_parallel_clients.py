"""Two faults of servers that lost people: members cut in a read, and lost updates of a group."""

from concurrent.futures import ThreadPoolExecutor

from connector.app import create_app
from tests.connector import BASE, PATCH_OP, ok

MANY = 15


def new_group(connector):
    return ok(connector.post("/Groups", {"displayName": "Legal Senders"}), 201)["id"]


def people(connector):
    return [connector.create(f"person{number}@acme.test")["id"] for number in range(MANY)]


def in_parallel(connector, requests):
    """Send PATCHes at the same time, each by a client of its own."""
    application = create_app(connector.application)

    def send(request):
        path, *operations = request
        answer = application.test_client().patch(
            BASE + path,
            json={"schemas": [PATCH_OP], "Operations": operations},
            headers={"Authorization": f"Bearer {connector.token}"},
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, requests))


def test_parallel_changes_of_a_group_lose_nobody(connect):
    connector = connect(provisioning={"wait_s": 60.0})
    group, users = new_group(connector), people(connector)
    leaving = users[: MANY // 2]
    add = [
        (f"/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": one}]})
        for one in users
    ]
    remove = [
        (f"/Groups/{group}", {"op": "remove", "path": f'members[value eq "{one}"]'})
        for one in leaving
    ]

    assert set(in_parallel(connector, add)) <= {200, 204}
    assert connector.group_members(group) == set(users)
    assert set(in_parallel(connector, remove)) <= {200, 204}

    left = set(users) - set(leaving)
    assert connector.group_members(group) == left
    shown = ok(connector.get(f"/Groups/{group}"))["members"]
    assert {one["value"] for one in shown} == left


def test_members_are_never_cut_so_that_writing_back_what_was_read_removes_nobody(connect):
    connector = connect(scim={"max_page_size": 10, "default_page_size": 5})
    group, users = new_group(connector), people(connector)
    value = [{"value": one} for one in users]
    connector.patch(f"/Groups/{group}", {"op": "add", "path": "members", "value": value})

    read = ok(connector.get(f"/Groups/{group}"))
    assert len(read["members"]) == MANY
    ok(connector.put(f"/Groups/{group}", read))
    rest = [one for one in read["members"] if one["value"] != users[0]]
    connector.patch(f"/Groups/{group}", {"op": "replace", "path": "members", "value": rest})

    assert connector.group_members(group) == set(users[1:])
