"""What counts as a check of a change, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connector.domain.audit.events import AuditEvent
from connector.domain.audit.story import Story
from connector.domain.work_items.items import Direction

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
USER = "/v2.1/accounts/{account_id}/users/{user_id}"


def event(sequence: int, action: str, **data: Any) -> AuditEvent:
    return AuditEvent(AT, "user:ann", action, "u", correlation_id="c", data=data, sequence=sequence)


def story(*paths: tuple[str, str]) -> Story:
    calls = [
        event(number, "docusign.called", method=method, path=path)
        for number, (method, path) in enumerate(paths, start=2)
    ]
    return Story(Direction.GRANT, "p", [event(1, "plan.recorded"), *calls])


@pytest.mark.parametrize(
    "path", ["/oauth/userinfo", "/v2/organizations/{organization_id}/reserved_domains"]
)
def test_a_read_that_shows_nobody_checks_nothing(path: str) -> None:
    told = story(("PUT", USER), ("GET", path))
    assert told.checked == []
    assert [item.data["method"] for item in told.done] == ["PUT"]


@pytest.mark.parametrize(
    "path",
    [
        USER,
        "/v2/organizations/{organization_id}/users/profile",
        "/v2.1/accounts/{account_id}/groups/{group_id}/users",
    ],
)
def test_what_shows_people_after_the_change_checks_it(path: str) -> None:
    told = story(("GET", path), ("PUT", USER), ("GET", path))
    assert [item.sequence for item in told.checked] == [4]


def test_what_is_opened_because_it_failed_is_not_asked_for():
    told = [
        event(1, "plan.recorded", reason="New head"),
        event(2, "plan.failed", reason="DocuSign said no"),
        event(3, "work_item.opened", work_item="i", kind="manual_task", comment="DocuSign said no"),
        event(4, "work_item.claimed", work_item="i"),
        event(5, "work_item.rejected", work_item="i", comment="Not here"),
    ]
    story = Story(Direction.GRANT, "p", told)
    assert [item.sequence for item in story.asked] == [1] and story.reasons == ["New head"]
    assert [item.sequence for item in story.done] == [2, 3, 4]
    assert [item.sequence for item in story.decided] == [5]
