"""What people do at the console, in a real browser."""

from __future__ import annotations

from connector.services.context import Actor
from connector.services.jobs.declared import run_job
from tests.acceptance.console.browser.site import told
from tests.browsers import needs_chromium, served
from tests.connector import ORGANIZATION_ADMIN
from tests.visitors import add_account, ask_for_admin, profile_named

pytestmark = needs_chromium


def test_what_is_asked_over_scim_is_approved_in_the_browser_and_done(own_site):
    connector, user_id = own_site.connector, own_site.ids["user"]
    wanted = profile_named(connector, "Approver")
    held = {item["value"] for item in connector.user(user_id)["entitlements"]}
    assert wanted not in held

    page = own_site.visit("dora")
    page.get_by_role("link", name="Grant Finance Approver").click()
    page.get_by_role("main").get_by_text("HR Sender").first.wait_for()
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
