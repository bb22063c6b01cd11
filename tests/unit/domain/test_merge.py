"""How what one account shows joins what is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connector.domain.mirror.merge import (
    keep_own_groups,
    merge_member,
    merge_person,
    unseen_between,
    without_membership,
)
from connector.domain.model import MembershipStatus
from tests.builders import SENDER, VIEWER, closed, membership, user

EARLY, LATE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


def test_stranger_is_taken_as_seen():
    seen = user(membership("A"))
    assert merge_member(None, seen) == seen


def test_other_memberships_stay():
    merged = merge_member(user(membership("A"), membership("B")), user(membership("B", SENDER)))
    assert merged.memberships == {"A": membership("A"), "B": membership("B", SENDER)}


def test_names_come_from_an_open_membership():
    merged = merge_member(user(membership("A")), user(membership("B"), last_name="New"))
    assert merged.last_name == "New"


def test_closed_membership_does_not_bring_old_names_back():
    merged = merge_member(user(membership("A")), user(closed("B"), last_name="Old"))
    assert merged.last_name == "Lee"
    assert merged.memberships["B"] == closed("B")


def test_names_of_somebody_closed_everywhere_come_from_what_is_seen():
    merged = merge_member(user(closed("A")), user(closed("A"), last_name="New"))
    assert merged.last_name == "New"


@pytest.mark.parametrize(("with_groups", "kept"), [(True, set()), (False, {"7"})])
def test_list_without_groups_leaves_the_known_ones(with_groups, kept):
    known = user(membership("A", group_ids=frozenset({"7"})))
    merged = merge_member(known, user(membership("A")), with_groups=with_groups)
    assert merged.memberships["A"].group_ids == kept


def test_list_without_groups_gives_a_new_membership_none():
    merged = merge_member(user(membership("A")), user(membership("B")), with_groups=False)
    assert merged.memberships["B"].group_ids == frozenset()


def test_what_only_the_admin_api_shows_stays():
    known = user(membership(), is_organization_admin=True, organization_admin_verified_at=EARLY)
    merged = merge_member(replace(known, site_id=4), user(membership()))
    assert (merged.is_organization_admin, merged.organization_admin_verified_at) == (True, EARLY)
    assert merged.site_id == 4


@pytest.mark.parametrize(
    ("known", "seen", "merged"),
    [(LATE, EARLY, EARLY), (EARLY, LATE, EARLY), (None, LATE, LATE), (None, None, None)],
)
def test_person_is_as_old_as_their_first_membership(known, seen, merged):
    result = merge_member(
        user(membership("A"), created_at=known), user(membership("B"), created_at=seen)
    )
    assert result.created_at == merged


def test_merging_twice_changes_nothing():
    seen = user(closed("B", VIEWER), last_name="Old")
    once = merge_member(user(membership("A")), seen)
    assert merge_member(once, seen) == once


def test_one_membership_goes():
    changed = without_membership(user(membership("A"), membership("B")), "A")
    assert set(changed.memberships) == {"B"}


def test_missing_membership_goes_without_error():
    assert without_membership(user(membership("A")), "B") == user(membership("A"))


def test_admin_api_does_not_speak_for_memberships():
    person = user(closed("A"), is_organization_admin=True, site_id=2)
    merged = merge_person(user(membership("A")), person)
    assert merged.memberships["A"] == membership("A")
    assert (merged.is_organization_admin, merged.site_id) == (True, 2)


PENDING = MembershipStatus.ACTIVATION_SENT


@pytest.mark.parametrize("status", [PENDING, MembershipStatus.CLOSED])
def test_hidden_profile_stays_known(status):
    merged = merge_member(user(membership("A", SENDER)), user(membership("A", None, status)))
    assert merged.memberships["A"] == membership("A", SENDER, status)


def test_active_membership_that_shows_no_profile_has_none():
    merged = merge_member(user(membership("A", SENDER)), user(membership("A", None)))
    assert merged.memberships["A"].profile_id is None


def at_work(account, job_title, **more):
    """Return what an account shows of a person, whose job title there is its own."""
    return user(membership(account, job_title=job_title, company="", **more), job_title=job_title)


def test_the_job_title_is_that_of_the_first_account_whichever_is_read_last():
    a, b = at_work("A", "Clerk"), at_work("B", "Director")
    both = merge_member(merge_member(None, a), b)
    assert both.job_title == "Clerk"
    assert merge_member(merge_member(None, b), a).job_title == "Clerk"
    assert merge_member(both, b) == merge_member(both, a) == both


def test_the_job_title_is_the_next_accounts_where_the_first_is_closed_or_gone():
    both = merge_member(at_work("A", "Clerk"), at_work("B", "Director"))
    shut = user(closed("A", job_title="Clerk", company=""), job_title="Clerk")
    assert merge_member(both, shut).job_title == "Director"
    assert without_membership(both, "A").job_title == "Director"


def test_what_shows_no_job_title_leaves_the_known_one():
    known = at_work("A", "Clerk")
    assert merge_member(known, user(membership("A"))).memberships["A"].job_title == "Clerk"


LAG = timedelta(seconds=2)


@pytest.mark.parametrize(
    ("after", "groups"),
    [
        (timedelta(0), {"ours"}),
        (timedelta(seconds=1.9), {"ours"}),
        (LAG, {"seen"}),
        # Another machine wrote, whose clock is ahead.
        (timedelta(seconds=-1), {"ours"}),
        (-LAG, {"seen"}),
    ],
)
def test_a_read_just_after_our_own_change_of_groups_does_not_undo_it(after, groups):
    ours = membership(group_ids=frozenset({"ours"}), groups_written_at=EARLY)
    seen = membership(profile=SENDER, group_ids=frozenset({"seen"}))
    unseen = unseen_between(EARLY + after, EARLY + after, LAG)
    (kept,) = keep_own_groups(user(ours), user(seen), unseen).memberships.values()
    assert kept == replace(seen, group_ids=frozenset(groups))
    assert kept.groups_written_at == EARLY


def test_how_long_a_list_took_does_not_make_it_know_our_change():
    ours = membership(group_ids=frozenset({"ours"}), groups_written_at=EARLY)
    unseen = unseen_between(EARLY, EARLY + timedelta(minutes=1), LAG)
    seen = membership(group_ids=frozenset({"seen"}))
    (kept,) = keep_own_groups(user(ours), user(seen), unseen).memberships.values()
    assert kept.group_ids == {"ours"}


@pytest.mark.parametrize(
    ("known", "seen"),
    [(membership, closed), (closed, membership), (None, membership)],
    ids=["closed", "came back", "new"],
)
def test_groups_of_who_was_closed_or_came_back_are_as_read(known, seen):
    ours = {"group_ids": frozenset({"ours"}), "groups_written_at": EARLY}
    read = user(seen(group_ids=frozenset({"seen"})))
    before = user(known(**ours)) if known else None
    assert keep_own_groups(before, read, unseen_between(EARLY, EARLY, LAG)) == read
