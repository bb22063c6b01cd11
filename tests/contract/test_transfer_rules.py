"""Envelope transfer rules, of which an account may have more than a page."""

from __future__ import annotations

import itertools

import pytest
import structlog

from connector.docusign.errors import BadAnswerError, InvalidDataError, NoAnswerError
from simulator.faults import Fault
from tests.contract.directories import directory_of
from tests.simulated import simulated

MANY = 120


@pytest.fixture(params=["refused", "not_found"])
def world(request):
    return simulated(20, missing_transfer_rule=request.param)


def with_rules(world):
    """Fill more than a page with rules; return the directory and the two last added."""
    directory, account = directory_of(world), world.account.account_id
    user_ids = [item.user.user_id for item in world.account.roster if item.status.is_open]
    pairs = itertools.islice(itertools.permutations(user_ids, 2), MANY)
    rules = [(directory.create_transfer_rule(account, *pair), pair) for pair in pairs]
    return directory, account, rules[-2:]


def test_a_rule_behind_the_first_page_is_found(world):
    directory, account, [_, (rule_id, pair)] = with_rules(world)
    assert directory.find_transfer_rule(account, *pair) == rule_id
    directory.delete_transfer_rule(account, rule_id)
    assert directory.find_transfer_rule(account, *pair) is None


def test_deleting_a_missing_rule_is_no_error(world):
    directory, account, [(rule_id, _), (other_id, _)] = with_rules(world)
    directory.delete_transfer_rule(account, rule_id)
    directory.delete_transfer_rule(account, rule_id)
    assert rule_id not in world.account.transfer_rules
    assert other_id in world.account.transfer_rules


def test_a_refusal_counts_where_the_rule_is_behind_the_first_page(world):
    directory, account, [_, (rule_id, _)] = with_rules(world)
    fault = Fault("error", "DELETE", status=400, error_code="INVALID_REQUEST_PARAMETER")
    world.faults.add(fault)
    with pytest.raises(InvalidDataError):
        directory.delete_transfer_rule(account, rule_id)


def test_a_page_of_a_proxy_is_no_missing_rule(world):
    directory, account, [_, (rule_id, _)] = with_rules(world)
    world.faults.add(Fault("html", "DELETE", status=404))
    with pytest.raises(NoAnswerError):
        directory.delete_transfer_rule(account, rule_id)


def answering(world, monkeypatch, answer):
    view = "transfer_rules.list_rules"
    monkeypatch.setitem(world.app.view_functions, view, lambda account_id: answer)


@pytest.mark.parametrize("number", [MANY, 100])
def test_rules_without_pages_have_an_end_and_the_log_says_so(world, monkeypatch, number):
    directory, account, _ = with_rules(world)
    rules = list(world.account.transfer_rules.values())[:number]
    answering(world, monkeypatch, {"envelopeTransferRules": rules})
    pair = [rules[-1][side]["userId"] for side in ("fromUser", "toUser")]
    rule_id = rules[-1]["envelopeTransferRuleId"]
    assert directory.find_transfer_rule(account, *pair) == rule_id
    with structlog.testing.capture_logs() as logs:
        assert directory.find_transfer_rule(account, *reversed(pair)) is None
    told = [item["what"] for item in logs if "again and again" in item["event"]]
    assert told == ["listing transfer rules"]


def test_an_answer_without_a_list_is_not_taken_for_no_rule(world, monkeypatch):
    directory, account, [_, (_, pair)] = with_rules(world)
    answering(world, monkeypatch, {"message": "busy"})
    with pytest.raises(BadAnswerError, match="lacks the list"):
        directory.find_transfer_rule(account, *pair)
    answering(world, monkeypatch, {"resultSetSize": "0"})
    assert directory.find_transfer_rule(account, *pair) is None
