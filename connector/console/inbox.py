"""What waits for people, and for this person first of all."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, principal, session, tenant
from connector.console.users import printable
from connector.domain.ledger import WorkItem, WorkItemKind
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
    """Return what this person can decide, what they have claimed, and what nobody has.

    Approvals come in pages; the tasks stand on the first one, as many as it holds.
    """
    services, me = tenant(), principal()
    approvals, next_after = services.approvals.inbox_page(me, after, PAGE)
    items = list(approvals)
    if session().may_work and not after:
        items += _tasks_of(me.name)
    items.sort(key=lambda item: (item.assignee != me.name, item.created_at))
    people = services.browser.people({item.subject_id for item in items})
    return ItemPage(items, people, next_after)


def _tasks_of(name: str) -> Sequence[WorkItem]:
    """Return a page of what somebody has claimed, before all else, and of what nobody has."""
    browser, after = tenant().browser, ""
    claimed = browser.items(ItemQuery(WorkItemKind.MANUAL_TASK, assignee=name, limit=PAGE))
    found: list[WorkItem] = list(claimed.items)
    while len(found) < PAGE:
        page = browser.items(ItemQuery(WorkItemKind.MANUAL_TASK, after=after, limit=4 * PAGE))
        found += [item for item in page.items if item.assignee is None]
        if page.next_after is None:
            break
        after = page.next_after
    return found[:PAGE]
