"""Which user of an address SCIM shows: a truth table."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.mirror.visibility import visible_user_ids
from connector.domain.model import MembershipStatus
from connector.settings import ProvisioningSettings
from tests.builders import closed, membership, user

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def days_ago(days):
    return NOW - timedelta(days=days)


OPEN = user(membership("A"), user_id="open", created_at=days_ago(9))
NEWER = user(membership("A"), user_id="newer", created_at=days_ago(1))
PENDING = user(membership("A", status=MembershipStatus.ACTIVATION_SENT), user_id="pending")
RECENT = user(closed("A", closed_at=days_ago(10)), user_id="recent")
OLD = user(closed("A", closed_at=days_ago(100)), user_id="old")
UNDATED = user(closed("A"), user_id="undated")
DISABLED = user(membership("A", status=MembershipStatus.DISABLED), user_id="disabled")
SINCE = user(closed("A", closed_at=days_ago(3)), user_id="since")
SUCCESSOR = user(closed("A"), user_id="successor", created_at=days_ago(3))
DELETED_AT = days_ago(5)
GONE = user(user_id="gone")


@pytest.mark.parametrize(
    ("users", "deleted", "listed", "shown"),
    [
        ([], [], "all", None),
        ([OPEN], [], "all", "open"),
        ([OPEN], [], "none", "open"),
        ([OPEN], ["open"], "all", "open"),
        ([OPEN, RECENT], [], "all", "open"),
        ([RECENT, OPEN], [], "all", "open"),
        ([OPEN, NEWER], [], "all", "newer"),
        ([PENDING, RECENT], [], "all", "pending"),
        ([OLD, RECENT], [], "all", "recent"),
        ([RECENT, OLD], [], "all", "recent"),
        ([UNDATED, OLD], [], "all", "old"),
        ([OLD, RECENT], ["recent"], "all", None),
        ([OLD, RECENT], ["old"], "all", None),
        ([OLD, SINCE], ["old"], "all", "since"),
        ([OLD, SUCCESSOR], ["old"], "all", "successor"),
        ([OLD, OPEN], ["old"], "all", "open"),
        ([OLD, DISABLED], ["old"], "all", "disabled"),
        ([RECENT, SINCE], ["recent", "since"], "all", None),
        ([RECENT], ["recent"], "all", None),
        ([DISABLED], [], "all", "disabled"),
        ([GONE], [], "all", "gone"),
        ([RECENT], [], "recent", "recent"),
        ([OLD], [], "recent", None),
        ([UNDATED], [], "recent", None),
        ([RECENT, OLD], [], "none", None),
    ],
)
def test_at_most_one_user_of_an_address_is_shown(users, deleted, listed, shown):
    settings = ProvisioningSettings(closed_users=listed)
    deletions = dict.fromkeys(deleted, DELETED_AT)
    assert visible_user_ids(users, deletions, settings, NOW) == ({shown} if shown else set())
