"""Approvers who cannot be anybody are told with their path in the file and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.authentication.console import ConsoleAccount, ConsoleRole
from connector.domain.policy.absent_approvers import Deciders, absent_approvers
from connector.settings import ConsoleGroups, TenantSettings
from mappings import load_entitlements
from tests.contract.store.people import NOW

ANN = ConsoleAccount(
    "ann", "Ann", "Ann@acme.test", "hash", frozenset({ConsoleRole.APPROVER}), NOW, NOW
)
BOB = replace(ANN, login="bob", email="", roles=frozenset({ConsoleRole.VIEWER}))
EVE = replace(ANN, login="eve", email="eve@acme.test", disabled_at=NOW)
NO_GROUPS = ConsoleGroups()
RULE: dict[str, Any] = {"match": "*", "kind": "profile", "fulfilment": "approval"}


def told(asked: dict[str, Any], deciders: Deciders, groups: ConsoleGroups = NO_GROUPS) -> list[str]:
    """Return what is told of the second rule of a tenant."""
    rules = ({"match": "Viewer"}, {**RULE, **asked})
    tenant = TenantSettings(name="acme", entitlements=rules, console_groups=groups)
    return list(absent_approvers(tenant, load_entitlements({}, rules), deciders))


def here(*accounts: ConsoleAccount) -> Deciders:
    return Deciders(has_provider=False, accounts=accounts)


@pytest.mark.parametrize("accounts", [None, [ANN]])
def test_a_group_is_nobody_without_an_identity_provider(accounts):
    asked = {"approvers": {"people": ["ann"], "groups": ["it", "Security"]}}
    first, second = told(asked, Deciders(has_provider=False, accounts=accounts))
    assert first.startswith("tenants.acme.entitlements[1].approvers.groups[0]: ")
    assert "'Security'" in second
    assert "console.oidc" in second
    assert told(asked, Deciders(has_provider=True, accounts=accounts)) == []


@pytest.mark.parametrize("name", ["ann", "ANN", "ann@ACME.test"])
def test_an_account_is_known_by_login_and_address_in_any_case(name):
    assert told({"approvers": {"people": [name]}}, here(ANN)) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("zoe@acme.test", "console user add --tenant acme"),
        ("bob", "console user email bob ADDRESS --tenant acme"),
        ("eve@acme.test", "console user enable eve --tenant acme"),
    ],
)
def test_a_person_is_nobody_without_an_account_that_can_decide(name, says):
    asked = {"approvers": {"people": ["ann", name]}}
    (line,) = told(asked, here(ANN, BOB, EVE))
    assert line.startswith("tenants.acme.entitlements[1].approvers.people[1]: ")
    assert says in line


def test_whom_the_identity_provider_knows_nobody_here_can_tell():
    asked = {"approvers": {"people": ["zoe@acme.test"]}}
    assert told(asked, Deciders(has_provider=True, accounts=[ANN])) == []
    assert told(asked, Deciders(has_provider=False, accounts=None)) == []


def test_fewer_than_have_to_agree_is_told_beside_who_is_missing():
    asked = {"approvers": {"people": ["ann", "zoe@acme.test"]}, "approvals_needed": 2}
    missing, few = told(asked, here(ANN))
    assert "people[1]" in missing
    assert few.startswith("tenants.acme.entitlements[1].approvals_needed: 2 people")


def test_one_person_under_two_names_is_no_two_people():
    asked = {"approvers": {"people": ["ann", "ann@acme.test"]}, "approvals_needed": 2}
    (few,) = told(asked, here(ANN))
    assert "approvals_needed" in few


def test_the_manager_may_be_anybody():
    assert told({"approvers": {"manager": True}}, here()) == []


def test_a_manager_is_one_person_of_those_who_must_agree():
    asked = {"approvers": {"people": ["ann"], "manager": True}, "approvals_needed": 2}
    assert told(asked, here(ANN)) == []
    few = told(asked, here())[-1]
    assert few.startswith("tenants.acme.entitlements[1].approvals_needed: 2 people")
    assert "at most 1, their manager included" in few


@pytest.mark.parametrize("has_provider", [True, False])
def test_as_many_need_the_role_as_have_to_agree(has_provider):
    asked = {"approvals_needed": 2}
    other = replace(ANN, login="zoe", email="zoe@acme.test")
    twin = replace(ANN, login="ann2")
    for accounts in ([ANN], [ANN, twin], [ANN, EVE]):
        (line,) = told(asked, Deciders(has_provider, accounts))
        assert "2 people must agree" in line and "1 person with an e-mail address" in line
    assert told(asked, Deciders(has_provider, [ANN, other])) == []
    assert told(asked, Deciders(has_provider, None)) == []


def test_escalations_are_looked_at_too():
    asked = {
        "approvers": {"people": ["ann"]},
        "on_expiry": "escalate",
        "escalate_to": {"groups": ["board"]},
    }
    (line,) = told(asked, here(ANN))
    assert line.startswith("tenants.acme.entitlements[1].escalate_to.groups[0]: ")


@pytest.mark.parametrize("has_provider", [True, False])
def test_a_rule_without_names_needs_somebody_with_the_role(has_provider):
    nobody = Deciders(has_provider, accounts=[BOB, EVE])
    (line,) = told({}, nobody)
    assert "role approver" in line
    boss = replace(ANN, roles=frozenset({ConsoleRole.ADMINISTRATOR}))
    for somebody in (ANN, boss):
        assert told({}, Deciders(has_provider, accounts=[BOB, somebody])) == []
    assert len(told({}, nobody, ConsoleGroups(approver=("it",)))) == (0 if has_provider else 1)


def test_roles_of_the_tenant_are_looked_at_and_shipped_rules_are_not():
    roles = {
        "site-admin": {
            "display": "Site admin",
            "fulfilment": "approval",
            "approvers": {"groups": ["it"]},
            "instructions": {"grant": ["Do it."], "revoke": ["Undo it."]},
        }
    }
    tenant = TenantSettings(name="acme", manual_roles=roles)
    (line,) = absent_approvers(tenant, load_entitlements(roles, ()), here(ANN))
    assert line.startswith("tenants.acme.manual_roles.site-admin.approvers.groups[0]: ")
