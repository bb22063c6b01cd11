"""From desired and actual to a plan."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.model import DirectoryGroup
from connector.domain.plan import (
    CloseMembership,
    CreateMembership,
    ReopenMembership,
    operation_from_dict,
)
from connector.domain.planning import (
    ActualUser,
    Addresses,
    Remembered,
    plan_creation,
    plan_deletion,
    plan_user,
)
from connector.errors import InvalidRequestError, TemporaryError
from tests.builders import ADMIN, PERSON, SENDER, VIEWER, book, closed, desired, membership, user

CLAIMED = Addresses(frozenset({"example.com"}))
MOVED = replace(PERSON, email="lee@example.com")


def planned(wish, person, addresses=CLAIMED, **ledger):
    plan = plan_user(wish, ActualUser(person, **ledger), book(), addresses)
    return [
        (step.kind, getattr(step, "account_id", ""), getattr(step, "profile_id", ""))
        for step in plan
    ]


def test_nothing_changes_where_everything_is_held():
    assert planned(desired(("A", SENDER)), user(membership("A", SENDER))) == []


def test_second_profile_replaces_the_first():
    wish = desired(("A", SENDER), ("A", ADMIN))
    assert planned(wish, user(membership("A", SENDER))) == [("set_profile", "A", ADMIN)]


def test_revoking_an_elevated_profile_falls_back_to_the_baseline():
    wish = replace(desired(), profiles=frozenset())
    assert planned(wish, user(membership("A", ADMIN))) == [("set_profile", "A", VIEWER)]


def test_revoking_the_baseline_closes_the_membership():
    wish = replace(desired(), profiles=frozenset())
    assert planned(wish, user(membership("A", VIEWER))) == [("close_membership", "A", "")]


def test_a_full_list_closes_what_it_leaves_out():
    wish = desired(("B", SENDER), exact=True)
    person = user(membership("A", ADMIN), membership("B", SENDER))
    assert planned(wish, person) == [("close_membership", "A", "")]


def test_a_membership_whose_profile_docusign_hides_is_not_taken():
    person = user(membership("A", None), membership("B", VIEWER))
    assert planned(desired(("B", SENDER), exact=True), person) == [("set_profile", "B", SENDER)]


def test_enabling_with_a_full_list_gives_back_nothing_else():
    person = user(closed("A", SENDER), closed("B", SENDER))
    wish = desired(("A", VIEWER), active=True, exact=True)
    assert planned(wish, person) == [("reopen_membership", "A", VIEWER)]


def test_joining_comes_before_leaving():
    wish = desired(("B", SENDER))
    assert planned(wish, user(membership("A", VIEWER))) == [
        ("create_membership", "B", SENDER),
        ("close_membership", "A", ""),
    ]


def test_two_profiles_for_one_account_contradict_each_other():
    with pytest.raises(InvalidRequestError, match="exactly one"):
        planned(desired(("A", SENDER), ("A", ADMIN), exact=True), user(membership()))


def test_disabling_closes_every_open_membership():
    person = user(membership("A"), closed("B"))
    assert planned(desired(active=False), person) == [("close_membership", "A", "")]


def test_enabling_gives_back_what_was_remembered():
    remembered = {"A": Remembered(SENDER, ("7",))}
    again = planned(desired(active=True), user(closed("A")), remembered=remembered)
    assert again == [("reopen_membership", "A", SENDER)]


def test_enabling_gives_back_the_groups_that_still_exist():
    there = {("A", "7"): DirectoryGroup("A", "7", "Legal")}
    accounts = book()
    accounts = replace(accounts, catalogue=replace(accounts.catalogue, groups=there))
    person = ActualUser(user(closed("A")), remembered={"A": Remembered(SENDER, ("7", "8"))})
    (step,) = plan_user(desired(active=True), person, accounts, CLAIMED)
    assert isinstance(step, ReopenMembership)
    assert step.group_ids == ("7",)


def test_grants_to_the_inactive_are_refused():
    with pytest.raises(InvalidRequestError, match="inactive"):
        planned(desired(("A", SENDER)), user(closed()))


def test_address_changes_within_claimed_domains_only():
    with pytest.raises(InvalidRequestError, match="claimed"):
        planned(desired(person=MOVED), user(membership()), Addresses(frozenset()))


def test_address_waits_while_claimed_domains_are_unknown():
    with pytest.raises(TemporaryError):
        planned(desired(person=MOVED), user(membership()), Addresses(None))


def test_without_entitlements_one_joins_the_default_account_with_its_baseline():
    (step,) = plan_creation(desired(), book(), CLAIMED)
    assert isinstance(step, CreateMembership)
    assert (step.account_id, step.profile_id) == ("A", VIEWER)


def test_deletion_strips_closed_memberships_too():
    plan = plan_deletion(ActualUser(user(membership("A"), closed("B"))))
    closings = [step for step in plan if isinstance(step, CloseMembership)]
    assert [(step.account_id, step.strip) for step in closings] == [("A", True), ("B", True)]
    assert len(closings) == len(plan)


profiles = st.sampled_from([VIEWER, SENDER, ADMIN])
held = st.dictionaries(st.sampled_from("AB"), st.tuples(profiles, st.booleans()), min_size=1)
wanted = st.dictionaries(st.sampled_from("AB"), profiles, min_size=1)


def person_holding(state):
    return user(*(membership(a, p) if opened else closed(a, p) for a, (p, opened) in state.items()))


def carried_out(state, steps):
    """Return the state after the steps, in a model with nothing but profiles and closing."""
    state = dict(state)
    for step in steps:
        if step.kind == "close_membership":
            state[step.account_id] = (state[step.account_id][0], False)
        else:
            state[step.account_id] = (step.profile_id, True)
    return state


@given(held, wanted)
def test_a_full_list_leads_to_what_it_says_and_then_to_nothing(state, wish):
    aim = desired(*wish.items(), active=True, exact=True)
    plan = plan_user(aim, ActualUser(person_holding(state)), book(), CLAIMED)
    result = carried_out(state, plan)
    assert {a: p for a, (p, opened) in result.items() if opened} == wish
    assert not plan_user(aim, ActualUser(person_holding(result)), book(), CLAIMED)


@given(held, wanted)
def test_any_prefix_gives_only_what_was_held_or_asked_for_or_a_plain_membership(state, wish):
    aim = desired(*wish.items(), active=True, exact=True)
    known = {(a, p) for a, (p, opened) in state.items() if opened} | set(wish.items())
    # A closed person is open for a moment where they were: DocuSign joins only open ones.
    known |= {(a, VIEWER) for a in state}
    plan = plan_user(aim, ActualUser(person_holding(state)), book(), CLAIMED)
    for length in range(len(plan) + 1):
        after = carried_out(state, plan.operations[:length])
        assert {(a, p) for a, (p, opened) in after.items() if opened} <= known


@given(held, wanted)
def test_operations_survive_the_ledger(state, wish):
    aim = desired(*wish.items(), active=True, exact=True)
    plan = plan_user(aim, ActualUser(person_holding(state)), book(), CLAIMED)
    texts = [json.dumps(step.to_dict()) for step in plan]
    assert [operation_from_dict(json.loads(text)) for text in texts] == list(plan)
