"""Reports of findings: a table for spreadsheets, and one page of HTML to mail."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from html import escape

from connector.domain.writing import counted
from connector.services.drift.desk import FindingView

_COLUMNS = (
    *("id", "class", "state", "title", "subject", "account", "entitlement", "attribute"),
    *("policy", "first_seen_at", "last_seen_at", "suggested_plan", "decided_by", "reason"),
    *("problem",),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;color:#1d2129}"
    "h1{font-size:1.5em}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4em .6em;border-bottom:1px solid #d7dbe0;vertical-align:top}"
    "td.n{text-align:right}.q{color:#5b6470}"
)


def to_csv(views: Sequence[FindingView]) -> str:
    """Return a table; no cell is a formula for whoever opens it in a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for view in views:
        item = view.finding
        values = (
            *(item.finding_id, item.kind, item.state, view.title, item.subject_id),
            *(item.account_id, item.entitlement, item.attribute, item.remedy),
            *(item.first_seen_at.isoformat(), item.last_seen_at.isoformat()),
            *("; ".join(view.steps), item.decided_by, item.reason, item.problem),
        )
        writer.writerow([_plain(str(value or "")) for value in values])
    return text.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def to_html(views: Sequence[FindingView], tenant: str, now: datetime, link: str) -> str:
    """Return one page without scripts and without anything to load, as mail programs show it.

    :param link: the console's page of findings.
    """
    counts = Counter(view.finding.kind for view in views)
    rows = "".join(_row(view) for view in views)
    summary = "".join(
        f"<tr><td>{escape(_words(kind))}</td><td class=n>{number:,}</td></tr>"
        for kind, number in counts.most_common()
    )
    head = "<tr><th>What</th><th>Class</th><th>State</th><th>Since</th><th>Puts it right</th></tr>"
    body = (
        f"<table>{summary}</table><h2>Findings</h2><table>{head}{rows}</table>"
        if views
        else "<p>DocuSign is as expected: no finding.</p>"
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Drift of {escape(tenant)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>DocuSign against what is expected: {counted(len(views), 'finding')}</h1>"
        f"<p class=q>Tenant {escape(tenant)}, {now:%Y-%m-%d %H:%M} UTC. "
        f'<a href="{escape(link, quote=True)}">Open the console</a></p>{body}</body></html>\n'
    )


def _row(view: FindingView) -> str:
    item = view.finding
    steps = "<br>".join(map(escape, view.steps)) or "only in DocuSign, or accept it"
    cells = (escape(view.title), escape(_words(item.kind)), escape(_words(item.state)))
    since = f"{item.first_seen_at:%Y-%m-%d}"
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, since, steps)) + "</tr>"


def _words(value: str) -> str:
    return str(value).replace("_", " ")
