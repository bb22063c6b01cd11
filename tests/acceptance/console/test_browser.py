"""The console in a real browser: the stories of its people, and whether everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from tests.browsers import browser, needs_chromium, served
from tests.connector import ORGANIZATION_ADMIN, Connector, connected
from tests.screenshots import BEHIND_BUTTONS
from tests.simulated import simulated
from tests.visitors import (
    PASSWORD,
    add_account,
    ask_for_admin,
    ask_to_forget,
    guarded,
    joined_by_hand,
    lively,
    operate,
    profile_named,
)

pytestmark = needs_chromium

AXE = Path(__file__).parents[2] / "data" / "axe" / "axe.min.js"
WIDTHS = (400, 1280, 2000)


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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as found:
        yield found


def _site(chromium: Any, path: Path, world: Any) -> Iterator[Site]:
    connector = connected(path, world=world, **guarded())
    ids = lively(connector)
    ids["erasure"] = ask_to_forget(connector)
    for login, role in (("ann", "administrator"), ("dora", "approver"), ("olga", "operator")):
        add_account(connector, login, role)
    with served(connector.http.application) as address:
        yield Site(connector, f"{address}/console", chromium, ids)
    connector.close()


@pytest.fixture(scope="module")
def site(chromium, tmp_path_factory) -> Iterator[Site]:
    """A console that tests only look at."""
    path = tmp_path_factory.mktemp("site") / "connector.db"
    for site in _site(chromium, path, simulated(150)):
        site.ids["finding"] = joined_by_hand(site.connector)
        operate(site.connector)
        yield site


@pytest.fixture
def own_site(chromium, tmp_path) -> Iterator[Site]:
    """A console that a test changes."""
    yield from _site(chromium, tmp_path / "connector.db", simulated(50))


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


# ------------------------------------------------------------------------------ the stories


def test_what_is_asked_over_scim_is_approved_in_the_browser_and_done(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    wanted = profile_named(connector, "Approver")
    held = {item["value"] for item in connector.user(user_id)["entitlements"]}
    assert wanted not in held

    page = own_site.visit("dora")
    page.get_by_role("link", name="Grant Finance Approver").click()
    assert "HR Sender" in page.get_by_role("main").inner_text()
    page.get_by_label("Comment").first.fill("New head of finance")
    page.get_by_role("button", name="Approve").click()

    page.get_by_text("Approved, and carried out in DocuSign.").wait_for()
    assert connector.membership(user_id).profile_id == wanted.rpartition(".")[2]
    assert wanted in {item["value"] for item in connector.user(user_id)["entitlements"]}
    page.goto(f"{own_site.url}/users/{user_id}")
    assert "Approved" in page.get_by_role("main").inner_text()


def test_a_denial_needs_a_reason_and_changes_nothing(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    before = connector.membership(user_id).profile_id
    page = own_site.visit("dora")
    page.get_by_role("link", name="Grant Finance Approver").click()
    page.get_by_role("button", name="Deny").click()
    told(page, "This decision needs a reason")
    page.get_by_label("Comment").first.fill("Not in the team")
    page.get_by_role("button", name="Deny").click()
    page.get_by_text("Denied. The access stays as it is.").wait_for()
    assert connector.membership(user_id).profile_id == before


def test_an_organization_admin_is_made_by_following_the_task(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    page = own_site.visit("olga")
    page.get_by_role("link", name="Grant Organization Administrator").first.click()
    page.get_by_role("button", name="Claim this task").click()
    page.get_by_text("The task is yours.").wait_for()
    page.get_by_text("Attach a file that shows it").click()
    page.get_by_label("Screenshot or letter").set_input_files(
        {"name": "proof.html", "mimeType": "text/html", "buffer": b"<script>alert(1)</script>"}
    )
    page.get_by_role("button", name="Attach").click()
    page.get_by_text("The file was attached.").wait_for()
    page.get_by_label("Comment").first.fill("Invited")
    page.get_by_role("button", name="It is done").click()
    page.get_by_text("DocuSign does not confirm it yet").wait_for()
    assert "roles" not in connector.user(user_id)

    address = connector.user(user_id)["userName"]
    with served(connector.world.app) as docusign:
        admin = own_site.chromium.new_context().new_page()
        admin.goto(f"{docusign}/administrators")
        admin.get_by_label("E-mail address").fill(address)
        admin.get_by_role("button", name="Add as organization administrator").click()
        admin.get_by_role("button", name=f"Remove {address}").wait_for()
    page.get_by_role("button", name="Look now").click()
    page.get_by_text("The task is done.").wait_for()
    assert connector.user(user_id)["roles"][0]["value"] == ORGANIZATION_ADMIN

    with page.expect_download() as download:
        page.get_by_role("link", name="proof.html").click()
    assert download.value.suggested_filename == "proof.html"


def test_what_people_do_in_docusign_closes_the_task_by_itself_in_both_directions(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    address, clock = connector.user(user_id)["userName"], Actor("job:verify", "job", "")
    page, admin = own_site.visit("olga"), own_site.chromium.new_context().new_page()
    with served(connector.world.app) as docusign:
        admin.goto(f"{docusign}/administrators")
        admin.get_by_label("E-mail address").fill(address)
        admin.get_by_role("button", name="Add as organization administrator").click()
        admin.get_by_role("button", name=f"Remove {address}").wait_for()
        run_job("verify", connector.services, clock)
        page.goto(f"{own_site.url}/tasks/{own_site.ids['task']}")
        page.get_by_role("main").get_by_text("done", exact=True).first.wait_for()
        assert connector.user(user_id)["roles"][0]["value"] == ORGANIZATION_ADMIN

        task = ask_for_admin(connector, user_id, "remove")
        admin.get_by_role("button", name=f"Remove {address}").click()
        admin.get_by_role("button", name=f"Remove {address}").wait_for(state="detached")
        run_job("verify", connector.services, clock)
    page.goto(f"{own_site.url}/tasks/{task}")
    page.get_by_role("main").get_by_text("done", exact=True).first.wait_for()
    assert "roles" not in connector.user(user_id)


def test_two_approvers_at_the_same_instant_decide_once(own_site):
    add_account(own_site.connector, "dave", "approver")
    path = f"{own_site.url}/approvals/{own_site.ids['approval']}"
    pages = [own_site.visit("dora"), own_site.visit("dave")]
    for page in pages:
        page.goto(path)
    pages[0].get_by_role("button", name="Approve").click()
    pages[0].get_by_text("Approved, and carried out").wait_for()
    pages[1].get_by_label("Comment").first.fill("No")
    pages[1].get_by_role("button", name="Deny").click()
    told(pages[1], "done already")


def test_what_changed_since_somebody_looked_is_looked_at_again(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    page = own_site.visit("dora")
    page.goto(f"{own_site.url}/approvals/{own_site.ids['approval']}")
    account, other = connector.entitlement(0, 0).split(".")
    connector.world.state.accounts[account].members[user_id].profile_id = other
    connector.sync()
    page.get_by_role("button", name="Approve").click()
    told(page, "changed since you looked")
    assert connector.membership(user_id).profile_id == other


def test_somebody_is_erased_for_good_by_a_second_person_who_knows_it(own_site):
    service, erasure_id = own_site.connector.services.erasures, own_site.ids["erasure"]
    subject_id = service.get(erasure_id).subject_id
    page = own_site.visit()
    page.get_by_role("link", name="Erasures").click()
    page.locator("tbody").get_by_role("link").first.click()
    page.get_by_text("This cannot be undone.").wait_for()
    page.get_by_role("button", name="Erase for good").click()  # The tick is missing.
    assert service.get(erasure_id).state == "requested"
    page.get_by_label("I know that nothing brings the data back.").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page, "Erased, in DocuSign and here.")
    assert subject_id not in own_site.connector.world.state.users


# ------------------------------------------------------------------------------ without a mouse


def test_without_a_mouse_one_signs_in_finds_somebody_and_reads_on(site):
    page = site.chromium.new_context().new_page()
    page.goto(f"{site.url}/")
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Inbox").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("ada")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Ada Lovelace").wait_for()
    page.get_by_role("link", name="Ada Lovelace").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Ada Lovelace").wait_for()


def test_what_has_the_focus_is_seen(site):
    page = site.visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", page.evaluate("document.activeElement.outerHTML")


def test_the_list_follows_what_is_typed_and_the_address_with_it(site):
    page = site.visit()
    page.goto(f"{site.url}/users")
    page.get_by_label("Name or address").press_sequentially("lovel", delay=20)
    page.locator("#found tbody tr").nth(1).wait_for(state="detached")
    assert page.locator("#found tbody tr").count() == 1
    assert "q=lovel" in page.url
    assert page.evaluate("document.activeElement.id") == "q"


def test_more_lines_come_without_a_reload(site):
    page = site.visit()
    page.goto(f"{site.url}/users")
    page.evaluate("window.sameDocument = true")
    assert page.locator("tbody tr:not(.more)").count() == 50
    page.get_by_role("link", name="Show more").click()
    page.locator("tbody tr:not(.more)").nth(60).wait_for()
    assert page.evaluate("window.sameDocument")


def test_everything_works_without_javascript(own_site):
    page = own_site.visit("ann", java_script_enabled=False)
    page.goto(f"{own_site.url}/users?q=ada")
    page.get_by_role("link", name="Ada Lovelace").click()
    page.goto(f"{own_site.url}/users")
    page.goto(f"{own_site.url}/approvals/{own_site.ids['approval']}")
    page.get_by_role("button", name="Approve").click()
    assert "carried out in DocuSign" in page.get_by_role("main").inner_text()
    page.goto(f"{own_site.url}/tasks/{own_site.ids['task']}")
    page.get_by_role("button", name="Claim this task").click()
    assert "The task is yours." in page.get_by_role("main").inner_text()
    page.get_by_text("Ann Example").first.click()
    page.get_by_role("button", name="Sign out").click()
    assert page.get_by_role("heading", name="Sign in").count() == 1


# ------------------------------------------------------------------------------ for everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_barrier(site, scheme):
    page = site.visit(color_scheme=scheme, reduced_motion="reduce")
    found = []
    stranger = site.chromium.new_context(color_scheme=scheme, reduced_motion="reduce").new_page()
    stranger.goto(f"{site.url}/sign-in")
    each = chain([("/sign-in", stranger)], ((path, page) for path in opened(page, site)))
    for path, shown in each:
        # Not in the page, whose policy lets no script in but ours.
        result = shown.evaluate(
            AXE.read_text()
            + ";axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
        )
        found += [
            (path, item["id"], item["impact"], node["html"][:160], node["failureSummary"][:300])
            for item in result["violations"]
            for node in item["nodes"]
        ]
    assert found == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_is_wider_than_the_window_or_breaks_a_rule_of_its_own(site, width):
    page = site.visit(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in opened(page, site):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert [text for text in complaints if "404" not in text] == []


_BESIDE_LABELS = """() => {
  const found = [];
  for (const cell of document.querySelectorAll(".list td:not(.lead)")) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      if (!texts.currentNode.data.trim()) continue;
      const range = document.createRange();
      range.selectNodeContents(texts.currentNode);
      const left = range.getBoundingClientRect().left - cell.getBoundingClientRect().left;
      if (left < 120) found.push(texts.currentNode.data);
    }
  }
  return found;
}"""
_GAPS = """() => [...document.querySelectorAll("main form")].flatMap(form => {
  const boxes = [...form.querySelectorAll("button")].map(one => one.getBoundingClientRect());
  return boxes.slice(1).map((box, before) =>
    box.top > boxes[before].top ? box.top - boxes[before].bottom : box.left - boxes[before].right);
})"""


def test_on_a_phone_values_stand_beside_their_labels_and_buttons_apart(site):
    page = site.visit(viewport={"width": 400, "height": 900})
    page.goto(f"{site.url}/connection")
    assert page.evaluate("document.querySelectorAll('.list td:not(.lead)').length") > 5
    assert page.evaluate(_BESIDE_LABELS) == []
    gaps = page.evaluate(_GAPS)
    assert gaps and min(gaps) >= 6
