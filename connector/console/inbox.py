"""What waits for people, and for this person first of all."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from connector.console.here import is_fragment, principal, session, tenant
from connector.console.users import printable
from connector.domain.work_items.items import WorkItemFilter, WorkItemKind
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
_FIELDS = ("person", "what", "by")


@blueprint.get("/")
def show() -> str | BaseResponse:
    """Show a page of work items; without a word what waits for this person."""
    view = request.args.get("view", _MINE)
    if view not in _VIEWS and view != _MINE:
        return redirect(url_for("inbox.show"))
    browser, after = tenant().browser, printable(request.args.get("after", ""))
    given = {name: printable(request.args.get(name, "")).strip() for name in _FIELDS}
    kept = {name: text for name, text in given.items() if text}
    wanted = WorkItemFilter(given["person"], given["what"], given["by"])
    if view == _MINE:
        page = _mine(after, wanted)
    else:
        page = browser.items(replace(_VIEWS[view], wanted=wanted, after=after))
    approvals = tenant().approvals
    few = approvals.without_deciders(page.items)
    everywhere = approvals.count_without_deciders() if _is_administrators_first(view, after) else 0
    follows = None
    if page.next_after:
        query = urlencode({"view": view, **kept, "after": page.next_after})
        follows = f"{url_for('inbox.show')}?{query}"
    return render_template(
        "item_lines.html" if is_fragment() else "inbox.html",
        page=page,
        view=view,
        kept=kept,
        is_first=not after,
        labels=browser.labels(),
        few=few,
        few_everywhere=everywhere,
        follows=follows,
    )


@blueprint.get("/tasks")
@blueprint.get("/approvals")
def lists() -> BaseResponse:
    """Lead to the list of a kind, where the address of one of its pages was shortened."""
    return redirect(url_for("inbox.show", view=request.path.rpartition("/")[2]))


def _is_administrators_first(view: str, after: str) -> bool:
    """Whether an administrator opens their inbox: they can mend what nobody can decide."""
    return view == _MINE and not after and session().may_administer


def _mine(after: str, wanted: WorkItemFilter) -> ItemPage:
    """Return what this person has claimed, can decide, or could take up."""
    services = tenant()
    items, next_after = services.inbox.page(principal(), after, PAGE, wanted=wanted)
    people = services.browser.people({item.subject_id for item in items})
    # Who can decide is asked of each item, so that more than a page is not counted.
    total = None if after or next_after else len(items)
    return ItemPage(items, people, next_after, total)
