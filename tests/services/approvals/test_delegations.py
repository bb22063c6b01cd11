"""Who decides while somebody is away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.work_items.items import WorkItemState
from connector.errors import (
    ForbiddenError,
    InvalidRequestError,
)
from tests.approvals import (
    ADDRESS,
    APPROVE,
    DAY,
    administrator,
    approver,
    decide,
    somebody,
    waiting,
)


def away(connector, by, to, **more):
    now = connector.clock.now()
    return connector.services.delegations.begin(by, to, now, now + timedelta(days=7), **more)


def test_who_has_no_address_has_nothing_to_delegate(start):
    connector, _ = start()
    with pytest.raises(ForbiddenError, match="no e-mail address"):
        away(connector, somebody("bob", email=""), "carl")


def test_a_delegate_decides_while_somebody_is_away(start):
    connector, asked_for = start(approvers={"groups": ["Owners"]})
    _, item = waiting(connector, asked_for)
    made = away(connector, somebody("bob", groups=["Owners"]), "carl")
    connector.services.delegations.end(made.delegation_id, somebody("bob"))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))
    away(connector, somebody("bob", groups=["Owners"]), "carl")
    view = decide(connector, item, APPROVE, somebody("carl"))
    assert view.plan.context["approved_by"] == ["bob"]


def test_a_delegation_ends_by_itself_and_is_not_passed_on(start):
    connector, asked_for = start(approvers={"people": ["bob"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), "carl")
    away(connector, somebody("carl"), "dora")
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("dora"))
    connector.clock.advance(8 * DAY)
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_nobody_gets_round_self_approval_by_a_delegation(start):
    connector, asked_for = start(approvers={"people": ["bob", ADDRESS]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), ADDRESS)
    away(connector, somebody("ann", email=ADDRESS), "carl")
    with pytest.raises(ForbiddenError, match="their own access"):
        decide(connector, item, APPROVE, somebody("ann", email=ADDRESS))
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_nobody_decides_for_whose_access_it_is_under_whatever_name(start):
    connector, asked_for = start(approvers={"people": ["al"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("al", email=ADDRESS), "carl")
    with pytest.raises(ForbiddenError):
        decide(connector, item, APPROVE, somebody("carl"))


def test_a_delegate_stands_for_whom_the_policy_names_by_address(start):
    connector, asked_for = start(approvers={"people": ["bob@acme.test"]})
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob", email="bob@acme.test"), "carl")
    assert decide(connector, item, APPROVE, somebody("carl")).item.state is WorkItemState.DONE


def test_absent_and_delegate_are_one_voice(start):
    connector, asked_for = start(approvers={"people": ["bob", "dora"]}, approvals_needed=2)
    _, item = waiting(connector, asked_for)
    away(connector, somebody("bob"), "carl")
    decide(connector, item, APPROVE, somebody("bob"))
    with pytest.raises(InvalidRequestError, match="approved this already"):
        decide(connector, item, APPROVE, somebody("carl"))


@pytest.mark.parametrize(("start_in", "days"), [(0, 0), (0, 400), (-10, 5)])
def test_a_delegation_has_a_sensible_time(start, start_in, days):
    connector, _ = start()
    begin = connector.clock.now() + timedelta(days=start_in)
    with pytest.raises(InvalidRequestError):
        connector.services.delegations.begin(
            somebody("bob"), "carl", begin, begin + timedelta(days=days)
        )


def test_only_administrators_delegate_for_others(start):
    connector, _ = start()
    with pytest.raises(ForbiddenError):
        away(connector, approver("eve"), "eve", absent="bob")
    with pytest.raises(InvalidRequestError, match="e-mail address"):
        away(connector, administrator(), "carl", absent="bob")
    made = away(connector, administrator(), "carl", absent="bob@acme.test")
    assert made.delegator == "bob@acme.test"
