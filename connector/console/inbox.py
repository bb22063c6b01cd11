"""What waits for people, and for this person first of all."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, principal, session, tenant
from connector.console.users import printable
from connector.domain.ledger import WorkItemKind
from connector.services.browsing_views import ItemPage, ItemQuery

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
    browser = tenant().browser
    if view == _MINE:
        page = _mine()
    else:
        chosen, after = _VIEWS[view], printable(request.args.get("after", ""))
        page = browser.items(ItemQuery(chosen.kind, chosen.closed, chosen.assignee, after))
    follows = url_for("inbox.show", view=view, after=page.next_after) if page.next_after else None
    return render_template(
        "item_lines.html" if is_fragment() else "inbox.html",
        page=page,
        view=view,
        labels=browser.labels(),
        follows=follows,
    )


def _mine() -> ItemPage:
    """Return what this person can decide, what they have claimed, and what nobody has."""
    services, me = tenant(), principal()
    items = list(services.approvals.inbox(me))
    if session().may_work:
        tasks = services.browser.items(ItemQuery(kind=WorkItemKind.MANUAL_TASK)).items
        items += [item for item in tasks if item.assignee in (None, me.name)]
    items.sort(key=lambda item: (item.assignee != me.name, item.created_at))
    return ItemPage(items, services.browser.people({item.subject_id for item in items}), None)
