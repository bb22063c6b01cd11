"""A connector in front of a simulated DocuSign, in the process, for any test that needs one.

    connector = connected(path, scim={"show_as_groups": ("profiles",)})

``connector.world``        the simulated DocuSign (:class:`tests.simulated.Simulated`)
``connector.application``  the wired services
``connector.get(path)``, ``post``, ``put``, ``patch``, ``delete``  SCIM requests with a valid token
``connector.clock``        time, which only :meth:`ManualClock.sleep` and ``advance`` move

Every answer of a request has ``status_code``, ``json`` and ``headers``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from connector.app import create_app
from connector.bootstrap import Application, TenantServices, build
from connector.domain.drift.difference import DriftKind
from connector.domain.drift.findings import Finding, FindingFilter, FindingState
from connector.services.context import Actor, new_id
from connector.settings import (
    AccountSettings,
    AuthenticationSettings,
    Behaviour,
    DatabaseSettings,
    DocusignSettings,
    GuardSettings,
    ProvisioningSettings,
    ScimSettings,
    Secret,
    ServerSettings,
    Settings,
    TenantSettings,
)
from tests.clocks import ManualClock
from tests.databases import new_sqlite, sqlite_settings
from tests.simulated import Simulated, simulated

PUBLIC_URL = "https://scim.acme.test"
BASE = "/scim/v2"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
DOCUSIGN = "urn:ietf:params:scim:schemas:extension:docusign:2.0:"
ORGANIZATION_ADMIN = "organization-admin"


def in_step(world: Simulated, clock: ManualClock | None = None) -> ManualClock:
    """Return a clock, one that goes on where the world's stands unless *clock* is given, by which
    time passes in that DocuSign from now on."""
    clock = clock or ManualClock(world.dial.now())
    world.dial.now = clock.now
    return clock


@dataclass
class Connector:
    """A running connector and the DocuSign behind it."""

    world: Simulated
    application: Application
    clock: ManualClock
    http: Client
    token: str

    @property
    def services(self) -> TenantServices:
        return self.application.tenant("default")

    # SCIM ---------------------------------------------------------------------

    def send(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> TestResponse:
        """Send a request; keyword arguments are headers, ``if_match`` for ``If-Match``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["Authorization"] = f"Bearer {token or self.token}"
        return self.http.open(BASE + path, method=method, json=body, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        return self.send("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> TestResponse:
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, *operations: dict[str, Any], **headers: str) -> TestResponse:
        body = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> TestResponse:
        return self.send("DELETE", path, **headers)

    def user(self, user_id: str) -> dict[str, Any]:
        """Return a user as SCIM shows it."""
        return ok(self.get(f"/Users/{user_id}"))

    def create(self, address: str, **attributes: Any) -> dict[str, Any]:
        """Create a user and return it."""
        return ok(self.post("/Users", {"userName": address, **attributes}), 201)

    def client_token(self, name: str, **options: Any) -> str:
        """Return the token of a further API client."""
        return self.application.clients.add("default", name, **options)[1]

    # DocuSign -----------------------------------------------------------------

    def entitlement(self, account: int = 0, profile: int = 0) -> str:
        """Return the id of the n-th profile that makes no administrator and is not the baseline."""
        return self.world.entitlement(account, profile)

    def baseline(self, account: int = 0) -> str:
        """Return the id of the entitlement that plain members hold."""
        chosen = self.world.accounts[account]
        return f"{chosen.account_id}.{chosen.default_profile_id}"

    def group(self, account: int = 0, number: int = 0) -> str:
        """Return the id of the n-th custom group of an account."""
        chosen = self.world.accounts[account]
        custom = [item.group_id for item in chosen.groups.values() if item.kind == "customGroup"]
        return f"{chosen.account_id}.g{custom[number]}"

    def membership(self, user_id: str, account: int = 0) -> Any:
        """Return the membership that DocuSign has, or None."""
        return self.world.accounts[account].members.get(user_id)

    def group_members(self, group_id: str) -> set[str]:
        """Return the ids of the users whom DocuSign has in a group."""
        account_id, _, number = group_id.partition(".g")
        return set(self.world.state.accounts[account_id].groups[number].members)

    def sync(self) -> None:
        """Read everything from DocuSign."""
        self.services.aggregation.sync()

    def reconcile(self, *, sync: bool = True) -> dict[str, int]:
        """Read everything from DocuSign and compare it with what is expected."""
        if sync:
            self.sync()
        actor = Actor("job:reconcile", "job", new_id())
        return dict(self.services.drift.reconciliation.run(actor))

    def findings(self, *kinds: DriftKind, every: bool = False) -> list[Finding]:
        """Return open findings of these classes, or of all; the newest first."""
        states = () if every else tuple(state for state in FindingState if state.is_open)
        views = self.services.drift.desk.list(FindingFilter(states, kinds), limit=None)
        return [view.finding for view in views]

    def close(self) -> None:
        self.application.close()


def ok(response: TestResponse, status: int = 200) -> Any:
    """Return the body of an answer that has this status."""
    assert response.status_code == status, response.get_data(as_text=True)
    return response.json


def refused(response: TestResponse, status: int, scim_type: str | None = None) -> str:
    """Return the ``detail`` of an error that has this status and type."""
    body = response.json
    assert response.status_code == status, body
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(status)
    assert body.get("scimType") == scim_type, body
    return body["detail"]


def connected(
    database: Path | DatabaseSettings,
    *,
    world: Simulated | None = None,
    clock: ManualClock | None = None,
    provisioning: dict[str, Any] | None = None,
    guards: dict[str, Any] | None = None,
    scim: dict[str, Any] | None = None,
    authentication: AuthenticationSettings | None = None,
    behaviour: dict[str, Any] | None = None,
    **tenant: Any,
) -> Connector:
    """Return a connector whose mirror is filled; keyword arguments are settings of the tenant.

    :param database: the path of a SQLite file, or the settings of any database.
    :param behaviour: of DocuSign, as the settings say it.
    :param clock: the world's too from now on; by default one that goes on where the world's stands.
    """
    world = world or simulated(50)
    clock = in_step(world, clock)
    settings = _settings(
        world,
        _in_file(database) if isinstance(database, Path) else database,
        provisioning=ProvisioningSettings(**provisioning or {}),
        guards=GuardSettings(**guards or {}),
        scim=ScimSettings(**scim or {}),
        **tenant,
    )
    docusign = replace(settings.docusign, behaviour=Behaviour(**behaviour or {}))
    authentication = authentication or AuthenticationSettings()
    settings = replace(settings, authentication=authentication, docusign=docusign)
    application = build(settings, clock=clock, session=world.session())
    _, token = application.clients.add("default", "iga")
    connector = Connector(world, application, clock, create_app(application).test_client(), token)
    connector.sync()
    return connector


def _in_file(path: Path) -> DatabaseSettings:
    return sqlite_settings(path) if path.exists() else new_sqlite(path)


def _settings(world: Simulated, database: DatabaseSettings, **tenant: Any) -> Settings:
    details = world.details
    accounts = tuple(
        AccountSettings(item["account_id"], item["name"], item["baseline_profile"])
        for item in details["accounts"]
    )
    return Settings(
        server=ServerSettings(public_url=PUBLIC_URL),
        database=database,
        docusign=DocusignSettings(
            environment="custom",
            oauth_url=details["oauth_url"],
            admin_url=details["admin_url"],
            jwt_audience=details["jwt_audience"],
            integration_key=details["integration_key"],
            private_key=Secret(details["private_key_pem"]),
        ),
        tenants={
            "default": TenantSettings(
                user_id=details["user_id"],
                accounts=accounts,
                **{"organization_id": details["organization_id"], **tenant},
            )
        },
    )
