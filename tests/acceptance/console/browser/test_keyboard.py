"""The console without a mouse, and without JavaScript."""

from __future__ import annotations

import re

from tests.acceptance.console.browser.site import told
from tests.browsers import needs_chromium
from tests.visitors import PASSWORD

pytestmark = needs_chromium


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
    page.wait_for_url(re.compile("q=lovel"))
    page.locator("#found tbody tr").nth(1).wait_for(state="detached")
    assert page.locator("#found tbody tr").count() == 1
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
    page.get_by_role("heading", name="Ada Lovelace").wait_for()
    page.goto(f"{own_site.url}/users")
    page.goto(f"{own_site.url}/approvals/{own_site.ids['approval']}")
    page.get_by_role("button", name="Approve").click()
    told(page, "carried out in DocuSign")
    page.goto(f"{own_site.url}/tasks/{own_site.ids['task']}")
    page.get_by_role("button", name="Claim this task").click()
    told(page, "The task is yours.")
    page.get_by_text("Ann Example").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("heading", name="Sign in").wait_for()


def test_who_reads_on_by_keyboard_stands_at_the_first_new_line(site):
    page = site.visit()
    page.goto(f"{site.url}/users")
    before = page.locator("tbody tr:not(.more)").count()
    page.get_by_role("link", name="Show more").focus()
    page.keyboard.press("Enter")
    page.locator("tbody tr:not(.more)").nth(before + 1).wait_for()
    first = page.locator("tbody tr:not(.more)").nth(before).get_by_role("link").first
    first.and_(page.locator(":focus")).wait_for()


def test_all_findings_that_are_shown_are_chosen_at_once(site):
    page = site.visit()
    page.goto(f"{site.url}/drift")
    findings = page.locator("input[name=finding]")
    page.get_by_label("Choose all that are shown").check()
    assert page.locator("input[name=finding]:checked").count() == findings.count() > 0
    page.get_by_label("Choose all that are shown").uncheck()
    assert page.locator("input[name=finding]:checked").count() == 0
    without = site.visit("ann", java_script_enabled=False)
    without.goto(f"{site.url}/drift")
    assert without.get_by_label("Choose all that are shown").is_hidden()


def test_exact_times_are_said_as_they_are_where_the_reader_is_too(site):
    page = site.visit(timezone_id="Asia/Kolkata", locale="en-GB")
    page.goto(f"{site.url}/approvals/{site.ids['approval']}")
    opened_at = page.get_by_role("main").locator("time").first
    utc, here = opened_at.get_attribute("title").split(", where you are ")
    assert utc.endswith(" UTC")
    hours, minutes = map(int, utc.split(", ")[2].split(":")[:2])
    later = (hours * 60 + minutes + 330) % (24 * 60)
    assert here.split(", ")[1].startswith(f"{later // 60:02}:{later % 60:02}")
