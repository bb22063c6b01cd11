"""What the demo configures: nothing of it leads to a real DocuSign."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

from connector.cli.demo import _Stage
from connector.domain.model import ORGANIZATION_ADMIN
from mappings import load_entitlements

SIMULATOR = "http://127.0.0.1:4711"


def test_the_task_that_people_do_leads_to_the_simulator_s_page(tmp_path: Path) -> None:
    details = {
        "url": SIMULATOR,
        "accounts": [{"account_id": "a", "name": "Acme", "baseline_profile": "Viewer"}],
        **dict.fromkeys(("oauth_url", "admin_url", "jwt_audience", "integration_key"), "x"),
        **dict.fromkeys(("private_key_file", "user_id", "organization_id"), "x"),
    }
    stage = _Stage(tmp_path, 8080, 1, Console())
    tenant = stage._configuration(details)["tenants"]["default"]
    role = load_entitlements(tenant["manual_roles"], tenant["entitlements"]).roles[
        ORGANIZATION_ADMIN
    ]
    assert role.deep_link is None and role.verification == "organization_admin"
    for steps in (role.instructions.grant, role.instructions.revoke):
        assert f"{SIMULATOR}/administrators" in steps[0]
        assert "docusign.com" not in json.dumps(list(steps))
        assert any("{email}" in step for step in steps)
