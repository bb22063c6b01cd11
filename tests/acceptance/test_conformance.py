"""Independent conformance checkers: python-scim's in process, scim-sanity's over a socket."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scim2_client.engines.wsgi import WSGISCIMClient
from scim2_tester import CheckResult, Status, check_server
from werkzeug.serving import make_server

from connector.app import create_app
from tests.connector import ORGANIZATION_ADMIN, Connector
from tests.simulated import simulated
from tests.unit.scim.conformance import FreshAddresses

CLAIMED = "northwind-freight.example"

FILLED_IN = {
    "entitlements": "display",  # readOnly: the name of the profile
    "members": "display",  # readOnly: the name of the person
    "name": "formatted",  # follows from the parts where there are some; DocuSign has one full name
}
"""What the connector fills in or decides, by attribute: the checker expects to be told back exactly
what it sent, also of parts that the schema calls readOnly. Everything else has to be equal."""

NO_FAULT = {
    "a role is shown once DocuSign confirms it": (
        r"unexpected value for 'roles'.*organization-admin.*Returned value: None"
    ),
    "an extension of readOnly attributes alone takes nothing; the checker sends it empty": (
        r"unexpected value for '[^']*docusign:2\.0:User'.*"
        r"memberships=None organization_admin=None pending=None denied=None consent=None "
        r"managed_by_docu_sign_scim=None\n"
    ),
    "nor can it be removed (RFC 7644 section 3.5.2.2)": (
        r"Failed to remove attribute '[^']*docusign:2\.0:User'.*is readOnly\.$"
    ),
    "they follow from the userName when nobody gives them, and DocuSign cannot do without": (
        r"did not remove attribute '(name|displayName|emails)'$"
    ),
    "everybody is active or not: an answer of 200 would say that something was changed": (
        r"Failed to remove attribute 'active': .*always has a value"
    ),
    "who gives back an elevated profile keeps the baseline of the account": (
        r"did not remove attribute 'entitlements'$"
    ),
    "the name of an account and the type of a group are readOnly, and filled in": (
        r"unexpected value for '[^']*docusign:2\.0:Group(:account)?'"
        r".*value='([^']+)',? display=None.*Returned value:.*value='\2',? display='"
    ),
    "an immutable attribute cannot be removed (RFC 7644 section 3.5.2.2)": (
        r"Failed to remove attribute '[^']*docusign:2\.0:Group'.*:account is immutable\.$"
    ),
}
"""What else the checker calls an error and is none, by the reason."""
NOBODY_S = "requested attribute 'externalId' missing from"
"""The checker takes it for an attribute of every type. Nobody gives one to what is only read, and
no schema of those lists it."""
NOT_ASKED_FOR = "Skipped due to tag filtering"
READ_CHECKS = 5
"""What it looks at in a resource type that is only read."""


@pytest.fixture
def connector(connect) -> Connector:
    """A connector whose catalogue fits a page, because the checker does not turn pages."""
    started: Connector = connect(world=simulated(10), scim={"default_page_size": 200})
    return started


def _part(model: Any, name: str) -> Any:
    """Return the model of a complex attribute."""
    found = [model.model_fields[name].annotation]
    while not hasattr(found[0], "model_fields"):
        found = [item for item in typing.get_args(found[0]) if item is not type(None)]
    return found[0]


def _give_examples(client: WSGISCIMClient, connector: Connector) -> None:
    """Give the checker values that DocuSign can have: it sends random text where it knows none."""
    user, group = client.get_resource_model("User"), client.get_resource_model("Group")
    user.model_fields["user_name"].examples = FreshAddresses(CLAIMED)
    user.model_fields["active"].examples = [True]
    _part(user, "emails").model_fields["value"].examples = FreshAddresses(CLAIMED)
    # DocuSign has one address of a person.
    _part(user, "emails").model_fields["primary"].examples = [True]
    for field in _part(user, "name").model_fields.values():
        field.examples = ["Ann", "Bob", "Cleo"]
    profiles = [connector.entitlement(0, number) for number in (0, 1)]
    _part(user, "entitlements").model_fields["value"].examples = profiles
    _part(user, "roles").model_fields["value"].examples = [ORGANIZATION_ADMIN]
    for extension in group.get_extension_models().values():
        account = _part(extension, "account")
        account.model_fields["value"].examples = [connector.world.account.account_id]


def _is_filled_in(result: CheckResult) -> bool:
    """Return whether an answer differs from what was sent only in what is ours to fill in."""
    data = result.data if isinstance(result.data, dict) else {}
    part = FILLED_IN.get(str(data.get("urn")))
    if part is None or "expected" not in data or "modify_actual" not in data:
        return False
    return _without(part, data["expected"]) == _without(part, data["modify_actual"])


def _without(part: str, value: Any) -> list[dict[str, Any]]:
    elements = value if isinstance(value, list) else [value]
    return [
        element.model_dump(exclude={part}, exclude_none=True)
        for element in elements
        if element is not None
    ]


def _reasons(result: CheckResult) -> list[str]:
    """Return why a result is no fault of the connector, empty where it is one."""
    said = str(result.reason)
    found = [why for why, pattern in NO_FAULT.items() if re.search(pattern, said, re.S)]
    return [*found, "filled in"] if _is_filled_in(result) else found


class ReadingClient(WSGISCIMClient):
    """Gives the checker what is there already, where it would create something to read."""

    def create(self, target: Any = None, *_: Any, **__: Any) -> Any:
        return self.query(type(target)).resources[0]

    def delete(self, target: Any = None, *_: Any, **__: Any) -> None:
        """What was not created stays."""


def _client(connector: Connector, kind: type[WSGISCIMClient] = WSGISCIMClient) -> WSGISCIMClient:
    base_url = "http://localhost/scim/v2"
    headers = {"Authorization": f"Bearer {connector.token}"}
    client = kind(create_app(connector.application), base_url=base_url, headers=headers)
    client.discover()
    return client


def test_python_scims_checks_find_no_fault_in_what_is_written(connector):
    client = _client(connector)
    _give_examples(client, connector)

    results = check_server(client, resource_types=["User", "Group"])

    disputed = [item for item in results if item.status is not Status.SUCCESS]
    assert [(item.title, item.reason) for item in disputed if not _reasons(item)] == []
    assert set(NO_FAULT) <= {why for item in disputed for why in _reasons(item)}, "out of date"
    assert sum(item.status is Status.SUCCESS for item in results) > 90


@pytest.mark.parametrize("name", ["Entitlement", "Role", "Tombstone"])
def test_python_scims_checks_find_no_fault_in_what_is_only_read(connector, name):
    gone = connector.create(f"gone@{CLAIMED}")["id"]
    assert connector.delete(f"/Users/{gone}").status_code == 204

    results = check_server(
        _client(connector, ReadingClient),
        include_tags={"discovery", "crud:read", "crud:read:attributes"},
        resource_types=[name],
    )

    made = [one for one in results if one.reason != NOT_ASKED_FOR]
    disputed = [one for one in made if one.status is not Status.SUCCESS]
    assert [(one.title, one.reason) for one in disputed if NOBODY_S not in str(one.reason)] == []
    assert sum(one.resource_type == name for one in made) >= READ_CHECKS


@pytest.fixture
def address(connector: Connector) -> Iterator[str]:
    """Where the connector answers on a socket."""
    server = make_server("127.0.0.1", 0, create_app(connector.application), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/scim/v2"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_scim_sanity_finds_no_fault(connector, address):
    # It adds a member whom nobody knows, which is refused unless the client's dialect says else.
    token = connector.client_token("sanity", settings={"unknown_members": "lenient"})
    command = [str(Path(sys.executable).with_name("scim-sanity")), "probe", address]
    options = ["--token", token, "--json-output", "--i-accept-side-effects"]
    found = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=120, check=False
    )
    report = json.loads(found.stdout)
    assert found.returncode == 0, found.stdout
    results = report["results"]
    # It knows agents (a draft), which we do not offer.
    said = {item["status"] for item in results if "Agent" not in item["name"]}
    assert said == {"pass"}, found.stdout
    assert sum(item["status"] == "pass" for item in results) > 25
