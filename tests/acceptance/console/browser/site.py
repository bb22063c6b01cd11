"""A console on a socket, and somebody in front of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.connector import Connector
from tests.screenshots import BEHIND_BUTTONS
from tests.visitors import (
    PASSWORD,
)


@dataclass
class Site:
    """A console on a socket, with things that happened in it."""

    connector: Connector
    url: str
    chromium: Any
    ids: dict[str, str]

    def visit(self, login: str = "ann", **options: Any) -> Any:
        """Return a page of somebody who has just signed in, through the form."""
        page = self.chromium.new_context(**options).new_page()
        page.goto(f"{self.url}/")
        page.get_by_label("Login").fill(login)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Inbox").wait_for()
        return page

    @property
    def paths(self) -> list[str]:
        """Every kind of page."""
        ids = self.ids
        return [
            "/",
            "/?view=all",
            "/?view=closed",
            "/absences",
            f"/approvals/{ids['approval']}",
            f"/tasks/{ids['task']}",
            "/users",
            "/users?q=ma",
            "/users?q=nobody-at-all",
            f"/users/{ids['user']}",
            "/accounts",
            f"/accounts/{ids['account']}",
            "/runs",
            "/connection",
            "/audit",
            "/audit/3",
            "/audit/explanation",
            f"/audit/explanation?user={ids['user']}&verify=1",
            "/drift",
            "/drift?view=pending",
            "/drift?view=unused",
            "/drift?view=closed",
            f"/drift/{ids['finding']}",
            "/tenants",
            "/tenants/new",
            "/tenants/tenant/globex",
            "/erasures",
            f"/erasures/{ids['erasure']}",
            "/access-tokens",
            "/settings",
            "/no-such-page",
        ]


def opened(page: Any, site: Site) -> Iterator[str]:
    """Open every kind of page, one after the other; yield its path, or the button that leads to
    it."""
    for path in [*site.paths, "/../api/v1/docs"]:
        page.goto(site.url + path)
        page.wait_for_load_state("networkidle")
        yield path
    for button in BEHIND_BUTTONS.values():
        page.goto(f"{site.url}/connection")
        page.get_by_role("button", name=button).click()
        page.get_by_role("heading", name="Connection to DocuSign").wait_for(state="detached")
        page.wait_for_load_state("networkidle")
        yield button


def told(page: Any, words: str) -> None:
    """Wait until the page says so, above everything else."""
    page.get_by_role("main").get_by_role("status").filter(has_text=words).wait_for()
