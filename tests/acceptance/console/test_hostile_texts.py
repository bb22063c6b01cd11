"""What comes from outside is shown as text: no scripts, no formulas, nothing hidden."""

from __future__ import annotations

import csv
import io
from html import escape
from html.parser import HTMLParser

from click.testing import CliRunner

from connector.cli import main
from connector.cli.context import CommandContext
from connector.domain.notifications import Notice
from connector.services.notifications.messages import Writer
from connector.services.outbox import new_delivery
from connector.settings import ChannelSettings
from tests.visitors import ask_for_admin, ask_for_approval, guarded, lively, signed_in

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'{{7*7}}"


class _Dangers(HTMLParser):
    """Collects what could run somebody else's code."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        runs = tag in {"script", "style", "iframe", "object"} and not given.get("src")
        leads = any((given.get(name) or "").lower().startswith("javascript:") for name in given)
        handles = any(name.startswith("on") or name == "style" for name in given)
        if runs or leads or handles or tag == "img":
            self.found.append(self.get_starttag_text() or tag)


def dangers(page):
    """Return the tags of a page that run scripts."""
    parser = _Dangers()
    parser.feed(page)
    return parser.found


def test_a_spreadsheet_gets_no_formulas(connector):
    ann = signed_in(connector, "viewer")
    connector.create("eve@x.example", displayName="=cmd|' /C calc'!A0", title="+1+1")
    answer = ann.get("/audit/export.csv")
    assert answer.status_code == 200
    rows = csv.reader(io.StringIO(answer.get_data(as_text=True)))
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_scripts_in_every_displayed_field_stay_text(connector):
    ann = signed_in(connector, "administrator")
    user = connector.create(
        "eve@x.example",
        title=HOSTILE[:80],
        name={"givenName": HOSTILE[2:27], "familyName": HOSTILE[27:60]},
    )
    task = ask_for_admin(connector, user["id"])
    group = connector.post("/Groups", {"displayName": f"{HOSTILE}{1}"[:60]})
    assert group.status_code == 201
    connector.patch(
        f"/Groups/{group.json['id']}",
        {"op": "add", "path": "members", "value": [{"value": user["id"]}]},
    )
    account = connector.world.account.account_id
    paths = ["/", f"/users/{user['id']}", f"/tasks/{task}", f"/accounts/{account}", "/audit"]
    paths += [f"/users?q={HOSTILE}", f"/audit?subject={HOSTILE}&since={HOSTILE}", "/users"]
    paths += [f"/users?group={group.json['id']}", f"/audit?request={HOSTILE}", f"/{HOSTILE}"]
    for path in paths:
        page = ann.get(path).get_data(as_text=True)
        assert dangers(page) == [], path
        assert "'49" not in page, path


def test_pages_have_neither_inline_scripts_nor_inline_style(connector):
    ids, ann = lively(connector), signed_in(connector, "administrator")
    for path in ("/", "/users", f"/users/{ids['user']}", f"/tasks/{ids['task']}", "/audit"):
        page = ann.get(path).get_data(as_text=True)
        assert dangers(page) == []
        assert page.count("<h1") == 1


def test_what_a_name_hides_is_shown_where_people_decide(connect, monkeypatch):
    connector = connect(**guarded())
    name = "Ada\u202eecalevoL\u200b"
    user = connector.create("ada@northwind.example", displayName=name)
    item = ask_for_approval(connector, user["id"])
    task = ask_for_admin(connector, user["id"])
    ann = signed_in(connector, "administrator")
    for path in (
        "/",
        f"/approvals/{item}",
        f"/tasks/{task}",
        "/users?q=ada",
        f"/users/{user['id']}",
    ):
        page = ann.get(path).get_data(as_text=True)
        assert "[U+202E]" in page and "[U+200B]" in page, path
        assert "\u202e" not in page and "\u200b" not in page, path
    monkeypatch.setattr(CommandContext, "application", connector.application)
    monkeypatch.setattr(CommandContext, "known_tenant", "default")
    for command in (["approvals", "list"], ["approvals", "show", item], ["tasks", "show", task]):
        shown = CliRunner().invoke(main, command).output
        assert "[U+202E]" in shown and "\u202e" not in shown, command
    with connector.services.context.read() as uow:
        work_item = uow.work_items.get(item)
    delivery = new_delivery(
        Notice.APPROVAL_REQUESTED,
        ChannelSettings(name="hook", kind="webhook"),
        connector.clock.now(),
        about=item,
        payload={"work_item": item},
    )
    message = Writer(connector.services.context, "https://x.example").write(delivery)
    assert "\u202e" in work_item.title
    assert "[U+202E]" in message.title and "\u202e" not in message.title


def test_what_people_write_is_shown_as_they_wrote_it(connect):
    connector = connect(**guarded())
    user_id = connector.create("ada@northwind.example")["id"]
    item = ask_for_approval(connector, user_id)
    ann = signed_in(connector, "administrator")
    words = "iPad pool -> ask de Vries (20481)"
    ann.post(f"/approvals/{item}/comment", page=f"/approvals/{item}", comment=words)
    shown = escape(words)
    for path in (f"/approvals/{item}", f"/users/{user_id}", "/audit"):
        assert shown in ann.get(path).get_data(as_text=True), path
