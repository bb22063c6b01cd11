"""Every action that the code records has a title in words, and no title is of what none records.

The actions are read out of the code: texts such as ``"plan.recorded"`` among the arguments of
whatever writes events, texts of the use cases that belong to a family that is recorded, and texts
that begin with one (``f"sync.{state}"``), whose members are listed here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import connector
from connector.domain.audit.events import AuditEvent
from connector.domain.audit.titles import TITLES, event_title
from connector.domain.drift.findings import FindingState
from connector.domain.ledger.job_runs import RunState
from connector.domain.work_items.history import Act
from connector.domain.work_items.items import WorkItemState

ACTION = re.compile(r"[a-z_]+\.[a-z_]+")
ROOT = Path(connector.__file__).parent
RECORDERS = {"audit", "_audit", "note", "_note", "_note_in_tenant", "AuditEvent"}
RECORDERS |= {"_put", "_change", "_append", "_event"}
"""What events are written by."""
WRITERS = {
    *("context.py", "journal.py", "tenants/administration.py"),
    *("authentication/api_clients.py", "authentication/console_accounts.py"),
    *("authentication/console_sign_in.py", "authentication/personal_tokens.py"),
    *("authentication/console_sessions.py", "authentication/throttle.py"),
}
"""The use cases that make events themselves; all others go through these."""
NOT_RECORDED = {"audit.anchor", "docusign.private_key"}
"""A fact and a setting that look like actions."""
CLOSED = {f"work_item.{state}" for state in WorkItemState if not state.is_open}
SAYING = ("services", "scim_handlers")
"""The packages that record, beside the record's own module in the domain."""
FAMILIES = {
    "sync": {f"sync.{state}" for state in RunState if state is not RunState.RUNNING},
    "drift": {f"drift.{state}" for state in FindingState if state is not FindingState.OPEN},
    "work_item": {f"work_item.{act}" for act in Act} | CLOSED | {"work_item.decided"},
}
"""By how the text begins, every action that it may become."""


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def actions_in(node: ast.AST) -> set[str]:
    parts = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return {part for part in parts if isinstance(part, str) and ACTION.fullmatch(part)}


def family(action: str) -> str:
    return action.partition(".")[0]


def recorded() -> tuple[set[str], set[str]]:
    """Return the actions that are written as they are, and the families of the others."""
    given: set[str] = set()
    said: set[str] = set()
    families: set[str] = set()
    for path, tree in trees():
        is_record = path.parts[:2] == ("domain", "audit") and path.name != "titles.py"
        if path.parts[0] in SAYING or is_record:
            said |= actions_in(tree)
        for name, call in calls(tree):
            if name not in RECORDERS:
                continue
            for argument in call.args:
                if isinstance(argument, ast.JoinedStr):
                    start = getattr(argument.values[0], "value", "")
                    families |= {family(start)} if isinstance(start, str) else set()
                else:
                    given |= actions_in(argument)
    known = {family(action) for action in (*given, *TITLES)}
    return given | {item for item in said if family(item) in known} - NOT_RECORDED, families


def every_action() -> set[str]:
    actions, families = recorded()
    return actions.union(*(FAMILIES[name] for name in families & FAMILIES.keys()))


def test_every_action_that_is_recorded_has_a_title():
    assert every_action() - TITLES.keys() == set()


def test_no_title_is_of_what_nothing_records():
    assert TITLES.keys() - every_action() == set()


def test_the_actions_are_found_where_they_are_recorded():
    actions, families = recorded()
    assert families >= FAMILIES.keys()
    assert {item for item in families if item in map(family, TITLES)} == FAMILIES.keys()
    assert {"plan.recorded", "consent.lost", "tenant.resumed", "audit.erased"} <= actions
    assert {"docusign.called", "console.signed_in", "client.throttled", "job.paused"} <= actions


def test_whatever_makes_events_is_known():
    making = {
        str(Path(*path.parts[1:]))
        for path, tree in trees()
        for name, _ in calls(tree)
        if name == "AuditEvent" and path.parts[0] != "store"
    }
    assert making == WRITERS


def test_a_title_is_in_words():
    for action, title in TITLES.items():
        assert not ACTION.search(title), action
        assert title[0].isupper() and not title.endswith("."), action


def test_what_is_opened_is_told_by_its_kind():
    def title(kind):
        at = datetime(2026, 3, 2, tzinfo=UTC)
        return event_title(AuditEvent(at, "a", "work_item.opened", "u", "c", data={"kind": kind}))

    assert title("approval") == "An approval was asked for"
    assert title("manual_task") == "A task was opened"
