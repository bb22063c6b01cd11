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

GOOD = (Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE, Status.SKIPPED)
CLAIMED = "northwind-freight.example"

NO_FAULT = {
    "a display name is ours to fill in": r"unexpected value for '(entitlements|members)'",
    "the formatted name follows from its parts": r"unexpected value for 'name'",
    "the one address is primary, and is the userName": r"unexpected value for 'emails'",
    "a role is shown once DocuSign confirms it": r"unexpected value for 'roles'",
    "only read-only attributes are in the extension": r"extension:docusign:2\.0:User",
    "DocuSign cannot do without name, address and status": (
        r"did not remove attribute '(name|displayName|active|emails)'"
    ),
    "who loses the baseline profile leaves the account": (
        r"did not remove attribute 'entitlements'"
    ),
    "a group stays in its account": r"docusign:2\.0:Group.*is immutable",
}
"""What the checker calls an error and is not: it expects to be told back exactly what it sent, and
that everything can be removed. RFC 7643 sections 2.2 and 7 and RFC 7644 section 3.5.2 let the
service provider decide both."""


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
    for field in _part(user, "name").model_fields.values():
        field.examples = ["Ann", "Bob", "Cleo"]
    profiles = [connector.entitlement(0, number) for number in (0, 1)]
    _part(user, "entitlements").model_fields["value"].examples = profiles
    _part(user, "roles").model_fields["value"].examples = [ORGANIZATION_ADMIN]
    for extension in group.get_extension_models().values():
        account = _part(extension, "account")
        account.model_fields["value"].examples = [connector.world.account.account_id]


def _is_no_fault(result: CheckResult) -> bool:
    return any(re.search(pattern, str(result.reason), re.S) for pattern in NO_FAULT.values())


def test_python_scims_checks_find_no_fault(connector):
    base_url = "http://localhost/scim/v2"
    headers = {"Authorization": f"Bearer {connector.token}"}
    client = WSGISCIMClient(create_app(connector.application), base_url=base_url, headers=headers)
    client.discover()
    _give_examples(client, connector)

    results = check_server(client, resource_types=["User", "Group"])

    bad = [item for item in results if item.status not in GOOD and not _is_no_fault(item)]
    assert [(item.title, item.reason) for item in bad] == []
    assert sum(item.status is Status.SUCCESS for item in results) > 90


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
    command = [str(Path(sys.executable).with_name("scim-sanity")), "probe", address]
    options = ["--token", connector.token, "--json-output", "--i-accept-side-effects"]
    found = subprocess.run(
        [*command, *options], capture_output=True, text=True, timeout=120, check=False
    )
    report = json.loads(found.stdout)
    failed = {item["name"] for item in report["results"] if item["status"] in ("fail", "error")}
    # It adds a member whom nobody knows. That is refused unless the client's dialect says else.
    assert failed <= {"PATCH /Groups/{id} add member"}, found.stdout
    assert sum(item["status"] == "pass" for item in report["results"]) > 20
