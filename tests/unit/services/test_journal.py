"""Notes of the audit that wait for a transaction."""

from __future__ import annotations

from connector.services.journal import Journal
from tests.connector import ManualClock


def test_no_note_is_too_long_for_an_index():
    journal = Journal(ManualClock())

    journal.note("default", "scim.request", "/Users/" + "x" * 5_000, {})

    [event] = journal.take("default")
    assert len(event.subject) == 400
    assert event.subject.startswith("/Users/xxx")


def test_notes_that_are_put_back_come_before_later_ones():
    journal = Journal(ManualClock())
    journal.note("default", "first", "", {})
    taken = journal.take("default")
    journal.note("default", "second", "", {})

    journal.put_back("default", taken)

    assert [event.action for event in journal.take("default")] == ["first", "second"]
