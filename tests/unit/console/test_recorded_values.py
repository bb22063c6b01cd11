"""Values of records are shown as times and words, not as programs write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.console import filters


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def application(monkeypatch):
    held = type("Held", (), {"clock": Clock()})
    monkeypatch.setattr(filters, "application", lambda: held)


def test_a_time_is_shown_in_utc():
    shown = filters.recorded("2026-03-01T10:00:00+02:00")
    assert "2026-03-01 08:00 UTC" in shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("activation_sent", "activation sent"),
        ("DS_Viewer", "DS_Viewer"),
        ("ada_lee@acme.test", "ada_lee@acme.test"),
        ("<b>", "&lt;b&gt;"),
        ("7", "7"),
    ],
)
def test_a_word_loses_its_underscores_and_anything_else_stays(value, shown):
    assert filters.recorded(value) == shown
