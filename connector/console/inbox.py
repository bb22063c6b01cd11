"""What waits for people, and for this person first of all."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, principal, tenant
from connector.console.users import printable
from connector.domain.work_items.items import WorkItemKind
from connector.services.browsing.browser import PAGE
from connector.services.browsing.views import ItemPage, ItemQuery

blueprint = Blueprint("inbox", __name__)

_VIEWS = {
    "all": ItemQuery(),
    "approvals": ItemQuery(kind=WorkItemKind.APPROVAL),
    "tasks": ItemQuery(kind=WorkItemKind.MANUAL_TASK),
    "closed": ItemQuery(closed=True),
}
_MINE = "mine"


@blueprint.get("/")
def show() -> str | BaseResponse:
    """Show a page of work items; without a word what waits for this person."""
    view = request.args.get("view", _MINE)
    if view not in _VIEWS and view != _MINE:
        return redirect(url_for("inbox.show"))
    browser, after = tenant().browser, printable(request.args.get("after", ""))
    if view == _MINE:
        page = _mine(after)
    else:
        chosen = _VIEWS[view]
        page = browser.items(ItemQuery(chosen.kind, chosen.closed, chosen.assignee, after))
    follows = url_for("inbox.show", view=view, after=page.next_after) if page.next_after else None
    return render_template(
        "item_lines.html" if is_fragment() else "inbox.html",
        page=page,
        view=view,
        labels=browser.labels(),
        follows=follows,
    )


def _mine(after: str) -> ItemPage:
    """Return what this person has claimed, can decide, or could take up."""
    services = tenant()
    items, next_after = services.inbox.page(principal(), after, PAGE)
    people = services.browser.people({item.subject_id for item in items})
    return ItemPage(items, people, next_after)
