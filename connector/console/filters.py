"""How pages show times, people, states and numbers."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, request, url_for
from markupsafe import Markup

from connector.console.here import application, is_operator, session, tenant, tenant_name
from connector.console.tokens import may_have_tokens
from connector.console.words import (
    act_words,
    actor_words,
    cause_words,
    connection_words,
    lead,
    state_words,
    tone,
    with_quiet_ids,
)
from connector.domain.audit.titles import event_title
from connector.domain.work_items.items import WorkItem, WorkItemKind
from connector.domain.writing import LEAST_WORDS, noun, visible

_STEPS = (
    (timedelta(minutes=1), timedelta(seconds=1), "second"),
    (timedelta(hours=1), timedelta(minutes=1), "minute"),
    (timedelta(days=1), timedelta(hours=1), "hour"),
    (timedelta(days=45), timedelta(days=1), "day"),
    (timedelta(days=730), timedelta(days=30), "month"),
    (timedelta.max, timedelta(days=365), "year"),
)
_JUST_NOW = timedelta(seconds=10)
_WEB = re.compile(r"https?://[^\s<>\"'()]+[^\s<>\"'().,;:!?]")


def install(app: Flask) -> None:
    """Give templates these filters, and what every page shows."""
    app.jinja_env.filters.update(
        act=act_words,
        ago=ago,
        dated=dated,
        linked=linked,
        moment=moment,
        actor=actor_words,
        event_title=event_title,
        cause=cause_words,
        state=state_badge,
        number=number,
        plural=plural,
        lead=lead,
        names=with_quiet_ids,
    )
    app.jinja_env.globals["least_words"] = LEAST_WORDS
    app.jinja_env.tests["overdue"] = is_overdue
    app.jinja_env.finalize = _shown
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(_on_every_page)


def _shown(value: Any) -> Any:
    """Return what a template prints, with what names hide made visible. The replacement has no
    character that means something to HTML."""
    if isinstance(value, Markup):
        return Markup(visible(str(value)))  # noqa: S704 - it was safe before
    return visible(value) if isinstance(value, str) else value


def _on_every_page() -> dict[str, Any]:
    return {
        "person": session,
        "tenant_name": tenant_name(),
        "is_default_tenant": tenant_name() == "default",
        "waiting": _count_waiting,
        "erasures_waiting": _count_erasures,
        "connection_trouble": _connection_trouble,
        "may_have_tokens": may_have_tokens,
        "is_operator": is_operator,
        "item_url": _item_url,
        "here": request.endpoint or "",
    }


def _item_url(item: WorkItem) -> str:
    page = "approvals" if item.kind is WorkItemKind.APPROVAL else "tasks"
    return url_for(f"{page}.show", item_id=item.work_item_id)


def _connection_trouble() -> str:
    return connection_words(tenant().consents.connection())


def _count_waiting() -> int:
    return tenant().browser.count_waiting()


def _count_erasures() -> int:
    """Return how many wait for an administrator, to whom they are nothing to pass by."""
    return tenant().erasures.count_requested() if session().may_administer else 0


def ago(at: datetime | None, empty: str = "never") -> Markup:
    """Return a time as people say it, with the exact one in its title."""
    if at is None:
        return Markup.escape(empty)
    return _time(at, relative(at, application().clock.now()))


def dated(at: datetime | None, empty: str = "never") -> Markup:
    """Return a time as people say it, and the exact one beside it."""
    if at is None:
        return Markup.escape(empty)
    exact = f"{at:%Y-%m-%d %H:%M} UTC"
    return Markup('{} <span class="small quiet nobreak">{}</span>').format(ago(at), exact)


def linked(text: str) -> Markup:
    """Return a text whose web addresses can be followed; those of e-mail stay to be copied."""
    parts, end = Markup(""), 0
    for found in _WEB.finditer(text):
        link = Markup('<a href="{0}" rel="noopener noreferrer">{0}</a>').format(found[0])
        parts += Markup("{}{}").format(text[end : found.start()], link)
        end = found.end()
    return parts + Markup.escape(text[end:])


def moment(at: datetime | None, empty: str = "never") -> Markup:
    """Return the exact time in UTC, with the distance in its title."""
    if at is None:
        return Markup.escape(empty)
    distance = relative(at, application().clock.now())
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), distance, f"{at:%Y-%m-%d %H:%M} UTC"
    )


def _time(at: datetime, words: str) -> Markup:
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%A, %d %B %Y, %H:%M:%S} UTC", words
    )


def relative(at: datetime, now: datetime) -> str:
    """Return the distance in words: ``3 days ago``, ``in 2 hours``."""
    distance = abs(now - at)
    if distance < _JUST_NOW:
        return "just now"
    # 59.6 seconds are a minute, and not 60 seconds.
    _, unit, name = next(step for step in _STEPS if round(distance / step[1]) * step[1] < step[0])
    words = plural(round(distance / unit), name)
    return f"{words} ago" if at < now else f"in {words}"


def is_overdue(at: datetime | None) -> bool:
    """Whether a time is over."""
    return at is not None and at < application().clock.now()


def state_badge(state: str) -> Markup:
    """Return a state as a word with its colour; the word alone says it all."""
    return Markup('<span class="badge {}">{}</span>').format(tone(state), state_words(state))


def number(value: int) -> str:
    """Return a number with narrow spaces between its thousands."""
    return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def plural(count: int, name: str) -> str:
    """Return ``1 day``, ``2 days``."""
    return f"{number(count)} {noun(count, name)}"
