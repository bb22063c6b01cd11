"""From nothing to provisioning in a real browser, over DocuSign's consent pages as the simulator
has them: refused, granted, revoked, granted again; by impersonation and by signing in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from connector.app import create_app
from connector.bootstrap import build
from connector.settings import Secret
from tests.browsers import browser, needs_chromium, served
from tests.connector import Connector, ManualClock, _settings
from tests.databases import new_sqlite
from tests.simulated import Simulated, simulated
from tests.visitors import PASSWORD, add_account

pytestmark = needs_chromium

AXE = Path(__file__).parents[2] / "data" / "axe" / "axe.min.js"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


@dataclass
class Stage:
    """A connector and a DocuSign that has not heard of it, both on sockets."""

    connector: Connector
    world: Simulated
    url: str
    chromium: Any

    @property
    def service_user(self) -> Any:
        return self.world.service_user

    def register(self) -> None:
        """Register the redirect URI for the app, as somebody does under Apps and Keys."""
        application = next(iter(self.world.state.applications.by_key.values()))
        application.redirect_uris.add(f"{self.url}/consent/callback")

    def page(self) -> Any:
        """Return a page of an administrator who has just signed in."""
        page = self.chromium.new_context().new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{self.url}/console/")
        page.get_by_label("Login").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Inbox").wait_for()
        return page

    def open_link(self, page: Any, button: str = "Link for the service user") -> None:
        """Make a link in the console and follow it to DocuSign."""
        page.goto(f"{self.url}/console/connection")
        page.get_by_role("button", name=button).click()
        page.get_by_role("link", name="Open it here").click()

    def decide(self, page: Any, decision: str) -> None:
        """Answer DocuSign's page as the service user."""
        page.get_by_role("heading", name="asks for access").wait_for()
        page.get_by_label("You are").select_option(self.service_user.user_id)
        page.get_by_role("button", name=decision).click()


def staged(chromium: Any, path: Any, **tenant: Any) -> Iterator[Stage]:
    clock = ManualClock()
    world = simulated(50, now=clock.now)
    world.app.extensions["simulator"].revoke_consent()
    holder: list[Any] = []
    with (
        served(world.app) as world.base_url,
        served(lambda *call: holder[0](*call)) as url,  # noqa: PLW0108 -- made below
    ):
        settings = _settings(world, new_sqlite(path / "connector.db"), **tenant)
        settings = replace(
            settings,
            server=replace(settings.server, public_url=url),
            database=replace(settings.database, encryption_key=Secret("k" * 40)),
            docusign=replace(
                settings.docusign, client_secret=Secret(world.details["client_secret"])
            ),
        )
        application = build(settings, clock=clock, session=world.session())
        holder.append(create_app(application))
        connector = Connector(world, application, clock, holder[0].test_client(), "")
        add_account(connector, "ann", "administrator")
        yield Stage(connector, world, url, chromium)
        application.close()


@pytest.fixture
def stage(chromium, tmp_path) -> Iterator[Stage]:
    yield from staged(chromium, tmp_path)


@pytest.fixture
def stage_by_code(chromium, tmp_path) -> Iterator[Stage]:
    yield from staged(chromium, tmp_path, grant="authorization_code")


def titled(page: Any, words: str) -> None:
    page.get_by_role("heading", name=words, exact=True).wait_for()


def has_no_barrier(page: Any) -> None:
    result = page.evaluate(
        AXE.read_text() + ";axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']})"
    )
    assert [(item["id"], item["nodes"][0]["html"][:160]) for item in result["violations"]] == []


def test_refused_granted_revoked_and_granted_again(stage):
    connector, page = stage.connector, stage.page()

    page.goto(f"{stage.url}/console/connection")
    page.get_by_role("button", name="Examine the connection").click()
    titled(page, "Something is wrong")
    page.get_by_text("Nobody has agreed that the connector acts for the service user").wait_for()
    has_no_barrier(page)

    page.goto(f"{stage.url}/console/connection")
    page.get_by_role("button", name="Link for an administrator").click()
    page.get_by_role("link", name="Open it here").wait_for()
    has_no_barrier(page)

    stage.open_link(page)
    page.get_by_text("The redirect URI is not registered properly").wait_for()
    stage.register()

    stage.open_link(page)
    stage.decide(page, "Decline")
    titled(page, "Consent was declined")
    page.get_by_role("link", name="Open a new link and try again").click()
    stage.decide(page, "Accept")
    titled(page, "Consent works")

    page.goto(f"{stage.url}/console/connection")
    page.get_by_role("button", name="Check now").click()
    page.get_by_text("Consent works: DocuSign gave a token with every scope.").wait_for()
    connector.sync()
    page.goto(f"{stage.url}/console/users?q={stage.service_user.email}")
    page.get_by_role("link", name=stage.service_user.user_name).wait_for()

    page.goto(f"{stage.world.base_url}/connected-apps")
    revoke = page.get_by_role("button", name=f"Revoke for {stage.service_user.email}")
    revoke.click()
    revoke.wait_for(state="detached")
    assert connector.services.connection.run() == {"lost": 1}
    connector.application.consent_watch.flush()
    page.goto(f"{stage.url}/console/users")
    banner = page.get_by_role("alert")
    assert "consent is missing or was revoked" in banner.inner_text()

    banner.get_by_role("link", name="See the connection").click()
    stage.open_link(page)
    stage.decide(page, "Accept")
    titled(page, "Consent works")
    connector.application.consent_watch.flush()
    page.goto(f"{stage.url}/console/users")
    assert page.get_by_role("alert").count() == 0
    connector.sync()


def test_somebody_else_who_accepts_is_told_to_sign_in_as_the_service_user(stage):
    stage.register()
    page = stage.page()
    stage.open_link(page)
    page.get_by_label("or somebody else").fill(stage.world.member().user.email)
    page.get_by_role("button", name="Accept").click()
    titled(page, "Consent was given, and does not count")
    page.get_by_text("Sign in to DocuSign as the service user").wait_for()


def test_where_impersonation_is_refused_the_service_user_signs_in(stage_by_code):
    stage = stage_by_code
    stage.register()
    page = stage.page()
    page.goto(f"{stage.url}/console/connection")
    page.get_by_text("Nobody has connected yet.").wait_for()
    stage.open_link(page, "Connect DocuSign")
    stage.decide(page, "Decline")
    titled(page, "Consent was declined")
    page.get_by_role("link", name="Open a new link and try again").click()
    stage.decide(page, "Accept")
    titled(page, "Connected")
    stage.connector.sync()
    page.goto(f"{stage.url}/console/connection")
    page.get_by_label("The account that this connection is for").select_option(index=1)
    page.get_by_role("button", name="Choose").click()
    page.get_by_text("The connection is for this account now.").wait_for()
    has_no_barrier(page)
    page.get_by_role("button", name="Examine the connection").click()
    titled(page, "All is well")
