"""No page of the console keeps anybody out: barriers, widths, phones."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from tests.acceptance.console.browser.site import opened
from tests.browsers import needs_chromium

pytestmark = needs_chromium

AXE = Path(__file__).parents[3] / "data" / "axe" / "axe.min.js"
WIDTHS = (320, 400, 1280, 2000)


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


def test_long_texts_of_an_event_are_shown_whole(site):
    site.connector.post("/Users", {"userName": "ada.lovelace@northwind.example"})
    page = site.visit(viewport={"width": 1440, "height": 900})
    page.goto(f"{site.url}/audit?action=request.refused")
    page.get_by_role("link", name="A request was refused").first.click()
    data = page.locator("pre")
    assert "is enabled with active=true." in data.inner_text()
    assert data.evaluate("one => one.scrollWidth <= one.clientWidth")


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


PHONE = {"width": 390, "height": 844}


@pytest.mark.parametrize("path", ["/", "/?view=all", "/users", "/audit", "/drift?view=all"])
def test_on_a_phone_the_first_screen_shows_work(site, path):
    page = site.visit(viewport=PHONE)
    page.goto(site.url + path)
    first = page.locator(".list tbody tr").first.bounding_box()
    assert first["y"] < PHONE["height"] / 2, "the frame and the fields take half of the screen"


def test_on_a_phone_search_fields_show_where_they_are_wanted_or_used(site):
    page = site.visit(viewport=PHONE)
    page.goto(f"{site.url}/audit")
    field, tick = page.get_by_label("By", exact=True), page.get_by_label("Search this list")
    assert not field.is_visible()
    tick.focus()
    page.keyboard.press("Space")
    field.fill("user:nobody")
    page.get_by_role("button", name="Search").click()
    page.get_by_text("No event fits").wait_for()
    assert field.is_visible() and field.input_value() == "user:nobody"
    wide = site.visit(viewport={"width": 1280, "height": 900})
    wide.goto(f"{site.url}/audit")
    assert wide.get_by_label("By", exact=True).is_visible()
    assert not wide.get_by_label("Search this list").is_visible()


@pytest.mark.parametrize("java_script", [True, False])
def test_on_a_phone_a_user_is_found_from_every_page(site, java_script):
    page = site.visit(viewport=PHONE, java_script_enabled=java_script)
    page.goto(f"{site.url}/audit")
    field = page.get_by_role("searchbox", name="Find a user", exact=True)
    row = page.locator(".top").bounding_box()
    assert row["height"] < 60 and not field.is_visible()
    page.get_by_role("checkbox", name="Find a user").check()
    field.fill("ann")
    field.press("Enter")
    page.get_by_role("heading", name="Users", level=1).wait_for()
    assert page.url.endswith("/users?q=ann")


def test_on_a_narrow_screen_the_key_for_the_search_shows_it(site):
    page = site.visit(viewport=PHONE)
    for path, name in (("/audit", "find"), ("/users", "q")):
        page.goto(site.url + path)
        page.keyboard.press("/")
        assert page.locator(f"#{name}").is_visible()
        assert page.evaluate("document.activeElement.id") == name


@pytest.mark.parametrize("java_script", [True, False])
def test_on_a_phone_every_page_is_reached_from_one_row(site, java_script):
    page = site.visit(viewport=PHONE, java_script_enabled=java_script)
    row = page.get_by_role("navigation", name="Console")
    assert row.bounding_box()["height"] < 60
    row.get_by_role("link", name="Settings").click()
    page.get_by_role("heading", name="Settings", level=1).wait_for()
    if java_script:
        box = row.get_by_role("link", name="Settings").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_on_a_phone_values_stand_beside_their_labels_and_buttons_apart(site):
    page = site.visit(viewport={"width": 400, "height": 900})
    page.goto(f"{site.url}/connection")
    assert page.evaluate("document.querySelectorAll('.list td:not(.lead)').length") > 5
    assert page.evaluate(_BESIDE_LABELS) == []
    gaps = page.evaluate(_GAPS)
    assert gaps and min(gaps) >= 6
