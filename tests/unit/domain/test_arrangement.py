"""What of a plan happens now, and what waits for people."""

from __future__ import annotations

import pytest

from connector.domain.ledger.plans import Fulfilment
from connector.domain.plan import (
    NEWCOMER,
    AddGroupMembers,
    CloseMembership,
    CreateMembership,
    GrantRole,
    Plan,
    RemoveGroupMembers,
    ReopenMembership,
    SetProfile,
    UpdatePerson,
)
from connector.domain.policy.arrangement import arrange
from connector.domain.policy.entitlement_rules import Policy
from connector.errors import InvalidRequestError
from mappings import load_entitlements
from tests.builders import ADMIN, PERSON, SENDER, VIEWER, book

SENDER_NEEDS_APPROVAL = {"match": f"*.{SENDER}", "fulfilment": "approval"}


def policy(*rules):
    return Policy(load_entitlements(entitlements=rules or (SENDER_NEEDS_APPROVAL,)))


def arranged(*steps, rules=()):
    return list(arrange(Plan(steps), policy(*rules), book()))


def test_what_waits_comes_last():
    grant, rename = SetProfile("A", "u1", SENDER, VIEWER), UpdatePerson("B", "u1", {"suffix": "x"})
    role = GrantRole("u1", "organization-admin")
    assert arranged(role, grant, rename) == [rename, grant, role]


def test_a_newcomer_joins_with_the_baseline():
    assert arranged(CreateMembership("A", PERSON, SENDER)) == [
        CreateMembership("A", PERSON, VIEWER),
        SetProfile("A", NEWCOMER, SENDER, VIEWER),
    ]


def test_a_member_of_another_account_waits_to_join():
    join = CreateMembership("A", PERSON, SENDER, user_id="u1")
    assert arranged(join) == [join]


def test_who_comes_back_does_so_with_the_baseline():
    assert arranged(ReopenMembership("A", "u1", PERSON, SENDER, ("7",))) == [
        ReopenMembership("A", "u1", PERSON, VIEWER, ("7",)),
        SetProfile("A", "u1", SENDER, VIEWER),
    ]


def test_a_newcomer_whose_baseline_waits_needs_another_account():
    everything_in_a = {"account": "A", "fulfilment": "approval"}
    join_a, join_b = CreateMembership("A", PERSON, SENDER), CreateMembership("B", PERSON, VIEWER)
    with pytest.raises(InvalidRequestError, match="has to be approved first"):
        arranged(join_a, rules=(everything_in_a,))
    assert arranged(join_b, join_a, rules=(everything_in_a,)) == [join_b, join_a]


def test_nobody_who_is_closed_again_waits_for_a_profile():
    closing = CloseMembership("A", NEWCOMER)
    with pytest.raises(InvalidRequestError, match="takes an active user"):
        arranged(CreateMembership("A", PERSON, SENDER), closing)


def test_a_passage_is_left_out_where_the_joining_waits():
    passage = ReopenMembership("B", "u1", PERSON, VIEWER)
    join = CreateMembership("A", PERSON, SENDER, user_id="u1")
    close = CloseMembership("B", "u1", restorable=False)
    assert arranged(passage, join, close) == [join]
    now = CreateMembership("A", PERSON, VIEWER, user_id="u1")
    assert arranged(passage, now, close) == [passage, now, close]


def test_taking_away_never_waits():
    closing = CloseMembership("A", "u1")
    leaving = RemoveGroupMembers("A", "7", ("u1",))
    fallback = SetProfile("A", "u1", VIEWER, SENDER)
    steps = [closing, leaving, fallback]
    assert arranged(*steps) == steps


@pytest.mark.parametrize(
    ("step", "who"),
    [
        (SetProfile("A", "u1", SENDER), Fulfilment.APPROVAL),
        (SetProfile("A", "u1", VIEWER), Fulfilment.AUTOMATIC),
        (SetProfile("A", "u1", ADMIN), Fulfilment.AUTOMATIC),
        (SetProfile("A", "u1", "unknown"), Fulfilment.AUTOMATIC),
        (AddGroupMembers("A", "7", ("u1",)), Fulfilment.AUTOMATIC),
        (GrantRole("u1", "organization-admin"), Fulfilment.MANUAL),
    ],
)
def test_the_policy_routes(step, who):
    assert policy().route(step, book().catalogue) is who


def test_the_first_rule_that_holds_counts_as_a_whole():
    rules = (
        {"match": f"A.{SENDER}", "risk": "high"},
        {"kind": "profile", "fulfilment": "approval", "owner": "it"},
    )
    ruling = policy(*rules).rule_on(f"A.{SENDER}", book().catalogue)
    assert (ruling.fulfilment, ruling.meaning.owner) == (Fulfilment.AUTOMATIC, "")
    assert ruling.rule == f"rule 1 of the tenant (match: A.{SENDER})"
    assert policy(*rules).rule_on(f"B.{SENDER}", book().catalogue).meaning.owner == "it"


def test_what_there_is_not_has_no_rule():
    with pytest.raises(InvalidRequestError, match="no entitlement"):
        policy().rule_on("A.nothing", book().catalogue)
