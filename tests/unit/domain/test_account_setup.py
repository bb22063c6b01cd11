"""The steps between an account and a wish, and what they may never do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.account_setup.actual import (
    ADMINISTRATION,
    ActualAccount,
    ActualGroup,
    ActualProfile,
    Member,
)
from connector.domain.account_setup.checks import wish_problems
from connector.domain.account_setup.guards import require_safe
from connector.domain.account_setup.planning import plan_setup
from connector.domain.account_setup.steps import (
    ChangeProfile,
    CreateGroup,
    CreateProfile,
    GrantAdministration,
    RemoveGroup,
    RemoveProfile,
    RevokeAdministration,
)
from connector.domain.account_setup.wish import ProfileRemoval, ProfileWish, Wish
from connector.errors import GuardError

ADMIN = ActualProfile("1", "DS Admin", {ADMINISTRATION: "true"}, 2)
OWN = ActualProfile("2", "Port Admin", {ADMINISTRATION: "true", "x": "1"}, 1)
SENDER = ActualProfile("3", "Port Sender", {ADMINISTRATION: "false"}, 30)
ANN = Member("u1", "ann@example.com", "2", is_admin=True)
BOB = Member("u2", "bob@example.com", "3", is_admin=False)
SERVICE = Member("u0", "service@example.com", "1", is_admin=True)
ACTUAL = ActualAccount(
    "a", [ADMIN, OWN, SENDER], [ActualGroup("g1", "Port")], [ANN, BOB, SERVICE], "u0"
)


def guarded(wish: Wish, actual: ActualAccount = ACTUAL, **options: Any) -> str:
    """Return the guard that refuses a wish, or nothing."""
    given = {"protect_last_admin": True, "limit": 100, "allow_many": False, **options}
    try:
        require_safe(plan_setup(wish, actual), actual, **given)
    except GuardError as error:
        return error.guard
    return ""


def test_an_empty_wish_asks_for_nothing() -> None:
    assert list(plan_setup(Wish(), ACTUAL).steps) == []


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(profiles=[ProfileWish("New", {"x": "1"})]), [CreateProfile("New", {"x": "1"})]),
        (Wish(profiles=[ProfileWish("port admin", {"x": "1"})]), []),
        (
            Wish(profiles=[ProfileWish("Port Admin", {"x": "2", "y": "3"})]),
            [ChangeProfile("2", "Port Admin", {"x": "1", "y": ""}, {"x": "2", "y": "3"}, 1)],
        ),
        (Wish(groups=["PORT", "Harbour"]), [CreateGroup("Harbour")]),
        (Wish(administrators=["ANN@example.com"]), []),
        (
            Wish(administrators=["bob@example.com"]),
            [GrantAdministration("u2", "bob@example.com", "DS Admin")],
        ),
        (
            Wish(administrators=["bob@example.com"], administrator_profile="Port Admin"),
            [GrantAdministration("u2", "bob@example.com", "Port Admin")],
        ),
        (
            Wish(remove_administrators=["ann@example.com", "bob@example.com"]),
            [RevokeAdministration("u1", "ann@example.com")],
        ),
        (Wish(remove_groups=["port", "gone"]), [RemoveGroup("g1", "Port")]),
        (
            Wish(remove_profiles=[ProfileRemoval("Port Sender", "DS Admin"), ProfileRemoval("x")]),
            [RemoveProfile("3", "Port Sender", "1", "DS Admin", 30)],
        ),
    ],
)
def test_the_steps_are_what_differs(wish: Wish, expected: list[object]) -> None:
    assert list(wish_problems(wish, ACTUAL)) == []
    assert list(plan_setup(wish, ACTUAL).steps) == expected


def test_a_plan_is_known_by_its_checksum() -> None:
    one, other = (plan_setup(Wish(groups=[name]), ACTUAL) for name in ("A", "B"))
    assert one.checksum == plan_setup(Wish(groups=["A"]), ACTUAL).checksum
    assert one.checksum != other.checksum


def test_the_last_administrator_stays_one() -> None:
    actual = replace(ACTUAL, members=[ANN, BOB])
    away = Wish(remove_administrators=["ann@example.com"])
    weaker = Wish(profiles=[ProfileWish("Port Admin", {ADMINISTRATION: "false"})])
    moved = Wish(remove_profiles=[ProfileRemoval("Port Admin", "Port Sender")])
    for wish in (away, weaker, moved):
        assert guarded(wish, actual) == "last_admin"
        assert guarded(wish, actual, protect_last_admin=False) == ""
        assert guarded(wish) == ""
    kept = Wish(remove_profiles=[ProfileRemoval("Port Admin", "DS Admin")])
    assert guarded(kept, actual) == ""


def test_the_service_user_stays_in_power() -> None:
    assert guarded(Wish(remove_administrators=["service@example.com"])) == "service_user"
    actual = replace(ACTUAL, members=[ANN, replace(SERVICE, profile_id="2"), BOB])
    weaker = Wish(profiles=[ProfileWish("Port Admin", {ADMINISTRATION: "false"})])
    assert guarded(weaker, actual, protect_last_admin=False) == "service_user"


def test_the_people_behind_a_profile_count() -> None:
    wish = Wish(profiles=[ProfileWish("Port Sender", {"x": "1"})])
    assert plan_setup(wish, ACTUAL).affected == 30
    assert guarded(wish, limit=29) == "max_affected"
    assert guarded(wish, limit=30) == ""
    assert guarded(wish, limit=0, allow_many=True) == ""
