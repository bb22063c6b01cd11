"""Ann, what she holds, and how it is rendered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connector.domain.model import (
    Account,
    Catalogue,
    DirectoryGroup,
    Membership,
    MembershipStatus,
    Profile,
    User,
)
from connector.domain.work_items.items import Direction, WorkItem, WorkItemKind, WorkItemState
from connector.services.mirror.presentation import Presenter
from connector.settings import TenantSettings
from mappings import load_entitlements, load_user_mapping

NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
MAPPING = load_user_mapping()
POLICY = load_entitlements()
KEY = b"k" * 32
ACCOUNTS = {"a1": Account("a1", "Acme"), "a2": Account("a2", "Beta")}
VIEWER = Profile("a1", "1", "Viewer")
CLERKS = DirectoryGroup("a1", "7", "Clerks")
CATALOGUE = Catalogue(
    ACCOUNTS,
    {("a1", "1"): VIEWER, ("a2", "2"): Profile("a2", "2", "Sender")},
    {("a1", "7"): CLERKS},
)
ACTIVE = Membership("a1", MembershipStatus.ACTIVE, "1", frozenset({"7"}), created_at=NOW)
CLOSED = Membership("a2", MembershipStatus.CLOSED, "2", closed_at=NOW)
ANN = User("u1", "Ann@x.com", "Ann Lee", "Ann", "Lee", memberships={"a2": CLOSED, "a1": ACTIVE})
TIMES: dict[str, Any] = {"created_at": NOW, "last_modified_at": NOW}


def presenter(**settings):
    return Presenter(MAPPING, TenantSettings(**settings), POLICY, KEY)


def render(user=ANN, attributes=None, at=NOW, settings=None, **more):
    times = {"created_at": at, "last_modified_at": at}
    return presenter(**(settings or {})).user(user, CATALOGUE, attributes, **times, **more)


def document(row):
    return orjson.loads(row.document)


def task(direction=Direction.GRANT):
    return WorkItem(
        "w1",
        WorkItemKind.MANUAL_TASK,
        "u1",
        "organization-admin",
        direction,
        WorkItemState.OPEN,
        "Grant",
        ("step",),
        None,
        "p1",
        "o1",
        "client:iiq",
        NOW,
        LATER,
        "organization_admin",
    )
