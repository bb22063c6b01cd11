"""What the policy reverts is kept while the guard lets it pass, and counted beyond."""

from __future__ import annotations

from datetime import UTC, datetime

from connector.services.drift.policy_reverts import ToRevert
from tests.contract.store import records


def collected(people: int, limit: int) -> ToRevert:
    wanted = ToRevert(datetime.now(UTC), user_count=people, limit=limit)
    for number in range(people):
        for attribute in ("name", "email"):
            wanted.add(records.finding(f"{number}-{attribute}", subject_id=f"user-{number}"))
    return wanted


def test_what_passes_the_guard_is_kept_in_order() -> None:
    wanted = collected(people=2, limit=2)
    assert wanted.finding_ids == ["0-name", "0-email", "1-name", "1-email"]
    assert (wanted.subjects, wanted.findings) == (2, 4)


def test_more_is_counted_and_not_kept() -> None:
    wanted = collected(people=1_000, limit=2)
    assert wanted.finding_ids == []
    assert (wanted.subjects, wanted.findings) == (1_000, 2_000)
