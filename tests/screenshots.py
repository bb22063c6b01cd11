"""Takes the pictures of ``docs/console.md`` anew: ``python -m tests.screenshots docs/console``.

    python -m tests.screenshots /tmp/pictures --widths 400,1280,2000 --schemes light,dark

takes every page at every width in both colour schemes, to be looked at after a change.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from itertools import product
from pathlib import Path
from typing import Any

from tests.browsers import browser, served
from tests.connector import connected
from tests.simulated import simulated
from tests.visitors import (
    PASSWORD,
    add_account,
    ask_for_approval,
    ask_to_forget,
    guarded,
    joined_by_hand,
    lively,
    operate,
)


def pages(ids: dict[str, str]) -> dict[str, str]:
    """Return the path of every page by its name."""
    asked = f"user={ids['user']}&entitlement=Finance+Approver&verify=1"
    return {
        "inbox": "/",
        "approval": f"/approvals/{ids['approval']}",
        "task": f"/tasks/{ids['task']}",
        "absences": "/absences",
        "tokens": "/access-tokens",
        "users": "/users",
        "user": f"/users/{ids['user']}",
        "accounts": "/accounts",
        "account": f"/accounts/{ids['account']}",
        "drift": "/drift",
        "finding": f"/drift/{ids['finding']}",
        "erasures": "/erasures",
        "erasure": f"/erasures/{ids['erasure']}",
        "runs": "/runs",
        "connection": "/connection",
        "audit": "/audit",
        "event": "/audit/20",
        "explanation": f"/audit/explanation?{asked}",
        "settings": "/settings",
        "error": "/no-such-page",
    }


BEHIND_BUTTONS = {
    "examination": "Examine the connection",
    "consent-link": "Link for the service user",
    "consent-steps": "Steps for an own app",
}
"""Pages that a button of *Connection* leads to, by name."""

OPERATORS = {
    "customers": "/tenants",
    "customer-new": "/tenants/new",
    "customer": "/tenants/tenant/globex",
}
"""Pages of the operator of an installation with several customers, by name."""


def take(
    chromium: Any, url: str, paths: dict[str, str], target: Path, *, width: int, scheme: str
) -> None:
    """Take every page at one width in one colour scheme."""
    size = {"width": width, "height": 900 if width > 1000 else 1200}
    page = chromium.new_context(viewport=size, color_scheme=scheme).new_page()
    mark = "" if (width, scheme) == (1280, "light") else f"-{width}-{scheme}"
    page.goto(f"{url}/")
    page.screenshot(path=target / f"sign-in{mark}.png")
    page.get_by_label("Login").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    for name, path in paths.items():
        page.goto(url + path)
        page.screenshot(path=target / f"{name}{mark}.png")
    for name, button in BEHIND_BUTTONS.items():
        page.goto(f"{url}/connection")
        page.get_by_role("button", name=button).click()
        page.get_by_role("heading", name="Connection to DocuSign").wait_for(state="detached")
        page.screenshot(path=target / f"{name}{mark}.png")
    page.goto(url.replace("/console", "/api/v1/docs#approvals.approve"))
    page.screenshot(path=target / f"api{mark}.png")
    page.context.close()


def main(arguments: list[str]) -> None:
    """Take what the command line asks for."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--widths", default="1280")
    parser.add_argument("--schemes", default="light")
    asked = parser.parse_args(arguments)
    asked.target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "connector.db"
        connector = connected(database, world=simulated(300), **guarded())
        ids = lively(connector)
        other = connector.world.member().user.user_id
        ask_for_approval(connector, other)
        ids["erasure"] = ask_to_forget(connector)
        ids["finding"] = joined_by_hand(connector)
        add_account(connector, "ann", "administrator")
        with served(connector.http.application) as address, browser() as chromium:
            url = f"{address}/console"
            sizes = list(product(map(int, asked.widths.split(",")), asked.schemes.split(",")))
            for width, scheme in sizes:
                take(chromium, url, pages(ids), asked.target, width=width, scheme=scheme)
            operate(connector)
            for width, scheme in sizes:
                take(chromium, url, OPERATORS, asked.target, width=width, scheme=scheme)
        connector.close()


if __name__ == "__main__":
    main(sys.argv[1:])
