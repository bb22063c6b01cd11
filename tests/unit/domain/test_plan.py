"""A change as an object: undone, compared, kept and read again."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.domain.model import Account, Catalogue, DirectoryGroup, Profile, User
from connector.domain.naming.names import Names
from connector.domain.plan import (
    NEWCOMER,
    OPERATION_TYPES,
    AddGroupMembers,
    ChangeEmail,
    CloseMembership,
    CreateGroup,
    CreateMembership,
    DeleteGroup,
    EndHandOver,
    GrantRole,
    HandOverEnvelopes,
    Person,
    Plan,
    RemoveGroupMembers,
    RenameGroup,
    ReopenMembership,
    RevokeRole,
    SetProfile,
    TakeCustody,
    UpdatePerson,
    operation_from_dict,
    with_subject_id,
)
from connector.settings import AccountSettings
from tests.builders import PERSON, SENDER, VIEWER

REOPEN = ReopenMembership("A", "u1", PERSON, VIEWER, ("7",))


@pytest.mark.parametrize(
    ("step", "inverse"),
    [
        (CreateMembership("A", PERSON, VIEWER), None),
        (
            CreateMembership("A", PERSON, VIEWER, user_id="u1"),
            CloseMembership("A", "u1", strip=True),
        ),
        (REOPEN, CloseMembership("A", "u1")),
        (CloseMembership("A", "u1"), None),
        (CloseMembership("A", "u1", reopen=REOPEN), REOPEN),
        (CloseMembership("A", "u1", strip=True, reopen=REOPEN), REOPEN),
        (SetProfile("A", "u1", SENDER), None),
        (SetProfile("A", "u1", SENDER, VIEWER), SetProfile("A", "u1", VIEWER, SENDER)),
        (
            UpdatePerson("A", "u1", {"company": "New"}, {"company": "Old"}),
            UpdatePerson("A", "u1", {"company": "Old"}, {"company": "New"}),
        ),
        (ChangeEmail("u1", "b@x.com", "a@x.com", 4), ChangeEmail("u1", "a@x.com", "b@x.com", 4)),
        (AddGroupMembers("A", "7", ("u1",)), RemoveGroupMembers("A", "7", ("u1",))),
        (RemoveGroupMembers("A", "7", ("u1",)), AddGroupMembers("A", "7", ("u1",))),
        (CreateGroup("A", "Clerks"), None),
        (CreateGroup("A", "Clerks", "7"), DeleteGroup("A", "7", "Clerks")),
        (RenameGroup("A", "7", "New", "Old"), RenameGroup("A", "7", "Old", "New")),
        (DeleteGroup("A", "7", "Clerks"), None),
        (GrantRole("u1", "boss"), RevokeRole("u1", "boss")),
        (HandOverEnvelopes("A", "u1", "u2"), None),
        (HandOverEnvelopes("A", "u1", "u2", "r"), EndHandOver("A", "u1", "r", "u2")),
        (EndHandOver("A", "u1", "r", "u2"), HandOverEnvelopes("A", "u1", "u2")),
        (TakeCustody("A", "u1", "b@x.com"), None),
        (RevokeRole("u1", "boss"), GrantRole("u1", "boss")),
    ],
)
def test_inverse_undoes_a_step_where_anything_does(step, inverse):
    assert step.inverse() == inverse


texts = st.text(max_size=12)
identifiers = st.text("abcdef0123456789-", min_size=1, max_size=8)
people = st.builds(Person, *[texts] * 8)
lists = st.lists(identifiers, max_size=4).map(tuple)
changes = st.dictionaries(st.sampled_from(["first_name", "company"]), texts, max_size=2)
reopenings = st.builds(ReopenMembership, identifiers, identifiers, people, identifiers, lists)
STEPS = {
    CreateMembership: st.builds(
        CreateMembership,
        identifiers,
        people,
        identifiers,
        lists,
        st.none() | identifiers,
        st.booleans(),
    ),
    ReopenMembership: reopenings,
    CloseMembership: st.builds(
        CloseMembership, identifiers, identifiers, st.booleans(), st.none() | reopenings
    ),
    SetProfile: st.builds(
        SetProfile, identifiers, identifiers, identifiers, st.none() | identifiers
    ),
    UpdatePerson: st.builds(UpdatePerson, identifiers, identifiers, changes, changes),
    ChangeEmail: st.builds(ChangeEmail, identifiers, texts, texts, st.none() | st.integers(0)),
    AddGroupMembers: st.builds(AddGroupMembers, identifiers, identifiers, lists),
    RemoveGroupMembers: st.builds(RemoveGroupMembers, identifiers, identifiers, lists),
    CreateGroup: st.builds(CreateGroup, identifiers, texts, st.none() | identifiers),
    RenameGroup: st.builds(RenameGroup, identifiers, identifiers, texts, texts),
    DeleteGroup: st.builds(DeleteGroup, identifiers, identifiers, texts),
    GrantRole: st.builds(GrantRole, st.none() | identifiers, texts),
    RevokeRole: st.builds(RevokeRole, st.none() | identifiers, texts),
    HandOverEnvelopes: st.builds(
        HandOverEnvelopes, identifiers, identifiers, identifiers, st.none() | identifiers
    ),
    EndHandOver: st.builds(EndHandOver, identifiers, identifiers, identifiers, identifiers),
    TakeCustody: st.builds(TakeCustody, identifiers, identifiers, texts),
}
steps = st.one_of(*STEPS.values())


def kept_and_read(step):
    return operation_from_dict(json.loads(json.dumps(step.to_dict())))


def test_every_kind_of_operation_is_among_the_examples():
    assert set(STEPS) == set(OPERATION_TYPES.values())


@given(steps)
def test_step_survives_the_ledger(step):
    assert kept_and_read(step) == step


@given(steps)
def test_inverse_survives_the_ledger(step):
    inverse = step.inverse()
    assert inverse is None or kept_and_read(inverse) == inverse


@given(st.lists(steps, max_size=4))
def test_plan_read_again_has_the_same_checksum(listed):
    plan = Plan(tuple(listed))
    assert Plan(tuple(kept_and_read(step) for step in plan)).checksum == plan.checksum


@given(steps)
def test_every_step_is_described_in_one_line(step):
    assert Plan((step,)).describe() == [step.describe()]
    assert step.describe()


def test_step_of_a_newer_version_is_not_guessed():
    with pytest.raises(KeyError):
        operation_from_dict({"kind": "teleport_user", "user_id": "u1"})


def test_member_of_a_newer_version_is_passed_over():
    step = SetProfile("A", "u1", SENDER)
    assert operation_from_dict({**step.to_dict(), "urgent": True}) == step


def test_checksum_depends_on_content_and_order():
    first, second = SetProfile("A", "u1", SENDER), SetProfile("B", "u1", SENDER)
    plans = [Plan((first, second)), Plan((second, first)), Plan((first,)), Plan()]
    assert len({plan.checksum for plan in plans}) == 4
    assert Plan((replace(first), second)).checksum == plans[0].checksum


def test_plan_without_steps_is_false():
    assert (bool(Plan()), len(Plan()), bool(Plan((REOPEN,)))) == (False, 0, True)


NAMES = Names(
    Catalogue(
        accounts={"A": Account("A", "Acme Corp"), "B": Account("B", "Acme Labs")},
        profiles={("A", VIEWER): Profile("A", VIEWER, "Viewer")},
        groups={("A", "7"): DirectoryGroup("A", "7", "Clerks")},
    ),
    {f"u{number}": User(f"u{number}", f"{number}@x.com", "Ann Lee") for number in range(1, 8)},
    (AccountSettings("A", "main"), AccountSettings("B")),
)


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (
            CreateMembership("A", PERSON, VIEWER),
            f"join {PERSON.email} to account main (A) as profile Viewer ({VIEWER})",
        ),
        (
            SetProfile("A", "u1", "gone", VIEWER),
            f"change the profile of 1@x.com (u1) in account main (A): Viewer ({VIEWER}) -> gone",
        ),
        (
            CloseMembership("B", "u1"),
            "close the membership of 1@x.com (u1) in account Acme Labs (B)",
        ),
        (CloseMembership("C", NEWCOMER), "close the membership of the new user in account C"),
        (
            UpdatePerson("A", "u9", {"company": "New"}, {"company": "Old"}),
            "change company 'Old' -> 'New' of u9 in account main (A)",
        ),
        (
            AddGroupMembers("A", "7", ("u1", "u2")),
            "add to group Clerks (7) of account main (A): 1@x.com (u1), 2@x.com (u2)",
        ),
        (GrantRole(None, "boss"), "grant the role boss to the new user"),
    ],
)
def test_a_description_names_what_it_has_ids_of(step, line):
    assert step.describe(NAMES) == line


def test_of_many_members_the_first_are_named_and_the_others_counted():
    step = RemoveGroupMembers("A", "7", tuple(f"u{number}" for number in range(1, 8)))
    assert step.describe(NAMES).endswith("4@x.com (u4), 5@x.com (u5) and 2 more")


def test_members_of_a_new_group_join_under_the_id_that_it_got():
    joining = AddGroupMembers("A", NEWCOMER, ("u1",))
    assert joining.describe() == "add to group (new) of account A: u1"
    assert with_subject_id(joining, "A.g12") == AddGroupMembers("A", "12", ("u1",))
    assert with_subject_id(joining, None) == joining
